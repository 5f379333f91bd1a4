package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"minibot/internal/secret"
	"minibot/spec"
)

type secretCmd struct {
	Set      secretSetCmd      `cmd:"" help:"Set a secret, asked for on the terminal or read from standard input."`
	Generate secretGenerateCmd `cmd:"" help:"Generate a random value for a secret that has none."`
	List     secretListCmd     `cmd:"" help:"List the secrets of the spec: present or missing, and who uses them."`
	Check    secretCheckCmd    `cmd:"" help:"Exit 3 if a secret is missing or the store cannot be read."`
	Show     secretShowCmd     `cmd:"" help:"Show the value of a secret on the terminal, after a question."`
	Where    secretWhereCmd    `cmd:"" help:"Say which store is used, why, where it is, and what the others lack."`
	Import   secretImportCmd   `cmd:"" help:"Take the secrets of the spec from a .env file or standard input."`
	Export   secretExportCmd   `cmd:"" help:"Copy secrets to another kind of store, and prove that they are there."`
	Rotate   secretRotateCmd   `cmd:"" help:"Give a secret a new value: in the running services, in the store, in every container."`
	Rm       secretRmCmd       `cmd:"" help:"Remove a secret from the store."`
}

func (*secretCmd) Examples() []example {
	return []example{
		{"minibot secret list", "present or missing, who uses it; never a value"},
		{"minibot secret set API_KEY", "asks; nothing is shown"},
		{"minibot secret rotate --all", "new passwords everywhere, one by one"},
	}
}

// named opens the store and makes sure that the spec has a secret of that name.
func (a *app) named(name string) (*spec.Stack, secret.Store, error) {
	loaded, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	if err := declared(loaded.stack, name); err != nil {
		return nil, nil, err
	}
	store, err := a.store(loaded.stack)
	return loaded.stack, store, err
}

// declared makes sure that the spec has a secret of that name.
func declared(stack *spec.Stack, name string) error {
	if stack.Secret(name) != nil {
		return nil
	}
	has := cmp.Or(strings.Join(secretNames(stack), ", "), "none")
	if secret.CheckName(name) != nil { // it may be a value that somebody put in the wrong place
		return fmt.Errorf("that is no name of a secret. The spec has: %s", has)
	}
	return fmt.Errorf("the spec has no secret %q. It has: %s", name, has)
}

// secretNames are the names of the spec's secrets, as it has them.
func secretNames(stack *spec.Stack) []string {
	var names []string
	for _, one := range stack.Secrets {
		names = append(names, one.Name)
	}
	return names
}

type secretGenerateCmd struct {
	Name string `arg:"" optional:"" help:"The secret's name in the spec; all that may be generated if left out." complete:"secret"`
}

func (*secretGenerateCmd) Examples() []example {
	return []example{
		{"minibot secret generate", "all that may be made up and are missing"},
		{"minibot secret generate REDIS_PASSWORD", "one of them"},
	}
}

// Run makes up values for secrets that have none. One that is there is never replaced.
func (c *secretGenerateCmd) Run(ctx context.Context, a *app) error {
	loaded, err := a.load()
	if err != nil {
		return err
	}
	if c.Name != "" {
		if _, _, err := a.named(c.Name); err != nil {
			return err
		}
	}
	store, err := a.store(loaded.stack)
	if err != nil {
		return err
	}
	var wants []secret.Want
	for _, declared := range loaded.stack.Secrets {
		if c.Name == declared.Name || c.Name == "" && declared.Generated() {
			wants = append(wants, secret.Want{Name: declared.Name, Generate: true})
		}
	}
	_, generated, err := secret.Resolve(ctx, store, wants)
	if err != nil {
		return err
	}
	if len(generated) == 0 {
		a.say("Nothing to generate: %s already set. minibot replaces no secret by itself, because data may depend on it.", areAll(len(wants)))
		return nil
	}
	a.say("Generated %s (%s).", strings.Join(generated, ", "), a.where(loaded.stack))
	return nil
}

func areAll(n int) string {
	if n == 1 {
		return "it is"
	}
	return fmt.Sprintf("all %d are", n)
}

type secretListCmd struct{}

func (*secretListCmd) Examples() []example {
	return []example{
		{"minibot secret list", "present or missing, who uses it, when it changed"},
		{"minibot secret list --json", "for scripts"},
	}
}

