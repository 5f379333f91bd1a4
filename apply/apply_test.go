package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"minibot/apply"
	"minibot/internal/plan"
)

// fake is an engine made of two functions.
type fake struct {
	do   func(ctx context.Context, a plan.Action, progress func(string)) error
	undo func(ctx context.Context, a plan.Action) error
}

func (f fake) Do(ctx context.Context, a plan.Action, progress func(string)) error {
	return f.do(ctx, a, progress)
}

func (f fake) Undo(ctx context.Context, a plan.Action) error { return f.undo(ctx, a) }

// diary notes what an engine was asked to do, "do verb target" or "undo verb target".
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) check(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, d.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// engine writes into the diary. It fails where the action's verb and target are in fails,
// or, with "undo " before them, where they are taken back.
func (d *diary) engine(fails ...string) fake {
	act := func(what string, a plan.Action) error {
		d.note("%s %s %s", what, a.Verb, a.Target)
		if slices.Contains(fails, what+" "+string(a.Verb)+" "+a.Target) {
			return fmt.Errorf("%s of %s failed", a.Verb, a.Target)
		}
		return nil
	}
	return fake{
		do:   func(_ context.Context, a plan.Action, _ func(string)) error { return act("do", a) },
		undo: func(_ context.Context, a plan.Action) error { return act("undo", a) },
	}
}

// step makes a step whose actions are its verbs, with its ID as their target.
func step(id string, after string, verbs ...plan.Verb) plan.Step {
	s := plan.Step{ID: id, Kind: plan.Replace, Object: "service", Name: id, After: strings.Fields(after)}
	for _, verb := range verbs {
		s.Actions = append(s.Actions, plan.Action{Verb: verb, Target: id})
	}
	return s
}

var replace = []plan.Verb{plan.RenameContainer, plan.CreateContainer, plan.StopContainer, plan.ForbidRestart, plan.StartContainer, plan.Wait, plan.RemoveContainer}

func steps(all ...plan.Step) plan.Plan { return plan.Plan{Steps: all} }

// Steps are done in the order that After asks for, wherever they stand in the plan. One
// that is not in the plan (the pulls were done before) is not waited for.
func TestOrder(t *testing.T) {
	var d diary
	p := steps(step("c", "b image/x", plan.Wait), step("b", "a", plan.CreateContainer, plan.Wait), step("a", "", plan.CreateNetwork))
	if err := apply.Run(t.Context(), p, d.engine(), nil); err != nil {
		t.Fatal(err)
	}
	d.check(t, "do create-network a", "do create-container b", "do wait-healthy b", "do wait-healthy c")
}

func TestNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := apply.Run(ctx, plan.Plan{}, fake{}, nil); err != nil {
		t.Error(err)
	}
}

// Steps that do not wait for each other go side by side, eight at a time; one that waits
// takes no place from others.
func TestSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p plan.Plan
		for i := range 24 {
			p.Steps = append(p.Steps, step(fmt.Sprintf("late%d", i), "first", plan.StopContainer))
		}
		p.Steps = append(p.Steps, step("first", "", plan.StopContainer))
		for i := range 7 {
			p.Steps = append(p.Steps, step(fmt.Sprint(i), "", plan.StopContainer))
		}
		now, most := 0, 0
		var mu sync.Mutex
		count := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			now += by
			most = max(most, now)
		}
		begun := time.Now()
		err := apply.Run(t.Context(), p, fake{do: func(context.Context, plan.Action, func(string)) error {
			count(1)
			defer count(-1)
			time.Sleep(time.Second)
			return nil
		}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); most != 8 || took != 4*time.Second {
			t.Errorf("at most %d at a time, in %s; 32 steps of a second, 8 at a time, take 4 s", most, took)
		}
	})
}

// Waits are no work for the engine: any number goes side by side. Who needs only a container
// that runs begins when it does.
func TestWaitsTakeNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p plan.Plan
		for i := range 24 {
			p.Steps = append(p.Steps, step(fmt.Sprint(i), "", plan.StartContainer, plan.Wait))
		}
		after := step("after", "", plan.StartContainer, plan.Wait)
		after.AfterStart = []string{"0"}
		p.Steps = append(p.Steps, after)
		begun := time.Now()
		err := apply.Run(t.Context(), p, fake{do: func(_ context.Context, a plan.Action, _ func(string)) error {
			if a.Verb == plan.Wait {
				time.Sleep(time.Minute)
			}
			return nil
		}}, nil)
		if took := time.Since(begun); err != nil || took != time.Minute {
			t.Errorf("%v after %s, want a minute", err, took)
		}
	})
}

