package verify

import (
	"context"
	"errors"

	"minibot/internal/host"
	"minibot/spec"
)

// posture makes a check of a thing of the machine that is on or off. Wanted is what the spec's host block asks for, nil if
// it does not ask; how says how it would ask.
func posture(how string, wanted func(*spec.Host) *bool, look func(Subject, context.Context) (host.Switch, error)) func(context.Context, Subject) []Result {
	return func(ctx context.Context, s Subject) []Result {
		if s.Stack.Host == nil {
			return []Result{skip("the spec has no host block").on("host")}
		}
		want := wanted(s.Stack.Host)
		if want == nil {
			return []Result{skip("the spec does not ask for it (host { %s })", how).on("host")}
		}
		state, err := look(s, ctx)
		result := fail("%s", state.Said)
		switch {
		case err != nil:
			result = unseen(err)
		case state.On == *want:
			result = pass("%s", state.Said)
		}
		return []Result{result.on("host")}
	}
}

// demanded is what a host block asks for by a flag: on, or nothing.
func demanded(flag bool) *bool {
	if !flag {
		return nil
	}
	return &flag
}

// forbidden is what it asks for by a flag that allows: off, or nothing.
func forbidden(allowed bool) *bool {
	if allowed {
		return nil
	}
	return new(false)
}

// always is what every host block asks for.
func always(*spec.Host) *bool { return new(true) }

// machine makes a posture's look of a question that needs the machine alone.
func machine(look func(host.Machine, context.Context) (host.Switch, error)) func(Subject, context.Context) (host.Switch, error) {
	return func(s Subject, ctx context.Context) (host.Switch, error) { return look(s.Machine, ctx) }
}

// unseen makes a result of an error of the machine: skip where there is nothing to be seen on such a machine, else error.
func unseen(err error) Result {
	if errors.Is(err, host.ErrNotApplicable) {
		return skip("%v", err)
	}
	return unknown("%v", err)
}
