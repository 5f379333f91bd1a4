package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"minibot/internal/secret"
	"minibot/spec"
	"minibot/verify"
)

// completions are the kinds of words that a flag or an argument can ask for in its tag: complete:"service".
func completions() map[string]func(*completer) []candidate {
	return map[string]func(*completer) []candidate{
		"service": (*completer).services,
		"secret":  (*completer).secrets,
		"check":   (*completer).checks,
		"family":  (*completer).families,
		"topic":   (*completer).topics,
		"store":   (*completer).stores,
		"shell":   words("bash", "zsh", "fish"),
		"level":   words("critical", "high", "medium", "low", "info"),
		"format":  words("text", "json", "junit", "sarif", "prometheus"),
	}
}

// words are always the same.
func words(all ...string) func(*completer) []candidate {
	return func(*completer) (list []candidate) {
		for _, word := range all {
			list = append(list, candidate{word: word})
		}
		return list
	}
}

// spec is what can be read of it, also where it has errors; nil where there is none.
func (c *completer) spec() *spec.Stack {
	stack, _, err := c.a.parse()
	if err != nil {
		return nil
	}
	return stack
}

func (c *completer) services() (all []candidate) {
	if stack := c.spec(); stack != nil {
		for _, service := range stack.Services {
			if !slices.Contains(c.args, service.Name) {
				all = append(all, candidate{service.Name, service.Image})
			}
		}
	}
	return all
}

func (c *completer) secrets() (all []candidate) {
	if stack := c.spec(); stack != nil {
		for _, one := range stack.Secrets {
			if !slices.Contains(c.args, one.Name) {
				all = append(all, candidate{one.Name, one.Description})
			}
		}
	}
	return all
}

func (c *completer) checks() (all []candidate) {
	for _, check := range verify.Checks() {
		all = append(all, candidate{check.ID, check.Claim})
	}
	return all
}

// families are the checks, and what their ids begin with.
func (c *completer) families() []candidate {
	var all []candidate
	for _, check := range verify.Checks() {
		family, _, _ := strings.Cut(check.ID, ".")
		if one := (candidate{family, "all checks of " + family}); !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return append(all, c.checks()...)
}

func (c *completer) stores() (all []candidate) {
	for _, kind := range secret.Kinds() {
		all = append(all, candidate{kind.Name, kind.Doc})
	}
	return all
}

// topics are those of help, and every command.
func (c *completer) topics() (all []candidate) {
	if len(c.args) == 0 {
		for _, topic := range topics() {
			all = append(all, candidate{word: topic.name})
		}
	}
	node := c.node.Parent
	if len(c.args) > 0 && c.args[0] == "spec" {
		block := spec.Language().File
		for _, name := range c.args[1:] {
			block, _ = block.Find(name)
		}
		for _, inner := range block.Blocks {
			all = append(all, candidate{inner.Type, inner.Description})
		}
		return all
	}
	for _, word := range c.args {
		i := slices.IndexFunc(node.Children, func(child *kong.Node) bool { return child.Name == word })
		if i < 0 {
			return all
		}
		node = node.Children[i]
	}
	for _, child := range node.Children {
		if !child.Hidden {
			all = append(all, candidate{child.Name, child.Help})
		}
	}
	return all
}
