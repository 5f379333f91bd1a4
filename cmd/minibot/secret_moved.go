package main

import (
	"bytes"
	"fmt"
	"text/tabwriter"

	"minibot/internal/secret"
)

// moved says what became of one secret in an import or export, and why.
type moved struct {
	Name   string `json:"name"`
	Result string `json:"result"`
	Reason string `json:"reason,omitempty"`
	// value is what is to be stored; zero if nothing is.
	value secret.Value
	// mend: it is a secret of the spec, and a person has to do something.
	mend bool
}

// Results of an import. Those of an export are among them.
const (
	resultTaken     = "taken"
	resultCopied    = "copied"
	resultReplaced  = "replaced"
	resultUnchanged = "unchanged"
	resultLeft      = "left"
	resultMissing   = "missing"
)

// showMoved prints what became of each secret.
func (a *app) showMoved(rows []moved) error {
	if len(rows) == 0 {
		return nil
	}
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tRESULT")
	for _, row := range rows {
		result := row.Result
		if row.Reason != "" {
			result += ": " + row.Reason
		}
		fmt.Fprintf(table, "%s\t%s\n", row.Name, result)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := a.stdout.Write(out.Bytes())
	return err
}

// orEmpty makes an empty list of none, for JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
