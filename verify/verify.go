// Package verify proves that a machine is what its spec says: a table of checks over
// what is desired, what the engine holds, what the machine shows and what a stranger at
// the door gets to see.
//
// It looks and judges; it cannot change anything. It knows neither the engine's client
// nor HCL: the caller gathers a Subject, and Run answers with a Report. What could not be
// looked at is an error and never a pass. A secret is sent only to a server that has just
// shown that it asks for one, once, and stands in no result.
//
// A check is one entry in the check_*.go file of its family, and one case in golden/verify.
package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/internal/host"
	"minibot/internal/plan"
	"minibot/internal/probe"
	"minibot/internal/secret"
	"minibot/spec"
)

// Subject is everything that checks look at. The caller gathers it. What is in Machine, Prober and
// Secret are called from several goroutines at once.
type Subject struct {
	Stack *spec.Stack
	// Project is loaded from the rendered file of the stack.
	Project *types.Project
	// Live is what the engine holds, and Plan what plan.Diff makes of Project and Live. Both
	// are zero if the engine could not be observed; Unseen then says why.
	Live   plan.Live
	Plan   plan.Plan
	Unseen error
	// Local says that published ports are on this machine: the engine is not a remote one,
	// even if it does not answer. Else what this machine shows would pass for the other's.
	Local bool
	// Endpoint is where the engine is asked, as a URL.
	Endpoint string
	// Dialer dials from the machine of an engine that is not Local; nil if nobody can. NoDialer then says why
	// not, where it ought to be possible.
	Dialer   probe.Dialer
	NoDialer error
	// Wire shows the machine of an engine that is not Local as far as host.Over does; nil if nobody can.
	Wire func(context.Context) (host.Machine, error)
	// Machine shows this machine; without a Run it is host.This().
	Machine host.Machine
	// Inside looks from inside the containers, and Containers tells more of them. They may be nil
	// only if the engine was not observed.
	Inside     Inside
	Containers Containers
	// Prober knocks at doors; nil is Probes of Inside, Dialer and ProbeTimeout.
	Prober Prober
	// ProbeTimeout bounds one knock; zero is probe.DefaultTimeout.
	ProbeTimeout time.Duration
	// Secret returns the value of a secret; it is asked only for one that is about to be tried.
	Secret func(ctx context.Context, name string) (secret.Value, error)
	// Now is when the report is made: accept blocks end. Zero is the clock's time.
	Now time.Time
	// Select says which checks are made. Its Checks must have had no error.
	Select Selection
	// Offline says that this machine has no way to the internet, so that none is looked for.
	Offline bool

	// ActiveAuth allows one wrong password at each gateway of OpenClaw, which counts them.
	ActiveAuth bool

	asks    *memo[Door, asked]
	entries *memo[Door, Result]
	audits  *memo[string, audited] // by the container's id
}

// atOnce bounds the checks, and within one the knocks, that run side by side.
const atOnce = 8

// Run makes every check and returns what came of it, in the order of the table and, within
// a check, of the spec. It takes as long as the slowest probe, at most ProbeTimeout for
// each connection that gets no answer; the end of ctx ends it, as errors.
func Run(ctx context.Context, s Subject) Report {
	if s.Machine.Run == nil {
		s.Machine = host.This()
	}
	s.Machine = s.Machine.Remembering()
	if s.Prober == nil {
		s.Prober = Probes{s.Inside, s.Dialer, s.ProbeTimeout}
	}
	if s.Containers != nil {
		s.Containers = patient{s.Containers}
	}
	if s.Now.IsZero() {
		s.Now = time.Now()
	}
	s.asks, s.entries, s.audits = &memo[Door, asked]{}, &memo[Door, Result]{}, &memo[string, audited]{}
	checks := slices.DeleteFunc(Checks(), func(c Check) bool { return !s.Select.has(c) })
	results := sideBySide(checks, func(c Check) []Result { return c.results(ctx, s) })
	return s.report(s.waive(slices.Concat(results...)))
}

