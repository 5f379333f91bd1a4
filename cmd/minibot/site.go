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
	"minibot/internal/lock"
	"minibot/internal/plan"
	"minibot/internal/secret"
	"minibot/spec"
)

// site is a stack and the engine that it runs on: what plan, apply, destroy and rotations
// share.
type site struct {
	*app
	loaded  *loaded
	engine  *engine.Engine
	options plan.Options
	// glance is what is seen first; nil once it was.
	glance *engine.Glance
	// held is the lock of those who change the stack, rested that they have waited for what the
	// engine was still doing, and touched that they began to change something.
	held            *lock.Lock
	rested, touched bool
}

// site reads the spec, and meanwhile finds the engine. Whoever asks closes the engine.
func (a *app) site(ctx context.Context) (*site, error) { return a.open(ctx, false) }

// glance is a site that is looked at while the spec is still being read.
func (a *app) glance(ctx context.Context) (*site, error) { return a.open(ctx, true) }

// open reads the spec while the engine is found. What is wrong with the spec comes first,
// whatever the engine says or does not say.
func (a *app) open(ctx context.Context, glance bool) (*site, error) {
	s := &site{app: a}
	found, name := make(chan error, 1), make(chan string, 1)
	endpoint, err := a.endpoint()
	if err != nil {
		found <- err
	} else {
		go func() {
			connect := engine.Connect
			if glance {
				connect = engine.ConnectEager
			}
			e, err := connect(ctx, endpoint)
			s.engine = e
			if err == nil && glance {
				s.glance = e.Glance(ctx, name)
			}
			found <- err
		}()
	}
	s.loaded, err = a.loadThen(func(stack *spec.Stack) { name <- stack.Name })
	if err != nil {
		return nil, err // and minibot ends: nobody waits for the engine
	}
	return s, <-found
}

// plan compares the spec with the engine and the secret store.
func (s *site) plan(ctx context.Context) (plan.Plan, plan.Live, error) {
	live, err := s.look(ctx)
	if err != nil {
		return plan.Plan{}, plan.Live{}, err
	}
	return plan.DiffWith(s.loaded.project, live, s.options), live, nil
}

// look observes the engine, and what of the secret store concerns a plan. A store that
// cannot be read is no error: the plan says so, and goes on.
func (s *site) look(ctx context.Context) (plan.Live, error) {
	live, err := s.observe(ctx)
	if err != nil {
		return plan.Live{}, err
	}
	compareStore(ctx, s.loaded, &live)
	return live, ctx.Err()
}

// compareStore fills in what of the secret store concerns a plan, or why it could not be read.
func compareStore(ctx context.Context, loaded *loaded, live *plan.Live) {
	if err := compareSecrets(ctx, loaded, live); err != nil {
		live.Store.Problem = err.Error()
	}
}

// observe looks at the engine. Who is about to change the stack waits first for what the engine
// is still doing with it: a minibot that was killed may have asked for that.
func (s *site) observe(ctx context.Context) (plan.Live, error) {
	observe := s.engine.Observe
	if s.glance != nil {
		observe, s.glance = s.glance.Observe, nil
	}
	live, err := observe(ctx, s.loaded.project)
	if err != nil || s.held == nil || s.rested {
		return live, err
	}
	waited, err := s.engine.Rest(ctx, s.loaded.stack.Name, live, s.held.Clean, func(text string) { s.say("… %s", text) })
	if err != nil {
		return live, err
	}
	if s.rested = true; !waited {
		return live, nil
	}
	return s.engine.Observe(ctx, s.loaded.project)
}

// steps carries out what was shown. All that can fail without touching anything comes first.
func (s *site) steps(ctx context.Context, shown plan.Plan, live plan.Live, asked bool) error {
	if err := s.freePorts(ctx, shown); err != nil {
		return err
	}
	doer, err := s.prepare(ctx, shown, live)
	if err != nil {
		return err
	}
	defer doer.Close()
	if pulls := slices.ContainsFunc(shown.Steps, isPull); asked || pulls { // that took time
		if shown, err = s.pullFirst(ctx, shown, doer); err != nil {
			return err
		}
	}
	if err := s.carryOut(ctx, shown, doer); err != nil {
		return err
	}
	err = doer.Fallen(ctx)
	if text := evidence(err); text != "" && !s.JSON {
		s.say("What ended after it had started:%s", text)
	}
	return err
}

