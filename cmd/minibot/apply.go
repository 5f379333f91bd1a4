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
	planFlags
	lockFlags
	Plan string `arg:"" optional:"" help:"A plan that minibot plan -o saved: it is carried out without a question, or not at all."`
	Yes  bool   `short:"y" help:"Do not ask."`
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
	loaded, err := a.load()
	if err != nil {
		return err
	}
	options, err := c.options(loaded)
	if err != nil {
		return err
	}
	var saved savedPlan
	if c.Plan != "" {
		if saved, err = readSavedPlan(c.Plan); err != nil {
			return err
		}
		options = saved.Options
	}
	e, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	held, err := a.lock(ctx, e, loaded.stack.Name, c.lockFlags)
	if err != nil {
		return err
	}
	defer unlock(held, &err)
	shown, live, err := a.plan(ctx, e, loaded, options)
	if err != nil {
		return err
	}
	if c.Plan != "" && saved.stale(newSavedPlan(loaded, shown, live, options)) {
		return errStale
	}
	done, err := a.showFirst(ctx, shown, loaded.project, c.Yes || c.Plan != "", "Apply this plan?")
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
		if shown, live, err = a.plan(ctx, e, loaded, options); err != nil {
			return err
		}
	}
	asked := !c.Yes && c.Plan == ""
	if err := a.steps(ctx, e, loaded, shown, live, options, asked); err != nil {
		return err
	}
	if err := r.finish(ctx, shown.Rotations); err != nil {
		return err
	}
	return a.holds(ctx, e, loaded, time.Since(begun))
}

// steps carries out what was shown. All that can fail without touching anything comes first.
func (a *app) steps(ctx context.Context, e *engine.Engine, loaded *loaded, shown plan.Plan, live plan.Live, options plan.Options, asked bool) error {
	if e.Endpoint.Local() {
		if err := errors.Join(apply.FreePorts(loaded.project, shown)...); err != nil {
			return err
		}
	}
	doer, err := a.prepare(ctx, e, loaded, shown, live)
	if err != nil {
		return err
	}
	if pulls := slices.ContainsFunc(shown.Steps, isPull); asked || pulls { // that took time
		if shown, err = a.pullFirst(ctx, e, loaded, shown, doer, options); err != nil {
			return err
		}
	}
	return a.carryOut(ctx, shown, doer)
}

// showFirst shows the plan and asks. Done means that there is nothing to do.
func (a *app) showFirst(ctx context.Context, p plan.Plan, project *types.Project, yes bool, question string) (done bool, err error) {
	if err := a.viewSteps(p, project); err != nil {
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

func isPull(step plan.Step) bool { return step.Kind == plan.Pull }

// pullFirst gets the images, looks again, and makes sure that the plan is still
// the one that was shown.
func (a *app) pullFirst(ctx context.Context, e *engine.Engine, loaded *loaded, shown plan.Plan, doer apply.Engine, options plan.Options) (plan.Plan, error) {
	pulls := plan.Plan{Stack: shown.Stack, Steps: slices.DeleteFunc(slices.Clone(shown.Steps), func(s plan.Step) bool { return !isPull(s) })}
	if len(pulls.Steps) > 0 {
		if err := a.carryOut(ctx, pulls, doer); err != nil {
			return plan.Plan{}, err
		}
		for _, step := range pulls.Steps {
			options.Pulled = append(options.Pulled, step.Name)
		}
	}
	p, _, err := a.plan(ctx, e, loaded, options)
	if err != nil {
		return plan.Plan{}, err
	}
	if len(p.Problems) > 0 {
		if err := a.viewSteps(p, loaded.project); err != nil {
			return plan.Plan{}, err
		}
		return plan.Plan{}, errIncomplete
	}
	if !sameSteps(slices.DeleteFunc(slices.Clone(shown.Steps), isPull), p.Steps) {
		return plan.Plan{}, errStale
	}
	return p, nil
}

// sameSteps reports whether two plans do the same for the same reasons. What only the image
// says, and so is known once it is pulled, makes no other plan of one that uses it anyway:
// how long it may take to become healthy, and that its tag names another image now.
func sameSteps(a, b []plan.Step) bool {
	return slices.EqualFunc(a, b, func(x, y plan.Step) bool {
		return x.ID == y.ID && x.Kind == y.Kind && reflect.DeepEqual(reasons(x), reasons(y)) && slices.Equal(deeds(x), deeds(y))
	})
}

// deeds are a step's actions without waits: a dependency may have become healthy meanwhile.
func deeds(step plan.Step) []plan.Action {
	return slices.DeleteFunc(slices.Clone(step.Actions), func(a plan.Action) bool { return a.Verb == plan.Wait })
}

func reasons(step plan.Step) []plan.Cause {
	return slices.DeleteFunc(slices.Clone(step.Causes), func(c plan.Cause) bool {
		return step.Kind == plan.Replace && c.Path == "image" && c.Note != ""
	})
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

// settle waits for services that run and are not healthy yet, as after an apply that was
// stopped.
func (a *app) settle(ctx context.Context, e *engine.Engine, loaded *loaded, live plan.Live, services []string) error {
	return a.carryOut(ctx, plan.Settle(loaded.project, live).Only(services), e.Stack(loaded.project, engine.Secrets{Mask: loaded.masker}))
}

// holds looks at the machine once more: what was applied must be there now.
func (a *app) holds(ctx context.Context, e *engine.Engine, loaded *loaded, took time.Duration) error {
	after, live, err := a.plan(ctx, e, loaded, plan.Options{})
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
	if text := a.console().tally.text(a.width); text != "" && !a.JSON {
		a.say("%s", text)
	}
	a.say("Applied in %s. The stack %q is what the spec says.", took.Round(100*time.Millisecond), loaded.stack.Name)
	a.say("Prove it: minibot verify")
	return nil
}