// results makes one check, unless what it needs is missing, and completes its results.
func (c Check) results(ctx context.Context, s Subject) []Result {
	if c.run == nil {
		return nil
	}
	var results []Result
	if blocked, why := s.lacks(c.needs); blocked {
		results = []Result{why}
	} else {
		results = c.run(ctx, s)
	}
	for i := range results {
		results[i].complete(c, s.Stack)
	}
	return results
}

// lacks reports whether something that a check needs is missing, and with which result.
func (s Subject) lacks(what needs) (bool, Result) {
	switch {
	case what&theDoors != 0 && !s.Local && s.NoDialer != nil:
		return true, unseen(s.NoDialer).on("host")
	case what&theDoors != 0 && !s.Local && s.Dialer == nil, what&thisMachine != 0 && !s.Local:
		return true, skip("the engine is on another machine, and so are its ports and its firewall").on("host")
	case what&theEngine != 0 && s.Unseen != nil:
		return true, unknown("the engine was not observed").on("engine").remedy("See stack.engine.reachable.")
	}
	return false, Result{}
}

// sideBySide calls act for each item, a few at a time, and keeps the order of the items.
func sideBySide[T, R any](items []T, act func(T) R) []R {
	results := make([]R, len(items))
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, item := range items {
		slots <- struct{}{}
		all.Go(func() {
			results[i] = act(item)
			<-slots
		})
	}
	all.Wait()
	return results
}

// pair is one service of the spec: what is asked for and what stands for it.
type pair struct {
	spec *spec.Service
	want types.ServiceConfig
	have *plan.Container // nil if there is none
}

// pairs lists the services in the order of the spec.
func (s Subject) pairs() []pair {
	pairs := make([]pair, 0, len(s.Stack.Services))
	for _, service := range s.Stack.Services {
		p := pair{spec: service, want: s.Project.Services[service.Name]}
		for i := range s.Live.Containers {
			if s.Live.Containers[i].Own(s.Project, p.want) {
				p.have = &s.Live.Containers[i]
			}
		}
		pairs = append(pairs, p)
	}
	return pairs
}

// running reports whether the container is there and runs.
func (p pair) running() bool { return p.have != nil && p.have.State.Status == "running" }

// others lists the containers that stand for no service, in the order of their names.
func (s Subject) others() []plan.Container {
	own := map[string]bool{}
	for _, p := range s.pairs() {
		if p.have != nil {
			own[p.have.ID] = true
		}
	}
	others := slices.DeleteFunc(slices.Clone(s.Live.Containers), func(c plan.Container) bool { return own[c.ID] })
	slices.SortFunc(others, func(a, b plan.Container) int { return strings.Compare(a.Name, b.Name) })
	return others
}

// stray reports whether the plan calls a container unknown to the spec. One that an
// unfinished replacement put aside is none.
func (s Subject) stray(container plan.Container) bool {
	return slices.ContainsFunc(s.Plan.Strays, func(stray plan.Stray) bool { return stray.ID == container.ID })
}

// perContainer makes a check out of one that looks at the container of one service.
func perContainer(look func(pair) Result) func(context.Context, Subject) []Result {
	return func(_ context.Context, s Subject) []Result { return s.eachContainer(look) }
}

// eachContainer looks at the container of every service.
func (s Subject) eachContainer(look func(pair) Result) []Result {
	var results []Result
	for _, p := range s.pairs() {
		result := absent
		if p.have != nil {
			result = look(p)
		}
		results = append(results, result.of(p.spec.Name, ""))
	}
	return results
}

// absent is the result where a service has no container: stack.service.present fails then.
var absent = skip("there is no container")

// size writes bytes as the rendered file does.
func size(bytes int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "K"}} {
		if bytes != 0 && bytes%unit.bytes == 0 {
			return fmt.Sprint(bytes/unit.bytes) + unit.name
		}
	}
	return fmt.Sprint(bytes) + "B"
}
