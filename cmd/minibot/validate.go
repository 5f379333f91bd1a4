package main

import "fmt"

type validateCmd struct{}

func (*validateCmd) Examples() []example {
	return []example{
		{"minibot validate", "everything that is wrong, with its place and what to write"},
		{"minibot validate -f other.hcl --json", "for editors and scripts"},
	}
}

// Run checks the spec, as far as it can be checked without the machine.
func (c *validateCmd) Run(a *app) error {
	if a.JSON {
		return c.runJSON(a)
	}
	loaded, err := a.load()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s is valid: stack %q with %s.\n", a.File, loaded.stack.Name, count(len(loaded.stack.Services), "service"))
	return err
}

func (c *validateCmd) runJSON(a *app) error {
	_, diags, err := a.parse()
	if err != nil {
		return err
	}
	if err := a.json(map[string]any{"format_version": "1", "valid": !diags.HasErrors(), "diagnostics": diags.Items()}); err != nil {
		return err
	}
	if diags.HasErrors() {
		return errIncomplete
	}
	return nil
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
