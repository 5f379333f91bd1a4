package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"minibot/internal/engine"
	"minibot/internal/plan"
	"minibot/internal/rotate"
	"minibot/internal/secret"
	"minibot/spec"
	"minibot/verify"
)

type secretRotateCmd struct {
	lockFlags
	Name string `arg:"" optional:"" help:"The secret's name in the spec." complete:"secret"`
	All  bool   `help:"All secrets that minibot may generate, one after the other."`
	Ask  bool   `help:"Take the new value from the terminal or standard input, instead of generating it."`
	Yes  bool   `short:"y" help:"Do not ask for a confirmation."`
}

func (*secretRotateCmd) Examples() []example {
	return []example{
		{"minibot secret rotate REDIS_PASSWORD", "a new value, made up"},
		{"minibot secret rotate API_KEY --ask", "a new value that you type"},
		{"minibot secret rotate --all -y", "every one that can be made up, without a question"},
	}
}

// Validate refuses what cannot be meant.
func (c *secretRotateCmd) Validate() error {
	switch {
	case c.All == (c.Name != ""):
		return errors.New("name one secret, or say --all")
	case c.All && c.Ask:
		return errors.New("--ask is for one secret")
	}
	return nil
}

// Run gives a secret a new value: in the running services, in the store and in every
// container that is given it.
func (c *secretRotateCmd) Run(ctx context.Context, a *app) (err error) {
	s, err := a.glance(ctx)
	if err != nil {
		return err
	}
	defer s.engine.Close()
	names, err := c.names(a, s.loaded.stack)
	if err != nil || len(names) == 0 {
		return err
	}
	if endpoint := s.engine.Endpoint; !endpoint.Local() && !endpoint.SSH() {
		return errElsewhere
	}
	if err := s.lock(ctx, c.lockFlags); err != nil {
		return err
	}
	defer s.unlock(&err)
	r := &rotator{site: s, ask: c.Ask}
	if err := r.ready(ctx, names); err != nil {
		return err
	}
	for _, name := range names {
		r.announce(name)
	}
	if !c.Yes {
		if err := a.confirm(ctx, fmt.Sprintf("Rotate %s?", strings.Join(names, ", "))); err != nil {
			return err
		}
	}
	defer s.record(ctx, strings.Join(names, ", "))(&err)
	for _, name := range names {
		if err := r.rotate(ctx, name); err != nil {
			return err
		}
	}
	if a.JSON {
		return a.line(struct {
			lineHead
			Rotated []rotated `json:"rotated"`
		}{lineHead{runFormat, "rotated"}, r.done})
	}
	return nil
}

// names are the secrets that are meant. Of all, those that a person has to get are left out.
func (c *secretRotateCmd) names(a *app, stack *spec.Stack) ([]string, error) {
	if !c.All {
		return []string{c.Name}, declared(stack, c.Name)
	}
	var names []string
	for _, one := range stack.Secrets {
		if one.Generated() {
			names = append(names, one.Name)
		} else {
			a.say("%s comes from you, and is left out: minibot secret rotate %s", one.Name, one.Name)
		}
	}
	if len(names) == 0 {
		a.say("The spec has no secret that minibot may generate.")
	}
	return names, nil
}

// rotator rotates secrets of one stack.
type rotator struct {
	*site
	ask  bool
	done []rotated
}

// rotated is one line of the result.
type rotated struct {
	Name     string   `json:"name"`
	Services []string `json:"services"`
	Seconds  float64  `json:"seconds"`
}

// users are the services that are given a secret or answer to it.
func (r *rotator) users(name string) []string {
	var names []string
	for _, service := range r.loaded.stack.Services {
		if opens(service, name) || slices.Contains(service.SecretNames(), name) {
			names = append(names, service.Name)
		}
	}
	return names
}

// opens reports whether a secret is the password of a service.
func opens(service *spec.Service, name string) bool {
	return service.Auth != nil && slices.Contains(service.Auth.Password.Secrets(), name)
}

// logins are the doors that a secret opens.
func (r *rotator) logins(name string) ([]rotate.Login, error) {
	var logins []rotate.Login
	for _, service := range r.loaded.stack.Services {
		if !opens(service, name) {
			continue
		}
		door, ok := verify.DoorOf(service)
		if !ok {
			return nil, fmt.Errorf("%s is the password of %s, which binds no port: minibot cannot reach it to change it there", name, service.Name)
		}
		logins = append(logins, rotate.Account{Service: service.Name, Kind: door.Kind, Addr: door.Addr, User: door.User, Database: door.Database})
	}
	return logins, nil
}

// ready makes sure that nothing else is to be done on the services: a rotation makes
// containers anew, and must bring no other change along. One that was interrupted may go
// on from anything.
func (r *rotator) ready(ctx context.Context, names []string) error {
	store, err := r.loaded.store()
	if err != nil {
		return err
	}
	begun, err := secret.Rotations(ctx, store, names)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := r.logins(name); err != nil {
			return err
		}
		if slices.Contains(begun, name) {
			continue
		}
		p, _, err := r.planFor(ctx, name)
		if err != nil {
			return err
		}
		for _, step := range p.Steps {
			if step.Kind != plan.Restart && slices.ContainsFunc(step.Causes, func(c plan.Cause) bool { return c.Path != "secrets."+name }) {
				return fmt.Errorf("%s %s is not what the spec says; a rotation would change that too", step.Object, step.Name)
			}
		}
		if len(p.Problems) > 0 {
			return fmt.Errorf("%s %s: %s", p.Problems[0].Object, p.Problems[0].Name, p.Problems[0].Summary)
		}
	}
	return nil
}

