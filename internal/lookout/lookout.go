// Package lookout looks at something again when it may have changed, and tells others what
// came of it: a program of the person's choice, or the desktop.
//
// It knows nothing of what is looked at, and keeps nothing of it. Programs that it starts
// see none of minibot's secrets in their environment.
package lookout

import (
	"context"
	"time"
)

// Pace says how often to look.
type Pace struct {
	// Interval is the longest time between two looks.
	Interval time.Duration
	// Quiet is how long nothing must have happened before a look that something has caused:
	// changes come in bursts. A look is put off no longer than Most.
	Quiet, Most time.Duration
}

// Run looks at once, then whenever wake has something and at the interval, until the context
// ends or a look returns an error. It returns that, or the context's. One look ends before the
// next begins.
func Run(ctx context.Context, wake <-chan struct{}, pace Pace, look func(context.Context) error) error {
	for {
		if err := look(ctx); err != nil {
			return err
		}
		if err := pace.pause(ctx, wake); err != nil {
			return err
		}
	}
}

// pause returns when it is time to look again.
func (p Pace) pause(ctx context.Context, wake <-chan struct{}) error {
	due := time.NewTimer(p.Interval)
	defer due.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-due.C:
		return nil
	case <-wake:
	}
	latest, quiet := time.NewTimer(p.Most), time.NewTimer(p.Quiet)
	defer latest.Stop()
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-latest.C:
			return nil
		case <-quiet.C:
			return nil
		case <-wake:
			quiet.Reset(p.Quiet)
		}
	}
}

// Waker is how others wake Run. What they say while it looks is not lost.
type Waker chan struct{}

// NewWaker returns one that nobody has woken.
func NewWaker() Waker { return make(Waker, 1) }

// Wake never waits.
func (w Waker) Wake() {
	select {
	case w <- struct{}{}:
	default:
	}
}

// Patience is how long Keep waits before it tries again: First at the beginning, twice as long
// each time, Most at last.
type Patience struct{ First, Most time.Duration }

// Keep calls follow again and again until the context ends. Follow says by up that it has a
// connection, and returns when it has lost it or found none; lost is called with why, once
// for each time that there is none.
func Keep(ctx context.Context, patience Patience, follow func(ctx context.Context, up func()) error, up func(), lost func(error)) {
	wait, told := patience.First, false
	for ctx.Err() == nil {
		err := follow(ctx, func() {
			wait, told = patience.First, false
			up()
		})
		if ctx.Err() != nil {
			return
		}
		if !told {
			told = true
			lost(err)
		}
		again := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-again.C:
		}
		again.Stop()
		wait = min(2*wait, patience.Most)
	}
}
