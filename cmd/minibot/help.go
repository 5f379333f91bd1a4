package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"minibot/spec"
)

type helpCmd struct {
	About    []string `arg:"" optional:"" name:"topic" help:"A command, or a topic: exit-codes, environment, spec. After spec a block of minibot.hcl, such as service.bind." complete:"topic"`
	Markdown bool     `help:"With spec: print the whole reference as a page."`
}

func (*helpCmd) Examples() []example {
	return []example{
		{"minibot help exit-codes", "what a script can go by"},
		{"minibot help environment", "the variables that minibot reads"},
		{"minibot help spec", "all that minibot.hcl may say; minibot help spec service.bind for one block"},
		{"minibot help spec --markdown", "the whole reference, on one page"},
		{"minibot help spec --json", "the same for editors and other programs"},
		{"minibot help secret set", "the same as minibot secret set --help"},
	}
}

// Validate makes sure that there is such a command or topic.
func (c *helpCmd) Validate(parsed *kong.Context) error {
	about := strings.Join(c.About, " ")
	switch {
	case c.Markdown && about != "spec":
		return errors.New("--markdown is for the topic spec alone")
	case c.topic() != nil || parsed.Model == nil:
		return nil
	case strings.HasPrefix(about, "spec "):
		return c.block()
	}
	_, err := c.node(parsed.Model.Node)
	return err
}

// Run shows one page.
func (c *helpCmd) Run(a *app, parsed *kong.Context) error {
	topic := c.topic()
	s := newSheet(a.stdout, a.Color)
	switch {
	case c.Markdown:
		_, err := io.WriteString(a.stdout, specMarkdown())
		return err
	case topic != nil && a.JSON:
		return a.json(map[string]any{"format_version": "1", topic.name: topic.json()})
	case topic != nil:
		topic.text(s)
		return s.flush(a.stdout)
	case len(c.About) > 1 && c.About[0] == "spec":
		specText(s, c.path())
		return s.flush(a.stdout)
	}
	node, err := c.node(parsed.Model.Node)
	if err != nil {
		return err
	}
	return writeHelp(a.stdout, parsed.Model, node, a.Color)
}

// path is that of the block of the spec that is asked for, whose parts may be words.
func (c *helpCmd) path() string { return strings.Join(c.About[1:], ".") }

// block makes sure that the language has it.
func (c *helpCmd) block() error {
	within := spec.Language().File
	for name := range strings.SplitSeq(c.path(), ".") {
		inner, ok := within.Find(name)
		if !ok {
			var names []string
			for _, block := range within.Blocks {
				names = append(names, block.Type)
			}
			near := spec.Nearest(name, names)
			if near != "" {
				near = fmt.Sprintf(" Did you mean %q?", near)
			}
			return fmt.Errorf("there is no block %s in minibot.hcl.%s Here may stand: %s", c.path(), near, strings.Join(names, ", "))
		}
		within = inner
	}
	return nil
}

// topic is the one that is asked for; nil if it is a command.
func (c *helpCmd) topic() *topic {
	all := topics()
	if i := slices.IndexFunc(all, func(t topic) bool { return len(c.About) == 1 && t.name == c.About[0] }); i >= 0 {
		return &all[i]
	}
	return nil
}

// node finds a command by its path; nil is minibot itself.
func (c *helpCmd) node(root *kong.Node) (*kong.Node, error) {
	node := root
	for _, word := range c.About {
		i := slices.IndexFunc(node.Children, func(child *kong.Node) bool { return child.Name == word && !child.Hidden })
		if i < 0 {
			near := nearest(node, word)
			if near == "" && node == root {
				near = spec.Nearest(word, topicNames())
			}
			if near != "" {
				near = fmt.Sprintf(" Did you mean %q?", near)
			}
			return nil, fmt.Errorf("there is no help about %s.%s The topics are %s, and every command", strings.Join(c.About, " "), near, strings.Join(topicNames(), ", "))
		}
		node = node.Children[i]
	}
	if node == root {
		return nil, nil
	}
	return node, nil
}
