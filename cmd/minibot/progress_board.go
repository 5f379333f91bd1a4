package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"minibot/apply"
	"minibot/internal/plan"
)

// board is what is known of the steps of a run while it goes on. It draws itself
// (progress_draw.go) and touches no terminal.
type board struct {
	now func() time.Time

	mu       sync.Mutex
	rows     []*row
	byID     map[string]*row
	stopping bool // an interrupt came
}

// row is one step.
type row struct {
	step   plan.Step
	phase  phase
	action plan.Action // the one in hand
	text   string      // what the engine said about it last
	undoes bool        // the action is being taken back
	acted  bool        // there is something to take back
	since  time.Time   // when the step began
	down   time.Time   // when the container was stopped
	outage time.Duration
}

type phase int

const (
	waiting phase = iota
	inHand
	ended
)

func newBoard(p plan.Plan, now func() time.Time) *board {
	b := &board{now: now, byID: map[string]*row{}}
	for _, step := range p.Steps {
		r := &row{step: step}
		b.rows = append(b.rows, r)
		b.byID[step.ID] = r
	}
	return b
}

// take notes an event, and returns how its step stands now.
func (b *board) take(e apply.Event) row {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.byID[e.Step.ID]
	if r == nil {
		return row{step: e.Step}
	}
	switch e.Kind {
	case apply.Begun:
		r.phase, r.since = inHand, b.now()
	case apply.Acting, apply.Undoing:
		r.action, r.text, r.undoes = e.Action, "", e.Kind == apply.Undoing
		r.acted = r.acted || e.Action.Verb != plan.PullImage && (e.Action.Verb != plan.Wait || e.Action.Was != "")
		if e.Kind == apply.Acting && e.Action.Verb == plan.StopContainer && (r.step.Kind == plan.Replace || r.step.Kind == plan.Restart) {
			r.down = b.now()
		} else if e.Kind == apply.Acting && e.Action.Verb == plan.RemoveContainer && !r.down.IsZero() {
			r.outage = b.now().Sub(r.down)
		}
	case apply.Progress:
		r.text = e.Text
	case apply.Failed:
		var failed *apply.StepError
		if errors.As(e.Err, &failed) && failed.Undo == nil && !r.down.IsZero() {
			r.outage = b.now().Sub(r.down) // the old one is back only now
		}
		r.phase = ended
	case apply.Done:
		if r.step.Kind == plan.Restart && !r.down.IsZero() {
			r.outage = b.now().Sub(r.down)
		}
		r.phase = ended
	case apply.Skipped:
		r.phase = ended
	}
	if e.Kind == apply.Skipped && b.stopping {
		r.phase = waiting
	}
	return *r
}

// stop notes an interrupt. It tells what is taken back, and what is brought to its end
// because it cannot be.
func (b *board) stop() (back, through []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopping = true
	for _, r := range b.rows {
		switch {
		case r.phase != inHand || !r.acted:
		case r.action.Verb == plan.RemoveContainer || r.action.Verb == plan.RemoveNetwork:
			through = append(through, short(r.step))
		default:
			back = append(back, short(r.step))
		}
	}
	return back, through
}

func (b *board) isStopping() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stopping
}

// waiting names the steps that were not begun.
func (b *board) waiting() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for _, r := range b.rows {
		if r.phase == waiting {
			names = append(names, short(r.step))
		}
	}
	return names
}

// blocks names the services that a row waits for.
func (b *board) blocks(r *row) []string {
	var names []string
	for _, id := range r.step.After {
		if other := b.byID[id]; other != nil && other.phase != ended && other.step.Object == "service" {
			names = append(names, other.step.Name)
		}
	}
	return slices.Compact(names)
}

// interrupted tells of a step that it ended because the run was stopped.
func interrupted(err error) bool { return errors.Is(err, context.Canceled) }

// style is how much a row says.
type style int

const (
	plainly style = iota // only what people wait for, as a sentence
	briefly              // all, in few words
)

// does says what a row does now.
func (r row) does(s style) string {
	if r.undoes {
		return "taking it back"
	}
	other := ""
	if r.action.Service != r.step.Name {
		other = r.action.Service
	}
	switch r.action.Verb {
	case plan.PullImage:
		return "pulling"
	case plan.StopContainer:
		return "stopping"
	case plan.Wait:
		switch {
		case s == briefly && other != "":
			return "waiting for health of " + other
		case s == briefly:
			return "waiting for health"
		case other != "":
			return "waiting until " + other + " is healthy"
		}
		return "waiting until it is healthy"
	}
	if s == plainly {
		return "" // these take milliseconds
	}
	switch r.action.Verb {
	case plan.CreateContainer, plan.CreateNetwork, plan.CreateVolume:
		return "creating"
	case plan.RenameContainer:
		return "renaming the container"
	case plan.StartContainer, plan.Unpause:
		return "starting"
	case plan.UpdateContainer, plan.ForbidRestart:
		return "updating"
	case plan.Connect:
		return "attaching to " + r.action.Name
	case plan.Disconnect:
		return "detaching from " + r.action.Name
	case plan.RemoveContainer:
		if r.step.Kind == plan.Replace {
			return "removing the old container"
		}
		return "removing"
	case plan.RemoveNetwork:
		return "removing"
	}
	return ""
}

// color is that of the row's sign where it has no sign of its own.
func (r row) color() string {
	if r.undoes {
		return yellow
	}
	return dim
}
