package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/apply"
	"minibot/internal/engine"
	"minibot/internal/plan"
	"minibot/internal/secret"
	"minibot/spec"
)

type applyCmd struct {
	Yes bool `short:"y" help:"Do not ask."`
}

// Run brings the machine to what the spec says.
func (c *applyCmd) Run(ctx context.Context, a *app) error {
	begun := time.Now()
	loaded, err := a.load()
	if err != nil {
		return err
	}
	e, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	shown, live, err := a.plan(ctx, e, loaded)
	if err != nil {
		return err
	}
	done, err := a.showFirst(ctx, shown, loaded.project, c.Yes, "Apply this plan?")
	switch {
	case err != nil:
		return err
	case done:
		return a.settle(ctx, e, loaded, live, loaded.project.ServiceNames())
	}
	r := &rotator{app: a, engine: e, loaded: loaded}
	if r.canFinish(shown.Rotations, live) {
		if err := r.finish(ctx, shown.Rotations); err != nil {
			return err
		}
		if shown, live, err = a.plan(ctx, e, loaded); err != nil {
			return err
		}
	}
	if err := a.steps(ctx, e, loaded, shown, live); err != nil {
		return err
	}
	if err := r.finish(ctx, shown.Rotations); err != nil {
		return err
	}
	return a.holds(ctx, e, loaded, time.Since(begun))
}

// steps carries out what was shown. All that can fail without touching anything comes first.
func (a *app) steps(ctx context.Context, e *engine.Engine, loaded *loaded, shown plan.Plan, live plan.Live) error {
	if e.Endpoint.Local() {
		if err := errors.Join(apply.FreePorts(loaded.project, shown)...); err != nil {
			return err
		}
	}
	doer, err := a.prepare(ctx, e, loaded, shown, live)
	if err != nil {
		return err
	}
	p, err := a.pullFirst(ctx, e, loaded, shown, doer)
	if err != nil {
		return err
	}
	return a.carryOut(ctx, p, doer)
}

// showFirst shows the plan and asks. Done means that there is nothing to do.
func (a *app) showFirst(ctx context.Context, p plan.Plan, project *types.Project, yes bool, question string) (done bool, err error) {
	if err := a.viewPlan(p, project); err != nil {
		return false, err
	}
	switch {
	case len(p.Problems) > 0:
		return false, errIncomplete
	case p.Empty():
		return true, nil
	case yes:
		return false, nil
	}
	return false, a.confirm(ctx, question)
}

// prepare resolves every secret of the containers that will be made, before anything is
// touched. One that guards data which is there already is never made up anew.
func (a *app) prepare(ctx context.Context, e *engine.Engine, loaded *loaded, p plan.Plan, live plan.Live) (*engine.Stack, error) {
	var wants []secret.Want
	for _, declared := range loaded.stack.Secrets {
		users := loaded.stack.SecretUsers(declared.Name)
		if !slices.ContainsFunc(users, func(s *spec.Service) bool { return makes(p, s.Name) }) {
			continue
		}
		want := secret.Want{Name: declared.Name, Generate: declared.Generated()}
		if want.Generate {
			want.Refuse = holdsData(loaded.project, live, users)
		}
		wants = append(wants, want)
	}
	if len(wants) == 0 {
		return e.Stack(loaded.project, engine.Secrets{Mask: loaded.masker}), nil
	}
	store, err := loaded.store()
	if err != nil {
		return nil, err
	}
	values, generated, err := secret.Resolve(ctx, store, wants)
	if len(generated) > 0 {
		a.say("Generated %s (%s).", strings.Join(generated, ", "), a.where(loaded.stack))
	}
	if err != nil {
		return nil, err
	}
	key, err := secret.LoadKey(ctx, store, true)
	if errors.Is(err, secret.ErrReadOnly) {
		a.warn("plan will not see when a secret changes: %v.", err)
	} else if err != nil {
		return nil, err
	}
	doer := e.Stack(loaded.project, engine.Secrets{Values: values, Key: key, Mask: loaded.masker})
	return doer, doer.Prepare(p)
}

