package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completeCmd is what the shells' scripts call. It never fails, and says nothing but candidates.
type completeCmd struct {
	// Words are the shell's name and, of bash, the line as far as it is written; of the others its words without the
	// program's name, the last one being the one to complete.
	Words []string `arg:"" optional:""`
}

// candidate is a word that could stand there, and what it means.
type candidate struct{ word, about string }

// Run prints the candidates, one a line, as the shell takes them.
func (c *completeCmd) Run(a *app, parsed *kong.Context) error {
	if len(c.Words) < 2 {
		return nil
	}
	shell, words := c.Words[0], c.Words[1:]
	if shell == "bash" {
		words = splitLine(words[0])[1:]
	}
	if len(words) == 0 {
		return nil
	}
	last := words[len(words)-1]
	for _, one := range newCompleter(a, parsed.Model.Node, words[:len(words)-1]).complete(last) {
		one.word, one.about = harmless(one.word), harmless(one.about) // a spec may say anything
		switch shell {
		case "bash": // takes words apart at =, and completes what is behind it
			if i := strings.LastIndexByte(last, '='); i >= 0 {
				one.word = one.word[i+1:]
			}
			fmt.Fprintln(a.stdout, one.word)
		case "zsh":
			fmt.Fprintln(a.stdout, strings.ReplaceAll(one.word, ":", `\:`)+":"+one.about)
		case "fish":
			fmt.Fprintln(a.stdout, one.word+"\t"+one.about)
		}
	}
	return nil
}

// completer knows what the words before say.
type completer struct {
	a    *app
	node *kong.Node
	args []string   // that are no commands and no flags
	flag *kong.Flag // that waits for its value
	rest bool       // after --, where another program's words stand
}

// newCompleter reads the words. What it does not understand it takes for an argument.
func newCompleter(a *app, root *kong.Node, words []string) *completer {
	c := &completer{a: a, node: root}
	for _, word := range doubleDash(words) {
		switch {
		case c.rest:
		case c.flag != nil:
			c.set(word)
		case word == "--":
			c.rest = true
		case strings.HasPrefix(word, "-") && word != "-":
			name, value, given := strings.Cut(word, "=")
			if c.flag = c.find(name); c.flag != nil && (given || c.flag.IsBool()) {
				c.set(value)
			}
		default:
			if i := slices.IndexFunc(c.node.Children, func(child *kong.Node) bool { return child.Name == word && !child.Hidden }); i >= 0 {
				c.node = c.node.Children[i]
			} else {
				c.args = append(c.args, word)
			}
		}
	}
	return c
}

// set gives the flag its value. That of --file says which spec is meant.
func (c *completer) set(value string) {
	if c.flag.Name == "file" {
		c.a.File = value
	}
	c.flag = nil
}

// flags are those of the command, and of every one.
func (c *completer) flags() (all []*kong.Flag) {
	for node := c.node; node != nil; node = node.Parent {
		all = append(all, slices.DeleteFunc(slices.Clone(node.Flags), func(flag *kong.Flag) bool { return flag.Hidden })...)
	}
	return all
}

func (c *completer) find(word string) *kong.Flag {
	for _, flag := range c.flags() {
		if word == "--"+flag.Name || flag.Short != 0 && word == "-"+string(flag.Short) {
			return flag
		}
	}
	return nil
}

// complete are the words that begin as the last one does.
func (c *completer) complete(last string) []candidate {
	switch {
	case c.rest:
		return nil
	case c.flag != nil:
		return c.values(c.flag.Value, "", last)
	case strings.HasPrefix(last, "-"):
		if name, value, given := strings.Cut(last, "="); given {
			if flag := c.find(name); flag != nil && !flag.IsBool() {
				return c.values(flag.Value, name+"=", value)
			}
			return nil
		}
		var all []candidate
		for _, flag := range c.flags() {
			all = append(all, candidate{"--" + flag.Name, flag.Help})
		}
		return startingWith(all, "", last)
	case len(c.node.Children) > 0 && len(c.args) > 0: // no such command
		return nil
	case len(c.node.Children) > 0:
		var all []candidate
		for _, child := range c.node.Children {
			if !child.Hidden {
				all = append(all, candidate{child.Name, child.Help})
			}
		}
		return startingWith(all, "", last)
	case len(c.node.Positional) == 0:
		return nil
	}
	i := min(len(c.args), len(c.node.Positional)-1)
	if value := c.node.Positional[i]; i == len(c.args) || value.IsSlice() {
		return c.values(value, "", last)
	}
	return nil
}

// values are those of a flag or argument. Of a list the last element is completed, and those before it stay.
func (c *completer) values(value *kong.Value, before, last string) []candidate {
	if value.IsSlice() && value.Flag != nil && value.Tag.Sep == ',' {
		if i := strings.LastIndexByte(last, ','); i >= 0 {
			before, last = before+last[:i+1], last[i+1:]
		}
	}
	kind, ok := completions()[value.Tag.Get("complete")]
	if !ok {
		return nil
	}
	return startingWith(kind(c), before, last)
}

// startingWith are the candidates that begin so, with what stands before them.
func startingWith(all []candidate, before, last string) (some []candidate) {
	for _, one := range all {
		if strings.HasPrefix(one.word, last) {
			some = append(some, candidate{before + one.word, one.about})
		}
	}
	return some
}

// splitLine takes a line apart as a shell does. The last word is the one that is being written, and may be empty.
func splitLine(line string) []string {
	words, quote, escaped := []string{""}, rune(0), false
	for _, r := range line {
		word := &words[len(words)-1]
		switch {
		case escaped:
			*word, escaped = *word+string(r), false
		case r == '\\' && quote != '\'':
			escaped = true
		case r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case quote == 0 && (r == ' ' || r == '\t'):
			if *word != "" {
				words = append(words, "")
			}
		default:
			*word += string(r)
		}
	}
	return words
}
