package verify

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"time"

	"minibot/internal/plan"
	"minibot/internal/probe"
)

// Inside looks from inside the running containers of the stack, as their neighbours see it. It makes no container and
// writes no file. Containers are named by their IDs.
type Inside interface {
	// Dialer is a way to dial from inside a container. An error says why there is none: its image may have no program
	// for it. Once found it costs nothing to ask again.
	Dialer(ctx context.Context, container string) (probe.Dialer, error)
	// Run runs a program in a container to its end, without input, or until limit.
	Run(ctx context.Context, container string, argv []string, limit time.Duration) (plan.Output, error)
}

// peersOf lists the running services that share a network with one. Those that depend on it come first, since they
// are the ones that reach for it; else the order is the spec's.
func (s Subject) peersOf(p pair) []pair {
	var dependants, others []pair
	for _, other := range s.pairs() {
		switch {
		case other.spec == p.spec, !other.running(), !shareNetwork(*p.have, *other.have):
		case dependsOn(other, p):
			dependants = append(dependants, other)
		default:
			others = append(others, other)
		}
	}
	return slices.Concat(dependants, others)
}

func shareNetwork(a, b plan.Container) bool {
	for name := range a.Actual.Networks {
		if _, both := b.Actual.Networks[name]; both {
			return true
		}
	}
	return false
}

func dependsOn(p, on pair) bool {
	_, depends := p.want.DependsOn[on.spec.Name]
	return depends
}

// beside finds a neighbour of a service from which one can dial. If there is none, the result says why: skip where
// nobody is a neighbour, error where none can be used.
func (s Subject) beside(ctx context.Context, p pair) (pair, Result) {
	neighbours := s.peersOf(p)
	if len(neighbours) == 0 {
		return pair{}, skip("no other running service shares a network with it")
	}
	var last error
	for _, other := range neighbours {
		if _, err := s.Inside.Dialer(ctx, other.have.ID); err != nil {
			last = err
			continue
		}
		return other, Result{}
	}
	return pair{}, unknown("from none of the containers beside it can be dialled; %s: %v", neighbours[len(neighbours)-1].have.Name, last).
		remedy("Nothing need be done if its neighbours' images are meant to have no programs: accept the check then.")
}

// reach makes an error of an address that is not connected.
func (s Subject) reach(ctx context.Context, from, addr string) error {
	switch reach, err := s.Prober.Reach(ctx, from, addr); {
	case err != nil:
		return err
	case reach == probe.Refused:
		return syscall.ECONNREFUSED
	case reach == probe.Filtered:
		return context.DeadlineExceeded
	}
	return nil
}

// networkFailures are what says that there is no way, or nobody at its end.
var networkFailures = []error{
	syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ETIMEDOUT, syscall.EPERM, context.DeadlineExceeded,
}

// unreachable finds the network's own words in an error, without who dialled whom. False if the error is none of the
// network's.
func unreachable(err error) (error, bool) {
	for _, failure := range networkFailures {
		switch {
		case !errors.Is(err, failure):
		case failure == context.DeadlineExceeded:
			return errors.New("no answer in time"), true
		default:
			return failure, true
		}
	}
	return err, false
}
