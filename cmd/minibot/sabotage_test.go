package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"minibot/verify"
)

// sabotage is one way to break a live stack, and what verify must say about it.
type sabotage struct {
	name string
	// does breaks it, and returns what mends it again.
	does func(*target) (undo func())
	// check must fail then, and its evidence must name the culprit; "STACK" in it is the stack's name, and "PORT" its
	// port.
	check, culprit string
}

// Each of them is done to a live stack, of which verify then finds just that: the check fails and its
// evidence names the culprit, and no check that the reference demands becomes an error, so that it could
// no longer be told. Once it is undone, the report is what it was.
//
// The stacks run on an engine and a machine of their own, where a port that is open to everyone is open
// to a neighbour in the next network namespace.
func TestSabotage(t *testing.T) {
	m := newMachine(t)
	var boxes []*target
	for i := range 3 {
		boxes = append(boxes, m.box(t, i))
	}
	var detected atomic.Int64
	quiet := slices.Concat(limitSabotages, hardeningSabotages, stackSabotages, publishSabotages, networkSabotages)
	open := slices.Concat(openSabotages, lanSabotages, hostSabotages)
	t.Run("quietly", func(t *testing.T) { // what only the stack itself notices is done to several at once
		queue := make(chan sabotage)
		var hands sync.WaitGroup
		for _, box := range boxes {
			hands.Go(func() {
				for s := range queue {
					box.suffer(t, s, &detected)
				}
			})
		}
		for _, s := range quiet {
			queue <- s
		}
		close(queue)
		hands.Wait()
	})
	t.Run("openly", func(t *testing.T) {
		for _, s := range open {
			boxes[0].suffer(t, s, &detected)
		}
	})
	t.Logf("detected %d/%d", detected.Load(), len(quiet)+len(open))
}

// quickly leaves out what takes OpenClaw ten seconds and more.
var quickly = []string{"--skip", "auth.openclaw.audit"}

// BenchmarkVerifyReference is a whole minibot verify of the four real services, from the program's start to its end, but
// for OpenClaw's own audit and for what is on the internet. The promise is a second on a machine with two CPUs that has
// nothing else to do.
func BenchmarkVerifyReference(b *testing.B) {
	x := newMachine(b).reference(b)
	x.looks = quickly
	for b.Loop() {
		if _, code := x.look(); code != exitDone {
			b.Fatalf("exit code %d", code)
		}
	}
}

// The same with the doors of the four real services; and a stack in good order is told to be so, without a trace.
func TestSabotageReference(t *testing.T) {
	x := newMachine(t).reference(t)
	x.begin()
	x.looks = quickly
	x.begin()
	t.Run("no trace", x.noTrace)
	var detected atomic.Int64
	t.Run("doors", func(t *testing.T) {
		for _, s := range authSabotages {
			x.suffer(t, s, &detected)
		}
	})
	t.Run("locked out", x.lockedOut)
	t.Logf("detected %d/%d", detected.Load(), len(authSabotages))
}

// suffer does it to the stack.
func (x *target) suffer(t *testing.T, s sabotage, detected *atomic.Int64) {
	ok := t.Run(s.name, func(t *testing.T) {
		x := x.in(t)
		undo := s.does(x)
		x.finds(x.verify(), s)
		undo()
		x.same(x.verify())
	})
	if ok {
		detected.Add(1)
	} else {
		x.minibot(exitDone, "", "apply", "-y", "--remove-strays") // for the next one
	}
}

// finds fails the test unless the report says what it must.
func (x *target) finds(report verify.Report, s sabotage) {
	x.Helper()
	culprit := x.fill(s.culprit)
	found := false
	var failed []string
	for _, r := range report.Results {
		switch {
		case r.Status == verify.Fail && r.Accepted == "":
			failed = append(failed, line(r))
			found = found || r.Check == s.check && strings.Contains(r.Evidence, culprit)
		case r.Status == verify.Error && musts[r.Check]:
			x.Errorf("it can no longer be told: %s", line(r))
		}
	}
	said := strings.Join(failed, "\n")
	if !found {
		x.Errorf("no failure of %s names %q. What failed:\n%s", s.check, culprit, said)
	}
	x.Logf("found:\n%s", said)
}

// same fails the test unless the report says what that of the stack did when nothing was wrong.
func (x *target) same(report verify.Report) {
	x.Helper()
	want, got := lines(x.clean), lines(report)
	for _, l := range got {
		if !slices.Contains(want, l) {
			x.Errorf("it is not as before: + %s", l)
		}
	}
	for _, l := range want {
		if !slices.Contains(got, l) {
			x.Errorf("it is not as before: - %s", l)
		}
	}
}

// musts are the checks that the reference demands.
var musts = func() map[string]bool {
	all := map[string]bool{}
	for _, c := range verify.Checks() {
		all[c.ID] = c.Must
	}
	return all
}()

func lines(report verify.Report) []string {
	var all []string
	for _, r := range report.Results {
		all = append(all, line(r))
	}
	return all
}

func line(r verify.Result) string {
	return fmt.Sprintf("%s %s [%s] %s", r.Status, r.Check, r.Object, passing.ReplaceAllString(r.Evidence, "…"))
}

// passing is what another container or network of the same kind has another of.
var passing = regexp.MustCompile(`pid \d+|br-[0-9a-f]{12}`)
