package main

import (
	"context"
	"fmt"
	"strings"

	"minibot/internal/engine"
	"minibot/internal/plan"
)

type planCmd struct {
	planFlags
	DetailedExitcode bool   `help:"Exit 2 if the machine differs from the spec."`
	Out              string `short:"o" help:"Save the plan; minibot apply FILE carries out that one and no other." placeholder:"FILE"`
}

// planFlags are wishes beyond the spec.
type planFlags struct {
	Replace      []string `help:"Make a service's container anew though nothing of it changed. Can be given several times." placeholder:"SERVICE"`
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
	loaded, err := a.load()
	if err != nil {
		return err
	}
	options, err := c.options(loaded)
	if err != nil {
		return err
	}
	e, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	p, live, err := a.plan(ctx, e, loaded, options)
	if err != nil {
		return err
	}
	if err := a.viewPlan(p, loaded.project); err != nil {
		return err
	}
	if len(p.Problems) > 0 {
		return errIncomplete // and cannot be saved
	}
	if c.Out != "" {
		if err := newSavedPlan(loaded, p, live, options).write(c.Out); err != nil {
			return err
		}
		a.say("Saved. To carry out this plan: minibot apply %s", c.Out)
	}
	if c.DetailedExitcode && p.Differs() {
		return errDiffers
	}
	return nil
}

// plan compares the spec with the engine and the secret store.
func (a *app) plan(ctx context.Context, e *engine.Engine, loaded *loaded, options plan.Options) (plan.Plan, plan.Live, error) {
	live, err := a.look(ctx, e, loaded)
	if err != nil {
		return plan.Plan{}, plan.Live{}, err
	}
	return plan.DiffWith(loaded.project, live, options), live, nil
}

// look observes the engine, and what of the secret store concerns a plan. A store that
// cannot be read is no error: the plan says so, and goes on.
func (a *app) look(ctx context.Context, e *engine.Engine, loaded *loaded) (plan.Live, error) {
	live, err := e.Observe(ctx, loaded.project)
	if err != nil {
		return plan.Live{}, err
	}
	if err := compareSecrets(ctx, loaded, &live); err != nil {
		live.Store.Problem = err.Error()
	}
	return live, ctx.Err()
}
