package main

import (
	"fmt"

	"minibot/verify"
)

// selectFlags say which checks are made.
type selectFlags struct {
	Only     []string `help:"Make these checks alone: ids, or what they begin with, such as net or net.publish." placeholder:"ID,…" complete:"family"`
	Skip     []string `help:"Leave these checks out." placeholder:"ID,…" complete:"family"`
	Severity string   `help:"Leave out what is less severe: critical, high, medium, low or info." placeholder:"NAME" complete:"level"`

	selection verify.Selection
	checks    []verify.Check
}

// read makes sure that there are such checks.
func (f *selectFlags) read() (err error) {
	f.selection = verify.Selection{Only: f.Only, Skip: f.Skip}
	if f.Severity != "" {
		if f.selection.Severity, err = verify.ParseSeverity(f.Severity); err != nil {
			return fmt.Errorf("--severity: %w", err)
		}
	}
	f.checks, err = f.selection.Checks()
	return err
}