// A step is not begun if the one whose start it needs ends without one.
func TestAfterStartFails(t *testing.T) {
	after := step("after", "", plan.StartContainer)
	after.AfterStart = []string{"first"}
	var begun []string
	err := apply.Run(t.Context(), plan.Plan{Steps: []plan.Step{step("first", "", plan.StartContainer), after}}, fake{
		do:   func(context.Context, plan.Action, func(string)) error { return errors.New("no") },
		undo: func(context.Context, plan.Action) error { return nil },
	}, func(e apply.Event) {
		if e.Kind == apply.Begun {
			begun = append(begun, e.Step.ID)
		}
	})
	if err == nil || len(begun) != 1 {
		t.Errorf("%v, begun %v", err, begun)
	}
}

// What was done before an action that fails is taken back, last first, as far back as a
// removal. What fails may have happened all the same, and is taken back too if it can be.
func TestUndo(t *testing.T) {
	for _, c := range []struct {
		name  string
		verbs []plan.Verb
		fails plan.Verb
		want  string
	}{
		{"the first", replace, plan.RenameContainer, "rename"},
		{"a create", replace, plan.CreateContainer, "rename"},
		{"a stop", replace, plan.StopContainer, "stop create rename"},
		{"a start", replace, plan.StartContainer, "start forbid stop create rename"},
		{"a forbidden restart", replace, plan.ForbidRestart, "forbid stop create rename"},
		{"a wait", replace, plan.Wait, "start forbid stop create rename"},
		{"past a removal", []plan.Verb{plan.StopContainer, plan.RemoveContainer, plan.CreateContainer, plan.StartContainer, plan.Wait}, plan.Wait, "start create"},
		{"a detachment", []plan.Verb{plan.Connect, plan.Disconnect}, plan.Disconnect, "disconnect connect"},
		{"an update", []plan.Verb{plan.Connect, plan.Disconnect, plan.UpdateContainer}, plan.UpdateContainer, "disconnect connect"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d diary
			err := apply.Run(t.Context(), steps(step("x", "", c.verbs...)), d.engine("do "+string(c.fails)+" x"), nil)
			var failed *apply.StepError
			if !errors.As(err, &failed) || failed.Undo != nil || failed.Step.ID != "x" {
				t.Fatalf("got %v", err)
			}
			if want := fmt.Sprintf("replace x: %s of x failed", c.fails); err.Error() != want {
				t.Errorf("got %q, want %q", err, want)
			}
			var undone []string
			for _, line := range d.lines {
				if verb, ok := strings.CutPrefix(line, "undo "); ok {
					undone = append(undone, strings.Split(verb, "-")[0])
				}
			}
			if got := strings.Join(undone, " "); got != c.want {
				t.Errorf("taken back: %q, want %q", got, c.want)
			}
		})
	}
}

// A container that does not take over from another one is taken back, so that the other does
// again.
func TestUndoTakingOver(t *testing.T) {
	var d diary
	s := step("x", "", plan.Wait, plan.RemoveContainer)
	s.Actions[0].Was = "old"
	if err := apply.Run(t.Context(), steps(s), d.engine("do wait-healthy x"), nil); err == nil {
		t.Error("it must fail")
	}
	d.check(t, "do wait-healthy x", "undo wait-healthy x")
}

// A removal that fails may have removed half: nothing is taken back, since the new
// container works and the old one may not.
func TestUndoRemoval(t *testing.T) {
	var d diary
	err := apply.Run(t.Context(), steps(step("x", "", replace...)), d.engine("do remove-container x"), nil)
	if !errors.Is(err, apply.ErrRemoved) || slices.ContainsFunc(d.lines, func(line string) bool { return strings.HasPrefix(line, "undo") }) {
		t.Errorf("got %v after %q", err, d.lines)
	}
	err = apply.Run(t.Context(), steps(step("x", "", plan.RemoveContainer)), d.engine("do remove-container x"), nil)
	if err == nil || errors.Is(err, apply.ErrRemoved) {
		t.Errorf("got %v: there was nothing to take back", err)
	}
}

// The first thing that cannot be taken back ends it, and is reported: to go on could start
// the old container beside the new one.
func TestUndoFails(t *testing.T) {
	var d diary
	err := apply.Run(t.Context(), steps(step("x", "", replace...)), d.engine("do wait-healthy x", "undo start-container x"), nil)
	if want := "replace x: wait-healthy of x failed (not taken back: start-container of x failed)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	d.check(t, "do rename-container x", "do create-container x", "do stop-container x", "do forbid-restart x", "do start-container x", "do wait-healthy x",
		"undo start-container x")
}

// Who waits for a failed step is skipped, and who waits for that one; others go on. All
// errors are in the answer.
func TestSkip(t *testing.T) {
	var d diary
	p := steps(step("a", "", plan.Wait), step("b", "a", plan.Wait), step("c", "b", plan.Wait), step("d", "", plan.CreateVolume), step("e", "d", plan.Wait))
	skipped := map[string]string{}
	err := apply.Run(t.Context(), p, d.engine("do wait-healthy a", "do wait-healthy e"), func(e apply.Event) {
		if e.Kind == apply.Skipped {
			skipped[e.Step.ID] = e.Text
		}
	})
	if want := "replace a: wait-healthy of a failed\nreplace e: wait-healthy of e failed"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if diff := cmp.Diff(map[string]string{"b": "waits for a", "c": "waits for b"}, skipped); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	slices.Sort(d.lines)
	d.check(t, "do create-volume d", "do wait-healthy a", "do wait-healthy e")
}

