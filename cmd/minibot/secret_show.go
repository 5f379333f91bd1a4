package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

type secretShowCmd struct {
	Name string `arg:"" help:"The secret's name in the spec." complete:"secret"`
}

func (*secretShowCmd) Examples() []example {
	return []example{
		{"minibot secret show REDIS_PASSWORD", "on a terminal, after a question"},
	}
}

// Validate refuses to show a value where more than a person may see it.
func (c *secretShowCmd) Validate(parsed *kong.Context) error {
	if cli, ok := parsed.Model.Target.Addr().Interface().(*commands); ok && cli.JSON {
		return errors.New("a value is shown to a person and never printed as JSON; for a program: " + runExample(c.Name))
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
		return errors.New("a value is shown on a terminal alone, and input or output is none here.\nHand it to a program instead: " + runExample(c.Name))
	}
	return nil
}

func runExample(name string) string {
	return fmt.Sprintf("minibot run --only %s -- PROGRAM (it finds $%s in its environment)", name, name)
}

// Run shows one value, after a question. There is no flag that answers it.
func (c *secretShowCmd) Run(ctx context.Context, a *app) error {
	stack, store, err := a.named(c.Name)
	if err != nil {
		return err
	}
	value, err := store.Get(ctx, c.Name)
	if err != nil {
		return err
	}
	if err := a.confirm(ctx, fmt.Sprintf("Show %s (%s) on this screen, for all to see?", c.Name, a.where(stack))); err != nil {
		return err
	}
	text, escaped := printable(value.Reveal())
	if escaped {
		a.say("It holds characters that a terminal would act upon or cannot show; they are escaped:")
	}
	_, err = fmt.Fprintln(a.stdout, text)
	return err
}

// printable is a value as a terminal may be given it: as it stands, or, if it has anything
// but text in it, quoted with escapes.
func printable(value []byte) (text string, escaped bool) {
	acts := func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }
	text = strings.TrimSuffix(string(value), "\n")
	if !utf8.Valid(value) || strings.ContainsFunc(text, acts) {
		return strconv.Quote(string(value)), true
	}
	return text, false
}
