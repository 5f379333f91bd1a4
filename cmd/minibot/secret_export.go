package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"minibot/internal/secret"
	"minibot/spec"
)

type secretExportCmd struct {
	To      string   `required:"" help:"The kind of store to copy to: auto, keychain, secret-service or file." placeholder:"KIND" complete:"store"`
	Names   []string `arg:"" optional:"" name:"name" help:"The secrets; all of the spec if left out." complete:"secret"`
	Replace bool     `help:"Copy also over another value in that store."`
	Remove  bool     `help:"Remove them from the store they were in, after all were read back and compared."`
}

func (*secretExportCmd) Examples() []example {
	return []example{
		{"minibot secret export --to file", "all of them, read back and compared"},
		{"minibot secret export --to file REDIS_PASSWORD", "one of them"},
	}
}

// Validate refuses a kind of store that there is none of.
func (c *secretExportCmd) Validate() error { return knownKind("--to", c.To) }

// knownKind is an error for a kind of store that there is none of.
func knownKind(flag, kind string) error {
	var names []string
	for _, known := range secret.Kinds() {
		names = append(names, known.Name)
	}
	if !slices.Contains(names, kind) {
		return fmt.Errorf("%s: %q is none of %s", flag, kind, strings.Join(names, ", "))
	}
	return nil
}

// Run copies secrets from the store in use to another one, with minibot's own key.
func (c *secretExportCmd) Run(ctx context.Context, a *app) error {
	loaded, err := a.load()
	if err != nil {
		return err
	}
	stack := loaded.stack
	names := c.Names
	if len(names) == 0 {
		names = secretNames(stack)
	}
	for _, name := range names {
		if err := declared(stack, name); err != nil {
			return err
		}
	}
	from, to, target, err := c.stores(a, stack)
	if err != nil {
		return err
	}
	if len(c.Names) > 0 { // what is asked for by name must be there
		if _, _, err := secret.Resolve(ctx, from, wanted(names)); err != nil {
			return err
		}
	}
	copied, err := secret.Copy(ctx, from, to, names, c.Replace)
	conflict := (*secret.ConflictError)(nil)
	if errors.As(err, &conflict) {
		return fmt.Errorf("%w.\nNothing was copied. --replace copies over what is there (%s)", err, target)
	}
	rows := exported(copied)
	if err != nil {
		return stopped(err, rows)
	}
	there := present(rows)
	if c.Remove {
		if err := c.remove(ctx, a, stack, to, there); err != nil {
			return fmt.Errorf("all were copied and read back, but not all removed from the old store: %w", err)
		}
	}
	if err := c.show(a, stack, target, rows); err != nil {
		return err
	}
	if len(there) == 0 {
		a.say("There was nothing to copy: the store has none of the spec's secrets (%s).", a.where(stack))
		return nil
	}
	c.next(a, stack, target, len(there))
	return nil
}

// stores opens both. They must be two, and both of a sort that can do its part.
func (c *secretExportCmd) stores(a *app, stack *spec.Stack) (from, to secret.Store, target string, err error) {
	if target, err = secret.Describe(c.To, stack.Name, storeOptions(stack)); err != nil {
		return nil, nil, "", err
	}
	if target == a.where(stack) {
		return nil, nil, "", fmt.Errorf("that is the store in use already (%s); name another one with --to", target)
	}
	if to, err = secret.Open(c.To, stack.Name, storeOptions(stack)); err != nil {
		return nil, nil, "", err
	}
	if secret.CheckWritable(to, "") != nil {
		return nil, nil, "", fmt.Errorf("minibot can read the %s store and not write it; copy to keychain, secret-service or file", c.To)
	}
	if from, err = a.store(stack); err != nil {
		return nil, nil, "", err
	}
	if c.Remove {
		if err := secret.CheckWritable(from, ""); err != nil {
			return nil, nil, "", fmt.Errorf("--remove: %w. Nothing was copied", err)
		}
	}
	return from, to, target, nil
}

// remove takes the secrets out of the old store. It is opened anew: what was read from it
// before proves nothing about now.
func (c *secretExportCmd) remove(ctx context.Context, a *app, stack *spec.Stack, to secret.Store, names []string) error {
	from, err := secret.Open(a.storeKind(stack), stack.Name, storeOptions(stack))
	if err != nil {
		return err
	}
	return secret.Remove(ctx, from, to, names)
}

func wanted(names []string) []secret.Want {
	var wants []secret.Want
	for _, name := range names {
		wants = append(wants, secret.Want{Name: name})
	}
	return wants
}

// exported says for people what was copied.
func exported(copied []secret.Copied) []moved {
	var rows []moved
	for _, one := range copied {
		row := moved{Name: one.Name}
		if one.Name == secret.LabelKey {
			row.Reason = "minibot's own key, by which plan sees what was delivered"
		}
		switch {
		case one.Absent:
			row.Result = resultMissing
		case one.Before == secret.Same:
			row.Result = resultUnchanged
		case one.Before == secret.Other:
			row.Result = resultReplaced
		default:
			row.Result = resultCopied
		}
		rows = append(rows, row)
	}
	return rows
}

// present are the spec's secrets that the target has now.
func present(rows []moved) []string {
	var names []string
	for _, row := range rows {
		if row.Result != resultMissing && row.Name != secret.LabelKey {
			names = append(names, row.Name)
		}
	}
	return names
}

// stopped says of a copy that failed half-way what is there.
func stopped(err error, rows []moved) error {
	names := present(rows)
	if len(names) == 0 {
		return err
	}
	return fmt.Errorf("%w\nCopied before that: %s. Nothing was removed; run it again when the store works", err, strings.Join(names, ", "))
}

func (c *secretExportCmd) show(a *app, stack *spec.Stack, target string, rows []moved) error {
	if a.JSON {
		return a.json(map[string]any{
			"format_version": "1", "from": a.where(stack), "to": target, "removed": c.Remove, "secrets": orEmpty(rows),
		})
	}
	return a.showMoved(rows)
}

// next says how to use the other store from now on.
func (c *secretExportCmd) next(a *app, stack *spec.Stack, target string, n int) {
	a.say("Read back and compared: %s.", count(n, "secret"))
	old, _, _ := strings.Cut(a.where(stack), ": ")
	if c.Remove {
		a.say("Removed from the old store (%s).", old)
	} else {
		a.say("They are still in the old store, too (%s).", old)
	}
	kind := "auto"
	if stack.Store != nil {
		kind = stack.Store.Kind
	}
	if now, err := secret.Describe(kind, stack.Name, storeOptions(stack)); err == nil && now == target {
		a.say("%s names the new store already.", a.File)
		return
	}
	note := ""
	if stack.Store != nil && len(stack.Store.Command) > 0 {
		note = "  (without its command)"
	}
	when := "To use the new one"
	if c.Remove {
		when = "Before the next apply, which would look in the old one"
	}
	a.say("%s, write in %s:\n  secrets { store = %q }%s", when, a.File, c.To, note)
}
