package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"minibot/internal/engine"
	"minibot/internal/secret"
)

type logsCmd struct {
	Services   []string `arg:"" optional:"" name:"service" help:"The services whose logs are shown; all if left out." complete:"service"`
	Follow     bool     `help:"Go on with what they write, until Ctrl-C; through restarts and replacements, too."`
	Tail       string   `short:"n" help:"How many of the last lines of each service; all for all of them." default:"100" placeholder:"N"`
	Since      string   `help:"Leave out what is older: a time such as 10m or 2h ago, or 2027-01-31T12:00:00Z." placeholder:"TIME"`
	Timestamps bool     `short:"t" help:"Show when each line was written."`

	want engine.Want
}

func (*logsCmd) Examples() []example {
	return []example{
		{"minibot logs", "the last lines of every service, in the order of time"},
		{"minibot logs redis --follow", "one service, and what it writes from now on"},
		{"minibot logs --since 10m -n all", "all of the last ten minutes"},
	}
}

// Validate reads how much is wanted.
func (c *logsCmd) Validate() error {
	c.want.Tail = -1
	if c.Tail != "all" {
		n, err := strconv.Atoi(c.Tail)
		if err != nil || n < 0 {
			return fmt.Errorf("--tail: %q is neither a number nor all", c.Tail)
		}
		c.want.Tail = n
	}
	if c.Since == "" {
		return nil
	}
	if ago, err := time.ParseDuration(c.Since); err == nil && ago >= 0 {
		c.want.Since = time.Now().Add(-ago)
		return nil
	}
	at, err := time.Parse(time.RFC3339, c.Since)
	if err != nil {
		return fmt.Errorf("--since: %q is no time; write 10m or 2h for a while ago, or 2027-01-31T12:00:00Z", c.Since)
	}
	c.want.Since = at
	return nil
}

// Run shows what the services wrote, with secrets masked.
func (c *logsCmd) Run(ctx context.Context, a *app) error {
	s, err := a.site(ctx)
	if err != nil {
		return err
	}
	defer s.engine.Close()
	for _, name := range c.Services {
		if s.loaded.stack.Service(name) == nil {
			return unknownService(s.loaded.stack, name)
		}
	}
	mask, err := s.loaded.masker(ctx)
	if err != nil {
		return err // nobody sees what may hold secrets
	}
	view := newLogView(a, s.loaded.stack, c.Services, c.Timestamps)
	logs, err := c.gather(ctx, s, view)
	if err != nil {
		return err
	}
	there := slices.ContainsFunc(logs, func(one *log) bool { return one.there })
	silent := there && !slices.ContainsFunc(logs, func(one *log) bool { return len(one.lines) > 0 })
	if err := view.backlog(logs, mask); err != nil {
		return err
	}
	switch {
	case silent && c.Since != "":
		view.note("nothing was written since then (--since %s)", c.Since)
	case silent:
		view.note("nothing was written yet")
	}
	if !c.Follow {
		return nil
	}
	return c.follow(ctx, s, view, logs, mask)
}

// log is what one service wrote so far.
type log struct {
	service, container string
	there              bool // the container was
	lines              []engine.Line
	last               time.Time // of its last line
}

// gather reads what is there, of all services side by side.
func (c *logsCmd) gather(ctx context.Context, s *site, view *logView) ([]*log, error) {
	var logs []*log
	group, inner := errgroup.WithContext(ctx)
	for _, service := range s.loaded.stack.Services {
		if len(c.Services) > 0 && !slices.Contains(c.Services, service.Name) {
			continue
		}
		one := &log{service: service.Name, container: service.ContainerName, last: c.want.Since}
		logs = append(logs, one)
		group.Go(func() error {
			id, _, found, err := s.engine.State(inner, one.container)
			switch {
			case err != nil:
				return err
			case !found && !c.Follow && slices.Contains(c.Services, one.service):
				return fmt.Errorf("%s has no container. To make it: minibot apply", one.service)
			case !found:
				view.note("%s has no container", one.service)
				return nil
			}
			one.there = true
			return s.engine.Lines(inner, id, c.want, func(line engine.Line) {
				one.lines, one.last = append(one.lines, line), line.Time
			})
		})
	}
	return logs, group.Wait()
}

// again is how often a container that ended is looked for anew.
const again = 500 * time.Millisecond

// follow shows what is written from now on.
func (c *logsCmd) follow(ctx context.Context, s *site, view *logView, logs []*log, mask secret.Masker) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, one := range logs {
		group.Go(func() error { return s.followOne(ctx, view, one, mask) })
	}
	return group.Wait()
}

// followOne stays with a service: when its container ends, it goes on with the next one. That may have been given other
// secrets, so that they are read anew.
func (s *site) followOne(ctx context.Context, view *logView, one *log, mask secret.Masker) error {
	for said := true; ; said = false {
		id, err := s.running(ctx, view, one, said)
		if err != nil {
			return err
		}
		if !said {
			if mask, err = s.freshMasker(ctx); err != nil {
				return err
			}
		}
		want := engine.Want{Tail: -1, Since: one.last, Follow: true}
		if !one.last.IsZero() {
			want.Since = one.last.Add(1) // the engine gives lines of that time again
		}
		var failed error
		err = s.engine.Lines(ctx, id, want, func(line engine.Line) {
			one.last = line.Time
			failed = errors.Join(failed, view.line(one.service, line, mask))
		})
		if err := errors.Join(err, failed); err != nil {
			return err
		}
	}
}

// running waits until a service's container runs. First says that nothing was shown of it yet.
func (s *site) running(ctx context.Context, view *logView, one *log, first bool) (id string, err error) {
	ticker := time.NewTicker(again)
	defer ticker.Stop()
	waited := false
	for {
		id, state, found, err := s.engine.State(ctx, one.container)
		switch {
		case err != nil:
			return "", err
		case found && (state.Status == "running" || state.Status == "paused"):
			if waited || !first {
				view.note("%s runs again", one.service)
			}
			return id, nil
		case !waited && found:
			view.note("%s has ended (exit code %d); waiting for it", one.service, state.ExitCode)
		}
		waited = true
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// freshMasker knows the secrets as they are now.
func (s *site) freshMasker(ctx context.Context) (secret.Masker, error) {
	fresh := *s.loaded
	fresh.store = sync.OnceValues(func() (secret.Store, error) { return s.store(s.loaded.stack) })
	return fresh.masker(ctx)
}
