package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"minibot/internal/secret"
	"minibot/spec"
)

type secretWhereCmd struct{}

func (*secretWhereCmd) Examples() []example {
	return []example{
		{"minibot secret where", "the store in use, and what the others lack"},
	}
}

// storeRow is one kind of store, and whether it is the one in use.
type storeRow struct {
	secret.Finding
	InUse bool `json:"in_use"`
}

// Run says where the secrets are. It reads no secret but those of the file, starts no
// program and opens no dialog.
func (c *secretWhereCmd) Run(ctx context.Context, a *app) error {
	loaded, err := a.load()
	if err != nil {
		return err
	}
	stack := loaded.stack
	findings, err := secret.Survey(ctx, stack.Name, storeOptions(stack))
	if err != nil {
		return err
	}
	kind, reason, because := a.chosen(stack)
	var rows []storeRow
	for _, finding := range findings {
		inUse := finding.Kind == kind || kind == "auto" && finding.Auto
		rows = append(rows, storeRow{finding, inUse})
	}
	slices.SortStableFunc(rows, func(x, y storeRow) int { // the one in use first
		switch {
		case x.InUse == y.InUse:
			return 0
		case x.InUse:
			return -1
		}
		return 1
	})
	if a.JSON {
		return a.json(map[string]any{
			"format_version": "1", "stack": stack.Name, "store": rows[0].Kind, "reason": reason, "stores": rows,
		})
	}
	for i, row := range rows {
		if i == 1 {
			fmt.Fprintln(a.stdout, "\nThe others:")
		}
		a.showStore(row, because)
	}
	return nil
}

// chosen says which kind of store is used, and why: a word for programs, and one for people.
func (a *app) chosen(stack *spec.Stack) (kind, reason, because string) {
	kind = a.storeKind(stack)
	switch {
	case a.SecretStore != "":
		return kind, "flag", "--secret-store " + kind
	case stack.Store != nil:
		return kind, "spec", fmt.Sprintf("%s says secrets { store = %q }", a.File, kind)
	}
	return kind, "default", a.File + " names none, so this platform's own is taken"
}

// showStore prints one store: its name, where it is, and what is against it.
func (a *app) showStore(row storeRow, because string) {
	const indent = "                  "
	head := fmt.Sprintf("%-*s", len(indent), "  "+row.Kind)
	if row.InUse {
		fmt.Fprintf(a.stdout, "In use: %s (%s)\n", row.Kind, because)
		head = indent[:2]
	}
	say := func(text string) {
		for _, line := range wrapWords(text, a.width-len(indent)) {
			fmt.Fprintln(a.stdout, strings.TrimRight(head+line, " "))
			head = strings.Repeat(" ", len(head))
		}
	}
	say(row.Doc)
	if row.Where != "" {
		say(row.Where)
	}
	if row.Problem != "" {
		what := "not usable now: "
		if !row.Available {
			what = "" // it says so itself
		}
		say(what + row.Problem)
	}
	if row.Remedy != "" {
		say("→ " + row.Remedy)
	}
}

// wrapWords breaks a text into lines of at most so many columns. A longer word, such as a
// path, stays whole.
func wrapWords(text string, columns int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) <= columns:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