// planFor is the part of the plan that concerns the users of a secret, one step after the
// other.
func (r *rotator) planFor(ctx context.Context, name string) (plan.Plan, plan.Live, error) {
	live, err := r.look(ctx)
	if err != nil {
		return plan.Plan{}, live, err
	}
	live.Store.Rotating, live.Store.Accepted = nil, []string{name}
	return plan.Diff(r.loaded.project, live).Only(r.users(name)).OneByOne(), live, nil
}

// announce says what a rotation will touch.
func (r *rotator) announce(name string) {
	var live, start []string
	for _, service := range r.loaded.stack.Services {
		if opens(service, name) {
			if (rotate.Account{Kind: service.Auth.Kind}).Live() {
				live = append(live, service.Name)
			} else {
				start = append(start, service.Name)
			}
		}
	}
	text := name + ":"
	if len(live) > 0 {
		text += " changes in " + strings.Join(live, ", ") + " while it runs;"
	}
	if len(start) > 0 {
		text += " " + strings.Join(start, ", ") + " takes it over when it starts;"
	}
	r.say("%s new containers, one by one, for: %s", text, cmp.Or(strings.Join(r.users(name), ", "), "nobody"))
}

// rotate changes one secret everywhere.
func (r *rotator) rotate(ctx context.Context, name string) error {
	begun := time.Now()
	store, err := r.loaded.store()
	if err != nil {
		return err
	}
	logins, err := r.logins(name)
	if err != nil {
		return err
	}
	ctx, done, err := r.atTheDoors(ctx)
	if err != nil {
		return err
	}
	defer done()
	paint := paint(r.colorErr)
	job := rotate.Job{
		Name: name, Store: store, Logins: logins,
		Propose: func(ctx context.Context) (secret.Value, error) { return r.propose(ctx, name) },
		Given:   func(ctx context.Context) ([]secret.Value, error) { return r.given(ctx, name) },
		Renew:   func(ctx context.Context) error { return r.renew(ctx, name) },
		Tell:    func(text string) { r.say("%s %s: %s", paint(green, "✓"), name, text) },
	}
	if err := job.Run(ctx); err != nil {
		return err
	}
	took := time.Since(begun)
	r.done = append(r.done, rotated{Name: name, Services: r.users(name), Seconds: took.Seconds()})
	r.say("Rotated %s in %s.", name, took.Round(100*time.Millisecond))
	return nil
}

// canFinish reports whether the services that answer to these secrets run. Else they must
// be brought up before a rotation of theirs can go on.
func (r *rotator) canFinish(names []string, live plan.Live) bool {
	for _, service := range r.loaded.stack.Services {
		running := slices.ContainsFunc(live.Containers, func(c plan.Container) bool {
			return c.Project == r.loaded.stack.Name && c.Service == service.Name && c.State.Status == "running"
		})
		if !running && slices.ContainsFunc(names, func(name string) bool { return opens(service, name) }) {
			return false
		}
	}
	return len(names) > 0
}

// finish goes on with rotations that were interrupted.
func (r *rotator) finish(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := r.rotate(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// propose generates a value, or takes it from a person.
func (r *rotator) propose(ctx context.Context, name string) (secret.Value, error) {
	if r.ask || !r.loaded.stack.Secret(name).Generated() {
		return secret.Read(ctx, r.stdin, r.stderr, name, true)
	}
	return secret.Generate()
}

// given reads a secret back from the containers that answer to it.
func (r *rotator) given(ctx context.Context, name string) ([]secret.Value, error) {
	_, live, err := r.planFor(ctx, name)
	if err != nil {
		return nil, err
	}
	doer := r.engine.Stack(r.loaded.project, engine.Secrets{})
	var values []secret.Value
	for _, container := range live.Containers {
		service := r.loaded.stack.Service(container.Service)
		if container.Project != r.loaded.stack.Name || service == nil || !opens(service, name) {
			continue
		}
		found, err := doer.Given(ctx, container.ID, name)
		if err != nil {
			return nil, err
		}
		values = append(values, found...)
	}
	return values, nil
}

// renew makes the containers anew that hold another value than the store, and waits for
// those that are about to work.
func (r *rotator) renew(ctx context.Context, name string) error {
	p, live, err := r.planFor(ctx, name)
	if err != nil {
		return err
	}
	if len(p.Problems) > 0 {
		return fmt.Errorf("%s %s: %s", p.Problems[0].Object, p.Problems[0].Name, p.Problems[0].Summary)
	}
	doer, err := r.prepare(ctx, p, live)
	if err != nil {
		return err
	}
	defer doer.Close()
	if err := r.carryOut(ctx, p, doer); err != nil {
		return err
	}
	if _, live, err = r.planFor(ctx, name); err != nil {
		return err
	}
	return r.settle(ctx, live, r.users(name))
}
