package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"minibot/spec"
)

type helpCmd struct {
	About []string `arg:"" optional:"" name:"topic" help:"A command, or a topic: exit-codes, environment."`
}

func (*helpCmd) Examples() []example {
	return []example{
		{"minibot help exit-codes", "what a script can go by"},
		{"minibot help environment", "the variables that minibot reads"},
		{"minibot help secret set", "the same as minibot secret set --help"},
	}
}

// Validate makes sure that there is such a command or topic.
func (c *helpCmd) Validate(parsed *kong.Context) error {
	if c.topic() != nil || parsed.Model == nil {
		return nil
	}
	_, err := c.node(parsed.Model.Node)
	return err
}

// Run shows one page.
func (c *helpCmd) Run(a *app, parsed *kong.Context) error {
	if topic := c.topic(); topic != nil {
		if a.JSON {
			return a.json(map[string]any{"format_version": "1", topic.name: topic.json()})
		}
		s := newSheet(a.stdout, a.Color)
		topic.text(s)
		return s.flush(a.stdout)
	}
	node, err := c.node(parsed.Model.Node)
	if err != nil {
		return err
	}
	return writeHelp(a.stdout, parsed.Model, node, a.Color)
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