// makes reports whether the plan makes a container for the service.
func makes(p plan.Plan, service string) bool {
	return slices.ContainsFunc(p.Steps, func(step plan.Step) bool {
		return slices.ContainsFunc(step.Actions, func(action plan.Action) bool {
			return action.Verb == plan.CreateContainer && action.Service == service
		})
	})
}

// holdsData names a volume of one of the services that is there already, because its data
// was made with the secret that is missing now.
func holdsData(project *types.Project, live plan.Live, users []*spec.Service) string {
	for _, user := range users {
		for _, volume := range user.Volumes {
			if there, ok := live.Volumes[project.Volumes[volume.Name].Name]; ok {
				return fmt.Sprintf("the volume %s already holds data made with it", there.Name)
			}
		}
	}
	return ""
}

// pullFirst gets the missing images, looks again, and makes sure that the plan is still
// the one that was shown.
func (a *app) pullFirst(ctx context.Context, e *engine.Engine, loaded *loaded, shown plan.Plan, doer apply.Engine) (plan.Plan, error) {
	isPull := func(step plan.Step) bool { return step.Kind == plan.Pull }
	pulls := plan.Plan{Stack: shown.Stack, Steps: slices.DeleteFunc(slices.Clone(shown.Steps), func(s plan.Step) bool { return !isPull(s) })}
	if len(pulls.Steps) > 0 {
		if err := a.carryOut(ctx, pulls, doer); err != nil {
			return plan.Plan{}, err
		}
	}
	p, _, err := a.plan(ctx, e, loaded)
	if err != nil {
		return plan.Plan{}, err
	}
	if len(p.Problems) > 0 {
		if err := a.viewPlan(p, loaded.project); err != nil {
			return plan.Plan{}, err
		}
		return plan.Plan{}, errIncomplete
	}
	if !sameSteps(slices.DeleteFunc(slices.Clone(shown.Steps), isPull), p.Steps) {
		return plan.Plan{}, errStale
	}
	return p, nil
}

// sameSteps reports whether two plans do the same for the same reasons.
func sameSteps(a, b []plan.Step) bool {
	return slices.EqualFunc(a, b, func(x, y plan.Step) bool {
		return x.ID == y.ID && x.Kind == y.Kind && reflect.DeepEqual(x.Causes, y.Causes) && reflect.DeepEqual(x.Actions, y.Actions)
	})
}

// carryOut runs a plan with its progress on stderr.
func (a *app) carryOut(ctx context.Context, p plan.Plan, doer apply.Engine) error {
	progress := newProgress(a)
	quiet := context.AfterFunc(ctx, func() {
		a.say("Stopping. The steps in hand are taken back; Ctrl-C again stops now, and the next apply goes on from there.")
	})
	defer quiet()
	return apply.Run(ctx, p, doer, progress.event)
}

// settle waits for services that run and are not healthy yet, as after an apply that was
// stopped.
func (a *app) settle(ctx context.Context, e *engine.Engine, loaded *loaded, live plan.Live, services []string) error {
	return a.carryOut(ctx, plan.Settle(loaded.project, live).Only(services), e.Stack(loaded.project, engine.Secrets{Mask: loaded.masker}))
}

// holds looks at the machine once more: what was applied must be there now.
func (a *app) holds(ctx context.Context, e *engine.Engine, loaded *loaded, took time.Duration) error {
	after, live, err := a.plan(ctx, e, loaded)
	if err != nil {
		return fmt.Errorf("applied, but the result could not be looked at: %w", err)
	}
	if err := a.settle(ctx, e, loaded, live, loaded.project.ServiceNames()); err != nil {
		return err
	}
	if !after.Empty() {
		a.say("Applied, but the machine is still not what the spec says:")
		a.say("%s", planText(after, loaded.project, paint(a.colorErr)))
		return errIncomplete
	}
	a.say("Applied in %s. The stack %q is what the spec says.", took.Round(100*time.Millisecond), loaded.stack.Name)
	a.say("Prove it: minibot verify")
	return nil
}
