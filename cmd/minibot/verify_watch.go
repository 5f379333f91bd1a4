package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"minibot/internal/engine"
	"minibot/internal/lookout"
	"minibot/verify"
)

// watchFlags make verify stay.
type watchFlags struct {
	Watch    bool          `help:"Stay, look again when the engine reports a change and at the interval, and print what has changed. Ctrl-C ends it." xor:"instead"`
	Interval time.Duration `help:"With --watch: the longest time between two looks. Default 5m." placeholder:"TIME"`
	OnChange string        `help:"With --watch: the program to start for a change, with its arguments; it gets the change as JSON on its standard input." placeholder:"COMMAND"`
	Notify   bool          `help:"With --watch: show changes as notifications on the desktop."`

	program []string
	desktop func(title, text string) []string
}

// The pace of a watch. Changes come in bursts: a container that is made anew is half a dozen
// events within a second.
const (
	watchInterval = 5 * time.Minute
	watchQuiet    = time.Second
	watchMost     = 10 * time.Second
)

// watchPatience is for an engine that is not there.
var watchPatience = lookout.Patience{First: time.Second, Most: 30 * time.Second}

// read makes sure that all it will need is there.
func (f *watchFlags) read(report reportFlags) (err error) {
	switch {
	case !f.Watch && (f.Interval != 0 || f.OnChange != "" || f.Notify):
		return errors.New("--interval, --on-change and --notify go with --watch")
	case f.Watch && report.format != verify.Text && report.format != verify.JSON:
		return fmt.Errorf("--watch prints text, or with --json an object for each line, and no %s; -o writes the whole report each time", report.format)
	case f.Interval < 0 || f.Interval != 0 && f.Interval < time.Second:
		return errors.New("--interval: write a second at least, such as 30s or 5m")
	case f.Interval == 0:
		f.Interval = watchInterval
	}
	if f.OnChange != "" {
		if f.program, err = lookout.Words(f.OnChange); err != nil {
			return fmt.Errorf("--on-change: %w", err)
		}
	}
	return nil
}

// watcher is a watch that goes on.
type watcher struct {
	*app
	cmd   *verifyCmd
	waker lookout.Waker
	stack string

	src    []byte // the spec that loaded is made from
	loaded *loaded
	broken error // what is wrong with the spec
	last   *verify.Report

	mu sync.Mutex // for standard output
}

// watch looks until it is interrupted. It begins only if all that it needs is there; what goes
// away later is reported, and waited for.
func (c *verifyCmd) watch(ctx context.Context, a *app) error {
	if err := c.watchFlags.find(); err != nil {
		return err
	}
	w := &watcher{app: a, cmd: c, waker: lookout.NewWaker()}
	if w.reload(); w.broken != nil {
		return w.broken
	}
	w.stack = w.loaded.stack.Name
	endpoint, err := a.endpoint()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var following sync.WaitGroup
	defer following.Wait()
	defer stop()
	select {
	case <-w.follow(ctx, &following, endpoint): // before the first look, so that nothing happens in between
	case <-ctx.Done():
		return ctx.Err()
	}
	return lookout.Run(ctx, w.waker, lookout.Pace{Interval: c.Interval, Quiet: watchQuiet, Most: watchMost}, w.look)
}

// find finds the programs that will be started.
func (f *watchFlags) find() (err error) {
	if len(f.program) > 0 {
		if f.program[0], err = program(f.program[0]); err != nil {
			return fmt.Errorf("--on-change: %w", err)
		}
	}
	if f.Notify {
		if f.desktop, err = lookout.Desktop(); err != nil {
			return fmt.Errorf("--notify: %w", err)
		}
	}
	return nil
}

// follow wakes the watch at the engine's events, for as long as ctx lasts. What it returns is
// closed once it is known whether the engine is heard.
func (w *watcher) follow(ctx context.Context, following *sync.WaitGroup, endpoint engine.Endpoint) <-chan struct{} {
	known := make(chan struct{})
	begin := sync.OnceFunc(func() { close(known) })
	connect := func(ctx context.Context, up func()) error {
		e, err := engine.Connect(ctx, endpoint)
		if err != nil {
			return err
		}
		defer e.Close()
		return e.Follow(ctx, up, w.waker.Wake)
	}
	lost := false
	following.Go(func() {
		lookout.Keep(ctx, watchPatience, connect, func() {
			if lost {
				w.note("engine", "The engine is heard again.")
				w.waker.Wake()
			}
			lost = false
			begin()
		}, func(err error) {
			w.note("engine", fmt.Sprintf("The engine is not heard: %v. Until it is, there is a look every %v.", err, w.cmd.Interval))
			if lost = true; !done(known) {
				begin()
				return
			}
			w.waker.Wake()
		})
	})
	return known
}

func done(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// reload reads the spec, if it is another one than last time. What is wrong with it is shown
// once. The secrets' store is opened anew each time, as they may have changed.
func (w *watcher) reload() {
	src, err := os.ReadFile(w.File)
	if err != nil || w.src == nil || !bytes.Equal(src, w.src) {
		w.loaded, w.broken = w.app.load()
		w.src = src
	}
	if w.broken == nil {
		w.loaded.store = w.storeOnce(w.loaded.stack)
	}
}

// look makes the checks and tells what has changed since last time.
func (w *watcher) look(ctx context.Context) error {
	before := w.broken
	w.reload()
	switch {
	case w.broken != nil && before == nil:
		w.note("spec", fmt.Sprintf("The spec cannot be used: %v. Until it can, nothing is checked.", w.broken))
		return nil
	case w.broken != nil:
		return nil
	case before != nil:
		w.note("spec", "The spec can be used again.")
	}
	report, err := w.cmd.report(ctx, w.app, w.loaded)
	if err != nil {
		return err
	}
	last := w.last
	w.last = &report
	if err := w.cmd.writeFiles(report, w.cmd.Verbose); err != nil {
		if last == nil {
			return err
		}
		w.warn("%v", err)
	}
	if last == nil {
		return w.begun(report)
	}
	return w.looked(ctx, report, verify.Changes(*last, report))
}
