package main

import (
	"context"

	"minibot/internal/engine"
	"minibot/internal/plan"
)

type planCmd struct {
	DetailedExitcode bool `help:"Exit 2 if the machine differs from the spec."`
}

// Run shows what apply would do.
func (c *planCmd) Run(ctx context.Context, a *app) error {
	loaded, err := a.load()
	if err != nil {
		return err
	}
	e, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	p, _, err := a.plan(ctx, e, loaded)
	if err != nil {
		return err
	}
	if err := a.viewPlan(p, loaded.project); err != nil {
		return err
	}
	switch {
	case len(p.Problems) > 0:
		return errIncomplete
	case c.DetailedExitcode && p.Differs():
		return errDiffers
	}
	return nil
}

// plan compares the spec with the engine and the secret store.
func (a *app) plan(ctx context.Context, e *engine.Engine, loaded *loaded) (plan.Plan, plan.Live, error) {
	live, err := a.look(ctx, e, loaded)
	if err != nil {
		return plan.Plan{}, plan.Live{}, err
	}
	return plan.Diff(loaded.project, live), live, nil
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
