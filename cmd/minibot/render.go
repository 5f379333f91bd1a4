package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/rogpeppe/go-internal/diff"

	"minibot/render"
)

type renderCmd struct {
	Output string `short:"o" help:"Write the file, in one step." placeholder:"FILE" xor:"where"`
	Check  string `help:"Compare with a file on disk; show the difference and exit 2 if there is one." placeholder:"FILE" xor:"where"`
}

func (*renderCmd) Examples() []example {
	return []example{
		{"minibot render", "print docker-compose.yml"},
		{"minibot render -o docker-compose.yml", "write it, for review"},
		{"minibot render --check docker-compose.yml", "for CI: is the reviewed file what the spec says?"},
	}
}

// Run renders docker-compose.yml.
func (c *renderCmd) Run(a *app) error {
	loaded, err := a.load()
	if err != nil {
		return err
	}
	switch {
	case c.Check != "":
		return c.check(a, loaded.compose)
	case c.Output != "":
		if err := writeFile(c.Output, loaded.compose); err != nil {
			return fmt.Errorf("write %s: %w", c.Output, err)
		}
		a.say("Wrote %s.", c.Output)
		return nil
	case a.JSON:
		return a.json(map[string]any{"format_version": "1", "stack": loaded.stack.Name, "file": render.FileName, "content": string(loaded.compose)})
	}
	_, err = a.stdout.Write(loaded.compose)
	return err
}

func (c *renderCmd) check(a *app, compose []byte) error {
	have, err := os.ReadFile(c.Check)
	if errors.Is(err, fs.ErrNotExist) {
		a.say("There is no %s. Write it: minibot render -o %s", c.Check, c.Check)
		return errDiffers
	}
	if err != nil {
		return err
	}
	if bytes.Equal(have, compose) {
		a.say("%s is what the spec says.", c.Check)
		return nil
	}
	if _, err := a.stdout.Write(diff.Diff(c.Check, have, "rendered from "+a.File, compose)); err != nil {
		return err
	}
	a.say("%s is not what the spec says. Write it again: minibot render -o %s", c.Check, c.Check)
	return errDiffers
}
