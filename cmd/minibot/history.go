package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"minibot/internal/journal"
)

type historyCmd struct {
	Number int `short:"n" help:"How many to show." default:"20" placeholder:"N"`
}

func (*historyCmd) Examples() []example {
	return []example{
		{"minibot history", "what was done to the stack, the newest last"},
		{"minibot history -n 1 --json", "the last deed, for scripts"},
	}
}

// Validate refuses to show none.
func (c *historyCmd) Validate() error {
	if c.Number < 1 {
		return errors.New("-n: write 1 at least")
	}
	return nil
}

// Run shows the last applies, destroys and rotations. It asks no engine.
func (c *historyCmd) Run(a *app) error {
	loaded, err := a.load()
	if err != nil {
		return err
	}
	endpoint, err := a.endpoint()
	if err != nil {
		return err
	}
	book, err := journalOf(loaded.stack.Name, endpoint)
	if err != nil {
		return err
	}
	entries, err := book.Last(c.Number)
	switch {
	case err != nil:
		return err
	case a.JSON && entries == nil:
		entries = []journal.Entry{}
		fallthrough
	case a.JSON:
		return a.json(map[string]any{"format_version": "1", "stack": loaded.stack.Name, "engine": endpoint.Host, "entries": entries})
	case len(entries) == 0:
		a.say("Nothing was done yet to the stack %q on %s.", loaded.stack.Name, endpoint.Host)
		return nil
	}
	_, err = io.WriteString(a.stdout, historyText(entries, time.Local, a.width, paint(a.colorOut)))
	return err
}

// historyText is a table of deeds.
func historyText(entries []journal.Entry, zone *time.Location, width int, paint painter) string {
	var out strings.Builder
	rows := table{{"when", "who", "what", "result", "took", "plan"}}
	for _, e := range entries {
		took := ""
		if e.Result != journal.Unfinished {
			took = elapsed(time.Duration(e.Seconds * float64(time.Second)))
		}
		words := e.Summary
		if e.Error != "" {
			words += ": " + e.Error
		}
		rows = append(rows, []string{e.Time.In(zone).Format("2006-01-02 15:04"), e.User, e.Command, e.Result, took, harmless(words)})
	}
	rows.write(&out, width, func(row, column int, text string) string {
		switch {
		case row == 0:
			return paint(dim, text)
		case column == 3:
			return paint(resultColor(entries[row-1].Result), text)
		}
		return text
	})
	return out.String()
}

func resultColor(result string) string {
	switch result {
	case "done":
		return green
	case journal.Unfinished, "interrupted", "refused":
		return yellow
	}
	return red
}

// deedWords says in a line what was done last, for status.
func deedWords(e journal.Entry, now time.Time) string {
	words := fmt.Sprintf("%s ago by %s: %s", span(now.Sub(e.Time)), e.User, e.Summary)
	if e.Command != "apply" {
		words = fmt.Sprintf("%s ago by %s: %s, %s", span(now.Sub(e.Time)), e.User, e.Command, e.Summary)
	}
	return words + "; " + e.Result
}