// secretRow is one line of the list. It says nothing of the value.
type secretRow struct {
	Name     string     `json:"name"`
	Present  bool       `json:"present"`
	Generate bool       `json:"generate"`
	UsedBy   []string   `json:"used_by"`
	Changed  *time.Time `json:"changed,omitempty"`
}

// Run lists the secrets of the spec.
func (c *secretListCmd) Run(ctx context.Context, a *app) error {
	rows, where, err := a.secretRows(ctx)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.json(map[string]any{"format_version": "1", "store": where, "secrets": rows})
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tSTATE\tUSED BY\tCHANGED")
	for _, row := range rows {
		state, changed := "missing", "–"
		if row.Present {
			state = "present"
		} else if row.Generate {
			state = "missing, apply generates it"
		}
		if row.Changed != nil {
			changed = row.Changed.Local().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", row.Name, state, cmp.Or(strings.Join(row.UsedBy, ", "), "nobody"), changed)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	a.say("Store: %s", where)
	return nil
}

// secretRows asks the store about every secret of the spec.
func (a *app) secretRows(ctx context.Context) ([]secretRow, string, error) {
	loaded, err := a.load()
	if err != nil {
		return nil, "", err
	}
	store, err := a.store(loaded.stack)
	if err != nil {
		return nil, "", err
	}
	items, err := store.List(ctx)
	if err != nil {
		return nil, "", err
	}
	rows := make([]secretRow, 0, len(loaded.stack.Secrets))
	for _, declared := range loaded.stack.Secrets {
		row := secretRow{Name: declared.Name, Generate: declared.Generated(), UsedBy: []string{}}
		for _, user := range loaded.stack.SecretUsers(declared.Name) {
			row.UsedBy = append(row.UsedBy, user.Name)
		}
		if i := slices.IndexFunc(items, func(item secret.Item) bool { return item.Name == declared.Name }); i >= 0 {
			row.Present = true
			if changed := items[i].Changed; !changed.IsZero() {
				row.Changed = &changed
			}
		}
		rows = append(rows, row)
	}
	return rows, a.where(loaded.stack), nil
}

type secretCheckCmd struct{}

func (*secretCheckCmd) Examples() []example {
	return []example{
		{"minibot secret check && minibot apply -y", "go on only if every secret is there"},
	}
}

// Run reads every secret once, and reports all that are missing.
func (c *secretCheckCmd) Run(ctx context.Context, a *app) error {
	loaded, err := a.load()
	if err != nil {
		return err
	}
	store, err := a.store(loaded.stack)
	if err != nil {
		return err
	}
	var wants []secret.Want
	for _, declared := range loaded.stack.Secrets {
		wants = append(wants, secret.Want{Name: declared.Name})
	}
	if _, _, err := secret.Resolve(ctx, store, wants); err != nil {
		return err
	}
	a.say("%s present (%s).", count(len(wants), "secret"), a.where(loaded.stack))
	return nil
}

type secretRmCmd struct {
	Name string `arg:"" help:"The secret's name in the spec." complete:"secret"`
	Yes  bool   `short:"y" help:"Do not ask."`
}

func (*secretRmCmd) Examples() []example {
	return []example{
		{"minibot secret rm OLD_KEY", "after a question"},
	}
}

// Run removes one secret. Containers that were given it keep it.
func (c *secretRmCmd) Run(ctx context.Context, a *app) error {
	stack, store, err := a.named(c.Name)
	if err != nil {
		return err
	}
	if _, err := store.Get(ctx, c.Name); errors.Is(err, secret.ErrNotFound) {
		return err
	}
	if err := secret.NotRotating(ctx, store, c.Name); err != nil {
		return err
	}
	if !c.Yes {
		if err := a.confirm(ctx, fmt.Sprintf("Remove %s (%s)? Data that was made with it may become unreadable.", c.Name, a.where(stack))); err != nil {
			return err
		}
	}
	if err := store.Delete(ctx, c.Name); err != nil {
		return err
	}
	a.say("Removed %s (%s).", c.Name, a.where(stack))
	return nil
}

// where names the store for people.
func (a *app) where(stack *spec.Stack) string {
	kind := a.storeKind(stack)
	text, err := secret.Describe(kind, stack.Name, storeOptions(stack))
	if err != nil {
		return kind + " store"
	}
	return text
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
