package main

import "minibot/verify"

type explainCmd struct {
	ID string `arg:"" help:"The id of a check, as verify and its --list show it." complete:"check"`
}

func (*explainCmd) Examples() []example {
	return []example{
		{"minibot explain net.publish.loopback", "one check; minibot verify --list shows them all"},
	}
}

// Validate makes sure that there is such a check.
func (c *explainCmd) Validate() error {
	if c.ID == "" {
		return nil // kong says that it is missing
	}
	_, err := verify.Find(c.ID)
	return err
}

// Run says all that is known of a check. It looks at no spec and no machine.
func (c *explainCmd) Run(a *app) error {
	check, err := verify.Find(c.ID)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.json(struct {
			FormatVersion int `json:"format_version"`
			verify.Check
		}{verify.FormatVersion, check})
	}
	return check.WriteText(a.stdout, a.textOptions(false))
}

// list prints checks as a table.
func (a *app) list(checks []verify.Check) error {
	if a.JSON {
		return a.json(map[string]any{"format_version": verify.FormatVersion, "checks": checks})
	}
	return verify.WriteList(a.stdout, checks, a.textOptions(false))
}
