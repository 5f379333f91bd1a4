package main

import (
	"context"
	"fmt"
	"strings"

	"minibot/internal/plan"
)

type planCmd struct {
	planFlags
	DetailedExitcode bool   `help:"Exit 2 if the machine differs from the spec."`
	Out              string `short:"o" help:"Save the plan; minibot apply FILE carries out that one and no other." placeholder:"FILE"`
}

func (*planCmd) Examples() []example {
	return []example{
		{"minibot plan", "what would change, and why"},
		{"minibot plan --detailed-exitcode", "for scripts: exit 2 if something would"},
		{"minibot plan -o monday.plan", "save it; minibot apply monday.plan carries out that one"},
		{"minibot plan --replace redis", "as if the container of redis had to be made anew"},
	}
}

// planFlags are wishes beyond the spec.
type planFlags struct {
	Replace      []string `help:"Make a service's container anew though nothing of it changed. Can be given several times." placeholder:"SERVICE" complete:"service"`
	RemoveStrays bool     `help:"Remove containers that are not in the spec and touch the stack, but none of another compose project."`
}

// options checks the wishes against the spec.
func (f planFlags) options(loaded *loaded) (plan.Options, error) {
	for _, name := range f.Replace {
		if loaded.stack.Service(name) == nil {
			return plan.Options{}, fmt.Errorf("--replace: the spec has no service %q. It has: %s", name, strings.Join(sortedKeys(loaded.project.Services), ", "))
		}
	}
	return plan.Options{Replace: f.Replace, RemoveStrays: f.RemoveStrays}, nil
}

// Run shows what apply would do.
func (c *planCmd) Run(ctx context.Context, a *app) error {
	s, err := a.glance(ctx)
	if err != nil {
		return err
	}
	defer s.engine.Close()
	if s.options, err = c.options(s.loaded); err != nil {
		return err
	}
	p, live, err := s.plan(ctx)
	if err != nil {
		return err
	}
	if err := a.viewPlan(p, s.loaded.project); err != nil {
		return err
	}
	if len(p.Problems) > 0 {
		return errIncomplete // and cannot be saved
	}
	if c.Out != "" {
		if err := newSavedPlan(s.loaded, p, live, s.options).write(c.Out); err != nil {
			return err
		}
		a.say("Saved. To carry out this plan: minibot apply %s", c.Out)
	} else if a.fold > 0 && !a.JSON && p.Differs() {
		a.say("To carry it out: %s", c.applies(a))
	}
	if c.DetailedExitcode && p.Differs() {
		return errDiffers
	}
	return nil
}

// applies is the command that does what the plan shows.
func (c *planCmd) applies(a *app) string {
	words := []string{"minibot", "apply"}
	if a.File != "minibot.hcl" {
		words = append(words, "-f", a.File)
	}
	for _, name := range c.Replace {
		words = append(words, "--replace", name)
	}
	if c.RemoveStrays {
		words = append(words, "--remove-strays")
	}
	return shellWords(words...)
}