// showFirst shows the plan and asks. Done means that there is nothing to do.
func (s *site) showFirst(ctx context.Context, p plan.Plan, ask bool, question string) (done bool, err error) {
	if err := s.viewSteps(p, s.loaded.project); err != nil {
		return false, err
	}
	switch {
	case len(p.Problems) > 0:
		return false, errIncomplete
	case p.Empty():
		return true, nil
	case !ask:
		return false, nil
	}
	return false, s.confirm(ctx, question)
}

// prepare resolves every secret of the containers that will be made, before anything is
// touched. One that guards data which is there already is never made up anew.
func (s *site) prepare(ctx context.Context, p plan.Plan, live plan.Live) (*engine.Stack, error) {
	var wants []secret.Want
	for _, declared := range s.loaded.stack.Secrets {
		users := s.loaded.stack.SecretUsers(declared.Name)
		if !slices.ContainsFunc(users, func(user *spec.Service) bool { return makes(p, user.Name) }) {
			continue
		}
		want := secret.Want{Name: declared.Name, Generate: declared.Generated()}
		if want.Generate {
			want.Refuse = holdsData(s.loaded.project, live, users)
		}
		wants = append(wants, want)
	}
	if len(wants) == 0 {
		return s.stack(engine.Secrets{}), nil
	}
	store, err := s.loaded.store()
	if err != nil {
		return nil, err
	}
	values, generated, err := secret.Resolve(ctx, store, wants)
	if len(generated) > 0 {
		s.say("Generated %s (%s).", strings.Join(generated, ", "), s.where(s.loaded.stack))
	}
	if err != nil {
		return nil, err
	}
	key, err := secret.LoadKey(ctx, store, true)
	if errors.Is(err, secret.ErrReadOnly) {
		s.warn("plan will not see when a secret changes: %v.", err)
	} else if err != nil {
		return nil, err
	}
	doer := s.stack(engine.Secrets{Values: values, Key: key})
	return doer, doer.Prepare(p)
}

// stack is what carries out a plan. Whoever asks closes it.
func (s *site) stack(secrets engine.Secrets) *engine.Stack {
	secrets.Mask = s.loaded.masker
	doer := s.engine.Stack(s.loaded.project, secrets)
	doer.Clean = s.held != nil && s.held.Clean
	return doer
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
func (s *site) pullFirst(ctx context.Context, shown plan.Plan, doer apply.Engine) (plan.Plan, error) {
	pulls := plan.Plan{Stack: shown.Stack, Steps: slices.DeleteFunc(slices.Clone(shown.Steps), func(step plan.Step) bool { return !isPull(step) })}
	if len(pulls.Steps) > 0 {
		if err := s.carryOut(ctx, pulls, doer); err != nil {
			return plan.Plan{}, err
		}
		for _, step := range pulls.Steps {
			s.options.Pulled = append(s.options.Pulled, step.Name)
		}
	}
	p, _, err := s.plan(ctx)
	if err != nil {
		return plan.Plan{}, err
	}
	if len(p.Problems) > 0 {
		if err := s.viewSteps(p, s.loaded.project); err != nil {
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

// settle waits for services that run and are not healthy yet, as after an apply that was
// stopped.
func (s *site) settle(ctx context.Context, live plan.Live, services []string) error {
	return s.carryOut(ctx, plan.Settle(s.loaded.project, live).Only(services), s.engine.Stack(s.loaded.project, engine.Secrets{Mask: s.loaded.masker}))
}

// holds looks at the machine once more: what was applied must be there now.
func (s *site) holds(ctx context.Context, took time.Duration) error {
	after, live, err := (&site{app: s.app, loaded: s.loaded, engine: s.engine}).plan(ctx)
	if err != nil {
		return fmt.Errorf("applied, but the result could not be looked at: %w", err)
	}
	if err := s.settle(ctx, live, s.loaded.project.ServiceNames()); err != nil {
		return err
	}
	if !after.Empty() {
		s.say("Applied, but the machine is still not what the spec says:")
		s.say("%s", planText(after, s.loaded.project, s.fold, paint(s.colorErr)))
		return errIncomplete
	}
	if text := s.console().tally.text(s.width); text != "" && !s.JSON {
		s.say("%s", text)
	}
	s.say("Applied in %s. The stack %q is what the spec says.", took.Round(100*time.Millisecond), s.loaded.stack.Name)
	s.say("Prove it: minibot verify")
	return nil
}
