// Package apply carries out a plan: steps in the order that they ask for, side by side
// where they may, each taken back if it fails.
//
// It decides nothing: what is done, and in which order, is in the plan. It knows no
// Docker: the engine stands behind the interface that it declares.
package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"minibot/internal/plan"
)

// Engine does single actions, and takes them back.
type Engine interface {
	// Do carries out one action; progress gets short texts while it lasts.
	Do(ctx context.Context, a plan.Action, progress func(string)) error
	// Undo takes back an action that Do carried out, or may have when it failed. It is called
	// with a context that an interrupt does not end.
	Undo(ctx context.Context, a plan.Action) error
}

// width bounds the steps in flight. More gains nothing: on 2 CPUs an engine is busy with
// 4 to 8 (measured on 20.10).
const width = 8

// undoPatience bounds the taking back of one step.
const undoPatience = 2 * time.Minute

// StepError tells which step failed, why, and whether all is as it was before the step.
type StepError struct {
	Step plan.Step
	// Action is the one that failed, or was not begun.
	Action plan.Action
	// Err is what the action said.
	Err error
	// Undo is why the step could not be taken back in full; nil if all is as it was.
	Undo error
}

// ErrRemoved says that a step was not taken back because it failed while it removed
// something, which may be half gone. All that was made before it stands; the next plan
// goes on from there.
var ErrRemoved = errors.New("what is half removed cannot come back; the next apply goes on from here")

func (e *StepError) Error() string {
	text := fmt.Sprintf("%s %s: %v", e.Step.Kind, e.Step.Name, e.Err)
	if e.Undo != nil {
		text += fmt.Sprintf(" (not taken back: %v)", e.Undo)
	}
	return text
}

func (e *StepError) Unwrap() []error { return []error{e.Err, e.Undo} }

// Run carries out the plan. The error joins the *StepErrors of all steps that failed; a
// step that waits for a failed one is skipped. When the context ends no new action begins
// and the steps in hand are taken back; if none was in hand the error is the context's.
// Events is called from one goroutine at a time.
func Run(ctx context.Context, p plan.Plan, engine Engine, events func(Event)) error {
	r := &run{engine: engine, done: map[string]*outcome{}, slots: make(chan struct{}, width), events: events}
	for _, step := range p.Steps {
		r.done[step.ID] = &outcome{started: make(chan struct{}), ended: make(chan struct{})}
	}
	var all sync.WaitGroup
	for _, step := range p.Steps {
		all.Go(func() {
			out := r.done[step.ID]
			defer close(out.ended)
			out.err = r.step(ctx, step)
		})
	}
	all.Wait()
	var failed []error
	skipped := false
	for _, step := range p.Steps {
		if err := r.done[step.ID].err; errors.Is(err, errSkipped) {
			skipped = true
		} else if err != nil {
			failed = append(failed, err)
		}
	}
	if skipped && len(failed) == 0 {
		return ctx.Err()
	}
	return errors.Join(failed...)
}

// errSkipped marks a step that was not begun.
var errSkipped = errors.New("skipped")

type outcome struct {
	started chan struct{} // closed when the step's container runs
	ended   chan struct{}
	err     error
}

type run struct {
	engine Engine
	done   map[string]*outcome
	slots  chan struct{}

	mu     sync.Mutex
	events func(Event)
}

func (r *run) tell(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.events != nil {
		r.events(e)
	}
}

// step waits for what must come before, then does the step's actions in order.
func (r *run) step(ctx context.Context, step plan.Step) error {
	for _, id := range step.After {
		before, ok := r.done[id]
		if !ok {
			continue
		}
		<-before.ended
		if before.err != nil {
			r.tell(Event{Kind: Skipped, Step: step, Text: "waits for " + id})
			return errSkipped
		}
	}
	for _, id := range step.AfterStart {
		before, ok := r.done[id]
		if !ok {
			continue
		}
		select {
		case <-before.started:
			continue
		default:
		}
		select {
		case <-before.started:
		case <-before.ended:
			if before.err != nil {
				r.tell(Event{Kind: Skipped, Step: step, Text: "waits for " + id})
				return errSkipped
			}
		}
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		r.tell(Event{Kind: Skipped, Step: step, Text: "was not begun"})
		return errSkipped
	}
	begun := time.Now()
	r.tell(Event{Kind: Begun, Step: step})
	if err := r.actions(ctx, step); err != nil {
		r.tell(Event{Kind: Failed, Step: step, Err: err, Elapsed: time.Since(begun)})
		return err
	}
	r.tell(Event{Kind: Done, Step: step, Elapsed: time.Since(begun)})
	return nil
}

func (r *run) actions(ctx context.Context, step plan.Step) error {
	for i, action := range step.Actions {
		if err := ctx.Err(); err != nil {
			return &StepError{Step: step, Action: action, Err: err, Undo: r.undo(ctx, step, step.Actions[:i])}
		}
		r.tell(Event{Kind: Acting, Step: step, Action: action})
		err := r.do(ctx, step, action)
		switch {
		case err == nil && action.Verb == plan.StartContainer:
			r.started(step)
		case err == nil:
		case action.Verb == plan.RemoveContainer && i > 0:
			return &StepError{Step: step, Action: action, Err: err, Undo: ErrRemoved}
		default:
			return &StepError{Step: step, Action: action, Err: err, Undo: r.undo(ctx, step, done(step.Actions[:i+1]))}
		}
	}
	return nil
}

// do carries out one action. A wait is no work for the engine: it leaves its slot to others.
func (r *run) do(ctx context.Context, step plan.Step, action plan.Action) error {
	if action.Verb == plan.Wait {
		<-r.slots
		defer func() { r.slots <- struct{}{} }()
	}
	return r.engine.Do(ctx, action, func(text string) {
		r.tell(Event{Kind: Progress, Step: step, Action: action, Text: text})
	})
}

// started lets those begin that wait for no more than the step's container to run.
func (r *run) started(step plan.Step) {
	out := r.done[step.ID]
	select {
	case <-out.started: // a step can start more than one
	default:
		close(out.started)
	}
}

// done is what to take back when the last of the actions failed: all before it, and the
// last one too if it can be taken back. The engine may well carry out what it could no longer
// confirm, and to take back what did not happen does nothing. Only a container that was made
// is not for us to take back: it may be another's who was faster, and Do looks at it at once.
func done(actions []plan.Action) []plan.Action {
	last := len(actions) - 1
	switch action := actions[last]; action.Verb {
	case plan.StartContainer, plan.StopContainer, plan.ForbidRestart, plan.RenameContainer, plan.Connect, plan.Disconnect:
		return actions
	case plan.Wait:
		if action.Was != "" {
			return actions
		}
	}
	return actions[:last]
}

// undo takes back the actions that were done, last first, as far back as something was
// removed. It stops at an error: what is left is a state that a killed apply could have
// left, and the next plan knows how to go on from each of those. To go on here could start
// the old container beside a new one that would not stop, on the same volumes.
func (r *run) undo(ctx context.Context, step plan.Step, done []plan.Action) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoPatience)
	defer cancel()
	for _, action := range slices.Backward(done) {
		if action.Verb == plan.RemoveContainer {
			break
		}
		r.tell(Event{Kind: Undoing, Step: step, Action: action})
		if err := r.engine.Undo(ctx, action); err != nil {
			return err
		}
	}
	return nil
}
