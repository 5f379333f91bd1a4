package lookout

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

var pace = Pace{Interval: 5 * time.Minute, Quiet: time.Second, Most: 10 * time.Second}

// looks runs a watch in a bubble while act plays the world, and returns when it looked, in
// seconds since the start. Each look takes the time that is given.
func looks(t *testing.T, takes time.Duration, act func(Waker)) (at []int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		wake, ended := NewWaker(), make(chan error, 1)
		go func() {
			ended <- Run(ctx, wake, pace, func(context.Context) error {
				at = append(at, int(time.Since(start).Seconds()))
				time.Sleep(takes)
				return nil
			})
		}()
		act(wake)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
	})
	return at
}

func TestRun(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration
		act   func(Waker)
		want  []int
	}{
		"at the start, and at the interval": {0, func(Waker) { time.Sleep(11 * time.Minute) }, []int{0, 300, 600}},
		"when woken, once it is quiet": {0, func(w Waker) {
			time.Sleep(20 * time.Second)
			w.Wake()
			time.Sleep(500 * time.Millisecond)
			w.Wake()
			time.Sleep(time.Minute)
		}, []int{0, 21}},
		"in spite of unrest, in the end": {0, func(w Waker) {
			time.Sleep(20 * time.Second)
			for range 30 {
				w.Wake()
				time.Sleep(500 * time.Millisecond)
			}
			time.Sleep(time.Minute)
		}, []int{0, 30, 35}},
		"again, when it was woken while it looked": {10 * time.Second, func(w Waker) {
			time.Sleep(5 * time.Second)
			w.Wake()
			w.Wake()
			time.Sleep(time.Minute)
		}, []int{0, 11}},
		"after a wake the interval begins anew": {0, func(w Waker) {
			time.Sleep(200 * time.Second)
			w.Wake()
			time.Sleep(305 * time.Second)
		}, []int{0, 201, 501}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := looks(t, c.takes, c.act); !slices.Equal(got, c.want) {
				t.Errorf("it looked at %v, want %v", got, c.want)
			}
		})
	}
}

// A look that fails ends it, and its error is the answer.
func TestRunFails(t *testing.T) {
	broken := errors.New("broken")
	if err := Run(t.Context(), nil, pace, func(context.Context) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("it ended with %v", err)
	}
}

// A connection is tried again ever more patiently, at once when it was there, and its loss is
// told once.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var events []string
		note := func(what string) { events = append(events, time.Since(start).String()+" "+what) }
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		tries := 0
		follow := func(ctx context.Context, up func()) error {
			tries++
			switch {
			case tries < 5: // no engine
				return errors.New("refused")
			case tries == 5:
				up()
				time.Sleep(time.Hour)
				return errors.New("end of file")
			case tries == 6: // back at once
				up()
				time.Sleep(time.Second)
				cancel()
			}
			return ctx.Err()
		}
		Keep(ctx, Patience{time.Second, 4 * time.Second}, follow, func() { note("up") }, func(err error) { note(err.Error()) })
		want := []string{"0s refused", "11s up", "1h0m11s end of file", "1h0m12s up"}
		if !slices.Equal(events, want) {
			t.Errorf("%q, want %q", events, want)
		}
	})
}
