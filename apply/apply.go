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
	// Undo takes back an action that Do carried out. It is called with a context that an
	// interrupt does not end.
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
	// Err is what the action said.
	Err error
	// Undo is what went wrong while taking the step back; nil if all is as it was.
	Undo error
}

func (e *StepError) Error() string {
	text := fmt.Sprintf("%s %s: %v", e.Step.Kind, e.Step.Name, e.Err)
	if e.Undo != nil {
		text += fmt.Sprintf(" (and taking it back failed: %v)", e.Undo)
	}
	return text
}

func (e *StepError) Unwrap() []error { return []error{e.Err, e.Undo} }

// Run carries out the plan. The error joins the *StepErrors of all steps that failed; a
// step that waits for a failed one is skipped. When the context ends no new step begins,
// and the steps in hand are taken back. Events is called from one goroutine at a time.
func Run(ctx context.Context, p plan.Plan, engine Engine, events func(Event)) error {
	r := &run{engine: engine, done: map[string]*outcome{}, slots: make(chan struct{}, width), events: events}
	for _, step := range p.Steps {
		r.done[step.ID] = &outcome{ended: make(chan struct{})}
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
	for _, step := range p.Steps {
		if err := r.done[step.ID].err; err != nil && !errors.Is(err, errSkipped) {
			failed = append(failed, err)
		}
	}
	if len(failed) == 0 && ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(failed...)
}

// errSkipped marks a step that was not begun.
var errSkipped = errors.New("skipped")

type outcome struct {
	ended chan struct{}
	err   error
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
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return errSkipped
	}
	if ctx.Err() != nil {
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
		r.tell(Event{Kind: Acting, Step: step, Action: action})
		err := r.engine.Do(ctx, action, func(text string) {
			r.tell(Event{Kind: Progress, Step: step, Action: action, Text: text})
		})
		if err != nil {
			return &StepError{Step: step, Err: err, Undo: r.undo(ctx, step, step.Actions[:i])}
		}
	}
	return nil
}

// undo takes back the actions that were done, last first. It goes on after an error: the
// more is as it was, the better.
func (r *run) undo(ctx context.Context, step plan.Step, done []plan.Action) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoPatience)
	defer cancel()
	var failed []error
	for _, action := range slices.Backward(done) {
		r.tell(Event{Kind: Undoing, Step: step, Action: action})
		if err := r.engine.Undo(ctx, action); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}
