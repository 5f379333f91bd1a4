package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"minibot/internal/secret"
	"minibot/spec"
)

type secretImportCmd struct {
	Env     string `arg:"" optional:"" name:"env-file" help:"The .env file; standard input if left out or -."`
	Replace bool   `help:"Take also what has another value in the store already."`
}

func (*secretImportCmd) Examples() []example {
	return []example{
		{"minibot secret import .env", "what the spec names; says what it left, and why"},
		{"op inject -i env.tpl | minibot secret import -", "from another program, without a file"},
	}
}

// Validate refuses to read values that would show while they are typed.
func (c *secretImportCmd) Validate() error {
	if (c.Env == "" || c.Env == "-") && term.IsTerminal(int(os.Stdin.Fd())) {
		return errors.New("name a file (minibot secret import .env), or pipe its text in;\n" +
			"`minibot secret set NAME` asks for one value without showing it")
	}
	return nil
}

// Run stores what a .env text says of the spec's secrets. All is read and judged before the
// first value is stored.
func (c *secretImportCmd) Run(ctx context.Context, a *app) error {
	loaded, err := a.load()
	if err != nil {
		return err
	}
	store, err := a.store(loaded.stack)
	if err != nil {
		return err
	}
	if err := secret.CheckWritable(store, ""); err != nil {
		return err
	}
	if err := secret.NotRotating(ctx, store, secretNames(loaded.stack)...); err != nil {
		return err
	}
	text, err := c.read(ctx, a)
	if err != nil {
		return err
	}
	entries, err := parseEnv(text)
	clear(text)
	if fault := (*envError)(nil); errors.As(err, &fault) {
		return fmt.Errorf("%w; nothing was taken", fault.place(c.source()))
	}
	rows, unnamed, err := c.judge(ctx, loaded.stack, store, entries)
	if err != nil {
		return err
	}
	if err := storeAll(ctx, store, rows); err != nil {
		return err
	}
	if err := a.showImport(c.source(), a.where(loaded.stack), rows, unnamed); err != nil {
		return err
	}
	return c.remind(a, loaded.stack, rows)
}

// judge says what is to become of every entry, secrets of the spec first. unnamed counts
// those which the spec does not have and whose name is better not shown.
func (c *secretImportCmd) judge(ctx context.Context, stack *spec.Stack, store secret.Store, entries map[string]envEntry) (rows []moved, unnamed int, err error) {
	var foreign []moved
	for _, name := range sortedKeys(entries) {
		entry := entries[name]
		if stack.Secret(name) == nil {
			if !entry.mayName() {
				unnamed++
				continue
			}
			foreign = append(foreign, moved{Name: name, Result: resultLeft, Reason: "not a secret of the spec"})
			continue
		}
		row, err := c.judgeOne(ctx, store, entry)
		if err != nil {
			return nil, 0, err
		}
		rows = append(rows, row)
	}
	return append(rows, foreign...), unnamed, nil
}

func (c *secretImportCmd) judgeOne(ctx context.Context, store secret.Store, entry envEntry) (moved, error) {
	row := moved{Name: entry.name, Result: resultLeft}
	switch {
	case entry.dollar:
		row.mend = true
		row.Reason = "a $ in it would be a variable; write the value in 'single quotes'"
		return row, nil
	case entry.bare || entry.value.IsZero():
		row.Reason = "it has no value there"
		return row, nil
	case len(entry.value.Reveal()) > secret.MaxValue:
		row.mend, row.Reason = true, fmt.Sprintf("no store takes more than %d bytes", secret.MaxValue)
		return row, nil
	}
	before, err := secret.Holds(ctx, store, entry.name, entry.value)
	switch {
	case err != nil:
		return moved{}, err
	case before == secret.Same:
		row.Result = resultUnchanged
	case before == secret.Nothing:
		row.Result, row.value = resultTaken, entry.value
	case c.Replace:
		row.Result, row.value = resultReplaced, entry.value
	default:
		row.mend, row.Reason = true, "it has another value in the store; --replace takes this one"
	}
	return row, nil
}

// storeAll stores the values of the rows. If one fails, the error says what is stored.
func storeAll(ctx context.Context, store secret.Store, rows []moved) error {
	var stored, open []string
	var failed error
	for _, row := range rows {
		if row.value.IsZero() {
			continue
		}
		if failed == nil {
			failed = store.Set(ctx, row.Name, row.value)
		}
		if failed == nil {
			stored = append(stored, row.Name)
		} else {
			open = append(open, row.Name)
		}
	}
	if failed == nil {
		return nil
	}
	return fmt.Errorf("%w\nStored: %s. Not stored: %s. Run it again when the store works",
		failed, cmp.Or(strings.Join(stored, ", "), "none"), strings.Join(open, ", "))
}

func (a *app) showImport(source, where string, rows []moved, unnamed int) error {
	if a.JSON {
		return a.json(map[string]any{"format_version": "1", "source": source, "store": where, "secrets": orEmpty(rows), "others": unnamed})
	}
	if err := a.showMoved(rows); err != nil {
		return err
	}
	if unnamed > 0 {
		a.say("Left %s that the spec does not have.", count(unnamed, "other line"))
	}
	a.say("Store: %s", where)
	return nil
}

// remind says what is left to do. The error says whether the import was all that it should be.
func (c *secretImportCmd) remind(a *app, stack *spec.Stack, rows []moved) error {
	is := func(results ...string) []string {
		var names []string
		for _, row := range rows {
			if slices.Contains(results, row.Result) {
				names = append(names, row.Name)
			}
		}
		return names
	}
	if replaced := is(resultReplaced); len(replaced) > 0 {
		a.say("%s", keepsOld(replaced...))
	}
	stored := is(resultTaken, resultReplaced, resultUnchanged)
	if len(stored) == 0 {
		a.say("Nothing was taken. The secrets of the spec are: %s", cmp.Or(strings.Join(secretNames(stack), ", "), "none"))
		return errIncomplete
	}
	mend := slices.ContainsFunc(rows, func(row moved) bool { return row.mend })
	switch {
	case c.Env == "" || c.Env == "-":
	case mend:
		a.say("%s holds plain values. Mend it, import it again, then delete it: rm %s", c.Env, shellWord(c.Env))
	case len(is(resultLeft)) > 0:
		a.say("%s still holds these values, plain. Delete their lines, or all of it: rm %s", c.Env, shellWord(c.Env))
	default:
		a.say("%s still holds these values, plain. Delete it: rm %s", c.Env, shellWord(c.Env))
	}
	if mend {
		return errIncomplete
	}
	return nil
}