// A context that has ended before the start: nothing is done, and every step says so.
func TestCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	skipped := 0
	err := apply.Run(ctx, steps(step("a", "", plan.Wait), step("b", "a", plan.Wait)), fake{}, func(e apply.Event) {
		if e.Kind != apply.Skipped {
			t.Errorf("%s %s", e.Kind, e.Step.ID)
		}
		skipped++
	})
	if err != context.Canceled || skipped != 2 {
		t.Errorf("got %v, %d skipped", err, skipped)
	}
}

// An interrupt during a wait takes the step back with a context that lives on but has an
// end; what was done stays, what was not begun is not.
func TestCancelledMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancelCause(t.Context())
		p := steps(step("done", "", plan.CreateNetwork), step("x", "done", replace...), step("late", "x", plan.Wait))
		err := apply.Run(ctx, p, fake{
			do: func(ctx context.Context, a plan.Action, _ func(string)) error {
				d.note("do %s %s", a.Verb, a.Target)
				if a.Verb == plan.Wait {
					time.AfterFunc(time.Second, func() { cancel(errors.New("Ctrl-C")) })
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			},
			undo: func(ctx context.Context, a plan.Action) error {
				d.note("undo %s %s", a.Verb, a.Target)
				if deadline, ok := ctx.Deadline(); ctx.Err() != nil || !ok || time.Until(deadline) != 2*time.Minute {
					t.Errorf("undo with %v, until %s", ctx.Err(), deadline)
				}
				return nil
			},
		}, nil)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		d.check(t, "do create-network done", "do rename-container x", "do create-container x", "do stop-container x", "do forbid-restart x", "do start-container x", "do wait-healthy x",
			"undo start-container x", "undo forbid-restart x", "undo stop-container x", "undo create-container x", "undo rename-container x")
	})
}

// An engine that does not look at its context is stopped between two actions; what was not
// begun is not taken back.
func TestCancelledBetween(t *testing.T) {
	var d diary
	ctx, cancel := context.WithCancel(t.Context())
	engine := d.engine()
	do := engine.do
	engine.do = func(ctx context.Context, a plan.Action, progress func(string)) error {
		if a.Verb == plan.CreateContainer {
			cancel()
		}
		return do(ctx, a, progress)
	}
	if err := apply.Run(ctx, steps(step("x", "", replace...)), engine, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	d.check(t, "do rename-container x", "do create-container x", "undo create-container x", "undo rename-container x")
}

// An interrupt that comes when all is done is too late to be an error.
func TestCancelledAfter(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := apply.Run(ctx, steps(step("x", "", plan.Wait)), fake{do: func(context.Context, plan.Action, func(string)) error {
		cancel()
		return nil
	}}, nil)
	if err != nil {
		t.Error(err)
	}
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := fake{
			do: func(_ context.Context, a plan.Action, progress func(string)) error {
				time.Sleep(time.Second)
				if a.Verb == plan.Wait {
					progress("starting")
					if a.Target == "bad" {
						return errors.New("unhealthy")
					}
				}
				return nil
			},
			undo: func(context.Context, plan.Action) error { return nil },
		}
		var got []string
		_ = apply.Run(t.Context(), steps(step("good", "", plan.StartContainer, plan.Wait), step("bad", "good", plan.CreateContainer, plan.Wait), step("late", "bad", plan.Wait)), engine, func(e apply.Event) {
			line := fmt.Sprintf("%s %s %s %s %s", e.Kind, e.Step.ID, e.Action.Verb, e.Text, e.Elapsed)
			if e.Err != nil {
				line += " " + e.Err.Error()
			}
			got = append(got, strings.Join(strings.Fields(line), " "))
		})
		want := []string{
			"begun good 0s", "acting good start-container 0s", "acting good wait-healthy 0s", "progress good wait-healthy starting 0s", "done good 2s",
			"begun bad 0s", "acting bad create-container 0s", "acting bad wait-healthy 0s", "progress bad wait-healthy starting 0s",
			"undoing bad create-container 0s", "failed bad 2s replace bad: unhealthy", "skipped late waits for bad 0s",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Events come one at a time, however many steps there are. The race detector watches.
func TestEventsOneAtATime(t *testing.T) {
	var p plan.Plan
	for i := range 50 {
		p.Steps = append(p.Steps, step(fmt.Sprint(i), "", plan.CreateContainer, plan.Wait))
	}
	events := 0
	err := apply.Run(t.Context(), p, fake{do: func(_ context.Context, _ plan.Action, progress func(string)) error {
		progress("…")
		return nil
	}}, func(apply.Event) { events++ })
	if err != nil || events != 50*6 {
		t.Errorf("%d events, %v", events, err)
	}
}
