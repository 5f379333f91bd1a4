package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"golang.org/x/sync/errgroup"

	"minibot/internal/plan"
)

const (
	// remembered is how many events an engine keeps (eventsLimit in its source, 20.10 to 29).
	remembered = 256
	// many is how many events are taken for all that an engine remembers. What happens while it is asked is left out of
	// its answer, and pushes as much out at the beginning.
	many = remembered / 2
	// defaultGrace is how long an engine waits between a container's stop signal and the kill,
	// where the container does not say.
	defaultGrace = 10 * time.Second
	// afterKill is how long a container may take to end that was killed.
	afterKill = 5 * time.Second
	// intake is how long an engine may take to begin what it was sent. It goes on with a call that
	// it had not even read when the client was killed.
	intake = 500 * time.Millisecond
)

// Rest waits for what the engine is still doing with the stack's containers as they were just
// observed, for a client that may be gone: a stop or a removal goes on without it, and as long as
// it does the container looks as if it ran. It reports whether it had to wait, so that they are to
// be observed again. Tell gets a line for people about each.
//
// An inspection does not show that a container is being stopped. The engine's events do: "kill"
// at the beginning, "die" at the end. If clean does not say that nobody left anything half done,
// the engine is given a moment to begin; and where so much happens that it has forgotten the
// beginning, all that run are watched for as long as their stop could take.
func (e *Engine) Rest(ctx context.Context, stack string, live plan.Live, clean bool, tell func(string)) (waited bool, err error) {
	var all []rested
	grace := time.Duration(0)
	for _, c := range live.Containers {
		if one := newRested(c); c.Project == stack && (one.up || one.goes) {
			all, grace = append(all, one), max(grace, one.grace)
		}
	}
	if len(all) == 0 {
		return false, nil
	}
	var some atomic.Bool
	if !clean {
		some.Store(true)
		if err := e.begin(ctx, all); err != nil {
			return true, err
		}
	}
	// An inspection waits for a signal that is being sent: it is among the events by now.
	now, err := e.clock(ctx)
	if err != nil {
		return false, err
	}
	told, err := e.told(ctx, now.Add(-grace-afterKill), now)
	if err != nil {
		return false, err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, one := range all {
		group.Go(func() error {
			waits, err := e.rest(ctx, one, told, now, clean, tell)
			if waits {
				some.Store(true)
			}
			return err
		})
	}
	err = group.Wait()
	return some.Load(), err
}

// begin lets the engine begin what it was sent, and returns when no signal is on its way.
func (e *Engine) begin(ctx context.Context, all []rested) error {
	select {
	case <-time.After(intake):
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, one := range all {
		if _, err := e.api.ContainerInspect(ctx, one.id); err != nil && !errdefs.IsNotFound(err) {
			return wrap("inspect container "+one.name, err)
		}
	}
	return nil
}

// clock is the engine's time. On another machine, as that of Docker Desktop, it may differ.
func (e *Engine) clock(ctx context.Context) (time.Time, error) {
	if runtime.GOOS == "linux" && e.Endpoint.Local() {
		return time.Now(), nil
	}
	info, err := e.api.Info(ctx)
	if err != nil {
		return time.Time{}, wrap("engine information", err)
	}
	now, err := time.Parse(time.RFC3339Nano, info.SystemTime)
	return now, wrap("engine information", err)
}

// rested is a container that may be about to end.
type rested struct {
	id, name string
	up, goes bool
	grace    time.Duration
}

func newRested(c plan.Container) rested {
	one := rested{id: c.ID, name: c.Name, grace: defaultGrace}
	one.up = c.State.Status == "running" || c.State.Status == "paused" || c.State.Status == "restarting"
	one.goes = c.State.Status == "removing"
	if period := c.Actual.StopGracePeriod; period != nil {
		one.grace = time.Duration(*period)
	}
	return one
}

// told are the engine's events between two moments of its clock, or the last of them.
func (e *Engine) told(ctx context.Context, since, until time.Time) ([]events.Message, error) {
	stamp := func(t time.Time) string { return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond()) }
	messages, failed := e.api.Events(ctx, events.ListOptions{Since: stamp(since), Until: stamp(until)})
	var all []events.Message
	for {
		select {
		case message := <-messages:
			all = append(all, message)
		case err := <-failed:
			if errors.Is(err, io.EOF) {
				return all, nil
			}
			return nil, wrap("read events", err)
		}
	}
}

// rest waits for one container, and reports whether there was anything to wait for.
func (e *Engine) rest(ctx context.Context, one rested, told []events.Message, now time.Time, clean bool, tell func(string)) (waits bool, err error) {
	if one.up {
		begun, sure := one.stopping(told)
		left := begun.Add(one.grace + afterKill).Sub(now)
		switch {
		case begun.IsZero(), left <= 0, clean && !sure:
			return false, nil
		case sure:
			tell(fmt.Sprintf("the engine is still stopping %s; waiting for it", one.name))
		default:
			tell(fmt.Sprintf("an earlier run may have left %s stopping; watching it for %s", one.name, max(left.Round(time.Second), time.Second)))
		}
		if ended, err := e.ends(ctx, one.id, container.WaitConditionNotRunning, left); !ended {
			return true, err
		}
		inspected, err := e.api.ContainerInspect(ctx, one.id)
		if errdefs.IsNotFound(err) {
			return true, nil
		}
		if err != nil {
			return true, wrap("inspect container "+one.name, err)
		}
		one.goes = observeState(inspected).Status == "removing"
	}
	if one.goes {
		tell(fmt.Sprintf("the engine is still removing %s; waiting for it", one.name))
		_, err = e.ends(ctx, one.id, container.WaitConditionRemoved, goPatience)
	}
	return true, err
}

// goPatience is how long a removal may take that is under way. One that failed can stay so for
// good, and is for the plan to deal with.
const goPatience = 30 * time.Second

// stopping is when the engine began to stop a container, or may have; zero if it did not.
func (one rested) stopping(told []events.Message) (begun time.Time, sure bool) {
	if len(told) >= many {
		begun = time.Unix(0, told[0].TimeNano)
	}
	for _, event := range told {
		if event.Type != events.ContainerEventType || event.Actor.ID != one.id {
			continue
		}
		switch event.Action {
		case events.ActionKill:
			begun, sure = time.Unix(0, event.TimeNano), true
		case events.ActionDie, events.ActionStart:
			begun, sure = time.Time{}, false
		}
	}
	return begun, sure
}

// ends waits until a container has come to what is waited for. False and no error: it did not
// in the time that it has.
func (e *Engine) ends(ctx context.Context, id string, condition container.WaitCondition, left time.Duration) (bool, error) {
	waiting, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	ended, failed := e.api.ContainerWait(waiting, id, condition)
	select {
	case <-ended:
		return true, nil
	case err := <-failed:
		switch {
		case errdefs.IsNotFound(err):
			return true, nil
		case ctx.Err() == nil && waiting.Err() != nil:
			return false, nil
		}
		return false, wrap("wait for container", err)
	}
}
