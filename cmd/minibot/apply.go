package main

import (
	"context"
	"errors"
	"time"

	"minibot/apply"
	"minibot/internal/plan"
)

type applyCmd struct {
	planFlags
	lockFlags
	Plan string `arg:"" optional:"" help:"A plan that minibot plan -o saved: it is carried out without a question, or not at all."`
	Yes  bool   `short:"y" help:"Do not ask."`
}

func (*applyCmd) Examples() []example {
	return []example{
		{"minibot apply", "show the plan, ask, carry it out, look again"},
		{"minibot apply -y --json", "for scripts: no question, one object per line"},
		{"minibot apply monday.plan", "what plan -o saved, or nothing"},
	}
}

// Validate refuses wishes beside a plan that has its own.
func (c *applyCmd) Validate() error {
	if c.Plan != "" && (len(c.Replace) > 0 || c.RemoveStrays) {
		return errors.New("a saved plan says itself what is replaced or removed")
	}
	return nil
}

// Run brings the machine to what the spec says.
func (c *applyCmd) Run(ctx context.Context, a *app) (err error) {
	begun := time.Now()
	s, err := a.glance(ctx)
	if err != nil {
		return err
	}
	defer s.engine.Close()
	if s.options, err = c.options(s.loaded); err != nil {
		return err
	}
	var saved savedPlan
	if c.Plan != "" {
		if saved, err = readSavedPlan(c.Plan); err != nil {
			return err
		}
		s.options = saved.Options
	}
	if err := s.lock(ctx, c.lockFlags); err != nil {
		return err
	}
	defer s.unlock(&err)
	shown, live, err := s.plan(ctx)
	if err != nil {
		return err
	}
	if c.Plan != "" && saved.stale(newSavedPlan(s.loaded, shown, live, s.options)) {
		return errStale
	}
	asked := !c.Yes && c.Plan == ""
	done, err := s.showFirst(ctx, shown, asked, "Apply this plan?")
	switch {
	case err != nil:
		return err
	case done:
		return s.settle(ctx, live, s.loaded.project.ServiceNames())
	}
	defer s.record(ctx, planSummary(shown))(&err)
	r := &rotator{site: s}
	if r.canFinish(shown.Rotations, live) {
		if err := r.finish(ctx, shown.Rotations); err != nil {
			return err
		}
		if shown, live, err = s.plan(ctx); err != nil {
			return err
		}
	}
	if err := s.steps(ctx, shown, live, asked); err != nil {
		return err
	}
	if err := r.finish(ctx, shown.Rotations); err != nil {
		return err
	}
	return s.holds(ctx, time.Since(begun))
}

// carryOut runs a plan and shows its progress.
func (a *app) carryOut(ctx context.Context, p plan.Plan, doer apply.Engine) error {
	progress := newProgress(a, p)
	defer progress.end()
	quiet := context.AfterFunc(ctx, progress.interrupt)
	defer quiet()
	err := apply.Run(ctx, p, progress.watch(doer), func(e apply.Event) {
		if ctx.Err() != nil {
			progress.interrupt() // before anything that follows from it
		}
		progress.event(e)
	})
	if ctx.Err() != nil {
		progress.interrupt() // wait for what it says
		progress.finish()
	}
	return err
}
