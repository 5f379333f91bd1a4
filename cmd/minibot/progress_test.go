package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"minibot/apply"
	"minibot/internal/engine"
	"minibot/internal/plan"
)

// acting is an engine whose actions take their time. The clock is synctest's.
type acting struct {
	takes map[string]time.Duration // by "verb target" or "verb"
	says  map[string][]string      // spread over that time
	fails map[string]error
}

func (e acting) Do(ctx context.Context, a plan.Action, progress func(string)) error {
	takes, ok := e.takes[string(a.Verb)+" "+a.Target]
	if !ok {
		takes = e.takes[string(a.Verb)]
	}
	says := e.says[string(a.Verb)+" "+a.Target]
	for _, text := range says {
		progress(text)
		if err := sleep(ctx, a, takes/time.Duration(len(says))); err != nil {
			return err
		}
	}
	if len(says) == 0 {
		if err := sleep(ctx, a, takes); err != nil {
			return err
		}
	}
	return e.fails[string(a.Verb)+" "+a.Target]
}

func (e acting) Undo(ctx context.Context, a plan.Action) error {
	time.Sleep(e.takes["undo "+string(a.Verb)])
	return nil
}

// sleep is cut short for what the engine can cut short.
func sleep(ctx context.Context, a plan.Action, d time.Duration) error {
	if a.Verb != plan.Wait && a.Verb != plan.PullImage {
		time.Sleep(d)
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func act(verb plan.Verb, target string) plan.Action {
	service := target
	if !strings.HasSuffix(string(verb), "container") && verb != plan.Wait {
		service = ""
	}
	return plan.Action{Verb: verb, Target: target, Service: service}
}

func creates(name string, after ...string) plan.Step {
	return plan.Step{ID: "service/" + name, Kind: plan.Create, Object: "service", Name: name, After: after, Actions: []plan.Action{
		act(plan.CreateContainer, name), act(plan.StartContainer, name), act(plan.Wait, name),
	}}
}

func replaces(name string, after ...string) plan.Step {
	return plan.Step{ID: "service/" + name, Kind: plan.Replace, Object: "service", Name: name, After: after, Actions: []plan.Action{
		act(plan.RenameContainer, name), act(plan.CreateContainer, name), act(plan.StopContainer, name),
		act(plan.StartContainer, name), act(plan.Wait, name), act(plan.RemoveContainer, name),
	}}
}

func makesNetwork(name string) plan.Step {
	return plan.Step{ID: "network/" + name, Kind: plan.Create, Object: "network", Name: name, Actions: []plan.Action{act(plan.CreateNetwork, name)}}
}

func pulls(ref string) plan.Step {
	return plan.Step{ID: "image/" + ref, Kind: plan.Pull, Object: "image", Name: ref, Actions: []plan.Action{act(plan.PullImage, ref)}}
}

func planOf(steps ...plan.Step) plan.Plan { return plan.Plan{Stack: "box", Steps: steps} }

// theatre is an app whose standard error is a screen.
func theatre(columns, rows int) (*app, *screen) {
	s := newScreen(columns, rows)
	c := &console{out: s, began: time.Now(), tally: tally{}, size: func() (int, int) { return s.columns, s.rows }}
	return &app{stdout: &bytes.Buffer{}, stderr: c, width: columns}, s
}

// moments shows the screen at times after the beginning.
func moments(s *screen, at ...time.Duration) func() string {
	begun := time.Now()
	var out strings.Builder
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, when := range at {
			time.Sleep(when - time.Since(begun) + 7*time.Millisecond) // after the drawing
			fmt.Fprintf(&out, "— %s, cursor %s\n%s", when, map[bool]string{true: "hidden", false: "shown"}[s.hides()], s)
		}
	}()
	return func() string { <-done; return out.String() }
}

func same(t *testing.T, want, got string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got); diff != "" {
		t.Errorf("-want +got:\n%s\nall of it:\n%s", diff, got)
	}
}

func fits(t *testing.T, s *screen) {
	t.Helper()
	if s.wraps > 0 || s.unknown != "" || s.hides() {
		t.Errorf("%d lines too wide, unknown %q, the cursor is hidden: %v", s.wraps, s.unknown, s.hidden)
	}
}

// What is shown while a plan is carried out, from the first line to the last.
func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := theatre(70, 24)
		doer := acting{
			takes: map[string]time.Duration{
				"pull-image redis:7": 1200 * time.Millisecond, "create-network": 200 * time.Millisecond, "create-container": 300 * time.Millisecond,
				"start-container": 400 * time.Millisecond, "stop-container": time.Second, "wait-healthy": 3 * time.Second, "wait-healthy mongo": time.Second,
			},
			says: map[string][]string{
				"pull-image redis:7": {"2 of 7 layers, 12 of 40 MB", "7 of 7 layers, 40 of 40 MB"},
				"wait-healthy redis": {"starting", "unhealthy", "healthy"},
			},
			fails: map[string]error{"wait-healthy mongo": &engine.UnhealthyError{
				Container: "box-mongo", Reason: "exited with code 1", Health: "refused", Log: "\x1b[31mno disk\x1b[0m\nbye\a\r\n",
			}},
		}
		shown := moments(s, 0, 100*time.Millisecond, 700*time.Millisecond, 1400*time.Millisecond, 2400*time.Millisecond, 5500*time.Millisecond, 7*time.Second, 10*time.Second)
		p := planOf(pulls("redis:7"), makesNetwork("net"), replaces("redis", "image/redis:7"), creates("mongo", "network/net"),
			creates("web", "service/redis", "network/net"), creates("late", "service/mongo"))
		time.AfterFunc(2050*time.Millisecond, func() { a.warn("the disk is %s", "nearly full") })
		err := a.carryOut(t.Context(), p, doer)
		if err == nil || !strings.Contains(err.Error(), "exited with code 1") {
			t.Errorf("%v", err)
		}
		same(t, `
— 0s, cursor shown

— 100ms, cursor hidden
↓ image redis:7    0.1 s  pulling: 2 of 7 layers, 12 of 40 MB
+ network net      0.1 s  creating
  4 more wait: redis, mongo, web (for redis), late (for mongo)
— 700ms, cursor hidden
✓ network net: created (0.2 s)
↓ image redis:7    0.7 s  pulling: 7 of 7 layers, 40 of 40 MB
+ service mongo    0.5 s  starting
  3 more wait: redis, web (for redis), late (for mongo)
— 1.4s, cursor hidden
✓ network net: created (0.2 s)
✓ image redis:7: pulled (1.2 s)
± service redis    0.2 s  creating
+ service mongo    1.2 s  waiting for health
  2 more wait: web (for redis), late (for mongo)
— 2.4s, cursor hidden
✓ network net: created (0.2 s)
✓ image redis:7: pulled (1.2 s)
✗ service mongo: failed (1.7 s)
  last health check:
    refused
  last lines of its log:
    no disk
    bye\a
  Its container was removed again; its volumes are kept.
– service late: skipped, it waits for service/mongo
Warning: the disk is nearly full
± service redis    1.2 s  stopping
  1 more waits: web (for redis)
— 5.5s, cursor hidden
✓ network net: created (0.2 s)
✓ image redis:7: pulled (1.2 s)
✗ service mongo: failed (1.7 s)
  last health check:
    refused
  last lines of its log:
    no disk
    bye\a
  Its container was removed again; its volumes are kept.
– service late: skipped, it waits for service/mongo
Warning: the disk is nearly full
± service redis    4.3 s  waiting for health: healthy
  1 more waits: web (for redis)
— 7s, cursor hidden
✓ network net: created (0.2 s)
✓ image redis:7: pulled (1.2 s)
✗ service mongo: failed (1.7 s)
  last health check:
    refused
  last lines of its log:
    no disk
    bye\a
  Its container was removed again; its volumes are kept.
– service late: skipped, it waits for service/mongo
Warning: the disk is nearly full
✓ service redis: replaced (4.7 s, down for at most 4.4 s)
+ service web      1.1 s  waiting for health
— 10s, cursor shown
✓ network net: created (0.2 s)
✓ image redis:7: pulled (1.2 s)
✗ service mongo: failed (1.7 s)
  last health check:
    refused
  last lines of its log:
    no disk
    bye\a
  Its container was removed again; its volumes are kept.
– service late: skipped, it waits for service/mongo
Warning: the disk is nearly full
✓ service redis: replaced (4.7 s, down for at most 4.4 s)
✓ service web: created (3.7 s)
`, shown())
		fits(t, s)
	})
}

// An interrupt says at once what it does, and from then on the cursor shows: a second one
// leaves no time for that.
func TestProgressInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := theatre(60, 24)
		doer := acting{takes: map[string]time.Duration{
			"create-container": 300 * time.Millisecond, "start-container": 400 * time.Millisecond, "wait-healthy": 3 * time.Second,
			"undo start-container": time.Second, "undo stop-container": 250 * time.Millisecond, "remove-container": 3500 * time.Millisecond,
		}}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2050*time.Millisecond, cancel) // between two drawings
		shown := moments(s, 1900*time.Millisecond, 2050*time.Millisecond, 2300*time.Millisecond, 4*time.Second)
		gone := plan.Step{ID: "container/old", Kind: plan.Remove, Object: "container", Name: "old", Actions: []plan.Action{act(plan.RemoveContainer, "old")}}
		err := a.carryOut(ctx, planOf(replaces("redis"), creates("mongo"), gone, creates("web", "service/mongo"), creates("late", "service/web")), doer)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		same(t, `
— 1.9s, cursor hidden
± service redis    1.9 s  waiting for health
+ service mongo    1.9 s  waiting for health
- container old    1.9 s  removing
  2 more wait: web (for mongo), late (for web)
— 2.05s, cursor shown
Stopping: taking back redis, mongo; ending container old.
Ctrl-C again stops now; the next apply goes on from there.
± service redis    2.0 s  waiting for health
+ service mongo    2.0 s  waiting for health
- container old    2.0 s  removing
  2 not begun
— 2.3s, cursor shown
Stopping: taking back redis, mongo; ending container old.
Ctrl-C again stops now; the next apply goes on from there.
↶ service redis    2.3 s  taking it back
↶ service mongo    2.3 s  taking it back
- container old    2.3 s  removing
  2 not begun
— 4s, cursor shown
Stopping: taking back redis, mongo; ending container old.
Ctrl-C again stops now; the next apply goes on from there.
– service mongo: stopped (3.0 s)
  Its container was removed again; its volumes are kept.
– service redis: stopped (3.3 s, down for at most 3.0 s)
  The old container is back and runs.
✓ container old: removed (3.5 s)
– not begun: web, late
`, shown())
		fits(t, s)
	})
}

// Off a terminal there are lines alone, for what people wait for.
func TestProgressInALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log, out bytes.Buffer
		a := &app{stdout: &out, stderr: &log, width: 100}
		doer := acting{
			takes: map[string]time.Duration{"wait-healthy": 3 * time.Second, "stop-container": time.Second, "start-container": 100 * time.Millisecond},
			fails: map[string]error{"wait-healthy web": &engine.UnhealthyError{Container: "box-web", Reason: "is unhealthy", Log: "\x1b[2Jcleared"}},
			says:  map[string][]string{"wait-healthy redis": {"starting", "starting", "healthy"}},
		}
		web := creates("web", "service/redis")
		web.Actions = slices.Insert(web.Actions, 0, act(plan.Wait, "redis"))
		_ = a.carryOut(t.Context(), planOf(makesNetwork("net"), replaces("redis", "network/net"), web), doer)
		same(t, `
✓ network net: created (0 ms)
… service redis: stopping
… service redis: waiting until it is healthy
✓ service redis: replaced (4.1 s, down for at most 4.1 s)
… service web: waiting until redis is healthy
… service web: waiting until it is healthy
… service web: taking it back
✗ service web: failed (6.1 s)
  last lines of its log:
    \x1b[2Jcleared
  Its container was removed again; its volumes are kept.
`, log.String())
		if out.Len() > 0 {
			t.Errorf("progress on standard output: %q", &out)
		}
	})
}

// A restart is an outage; one that fails leaves the container running.
func TestProgressOfARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		a := &app{stdout: &log, stderr: &log, width: 100}
		restarts := func(name string) plan.Step {
			return plan.Step{ID: "service/" + name, Kind: plan.Restart, Object: "service", Name: name, Actions: []plan.Action{
				act(plan.StopContainer, name), act(plan.StartContainer, name), act(plan.Wait, name),
			}}
		}
		doer := acting{
			takes: map[string]time.Duration{"wait-healthy": 2 * time.Second},
			fails: map[string]error{"wait-healthy bad": errors.New("no")},
		}
		bad := restarts("bad")
		bad.After = []string{"service/web"}
		_ = a.carryOut(t.Context(), planOf(restarts("web"), bad), doer)
		same(t, `
… service web: stopping
… service web: waiting until it is healthy
✓ service web: restarted (2.0 s, down for at most 2.0 s)
… service bad: stopping
… service bad: waiting until it is healthy
… service bad: taking it back
✗ service bad: failed (2.0 s, down for at most 2.0 s)
  It was started again.
`, log.String())
	})
}

// However small the terminal, however many the steps and wide the names: every line fits,
// and the block leaves a row free.
func TestProgressFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var steps []plan.Step
		for i := range 20 {
			steps = append(steps, creates(fmt.Sprintf("server-%02d", i)))
		}
		steps[0] = creates("数据库数据库数据库数据库")
		steps[1] = creates("cafe\u0301-e\u0301te\u0301\x1b[2J\u202e")
		b := newBoard(planOf(steps...), time.Now)
		for i, step := range steps[:8] {
			b.take(apply.Event{Kind: apply.Begun, Step: step})
			b.take(apply.Event{Kind: apply.Acting, Step: step, Action: step.Actions[2]})
			b.take(apply.Event{Kind: apply.Progress, Step: step, Action: step.Actions[2], Text: strings.Repeat("长 text\n", i)})
		}
		time.Sleep(12345 * time.Millisecond)
		for _, columns := range []int{1, 2, 3, 10, 19, 20, 21, 22, 30, 40, 41, 59, 60, 61, 80, 100, 140, 300} {
			for rows := 1; rows < 30; rows++ {
				for _, color := range []bool{false, true} {
					lines := b.draw(columns, rows, paint(color))
					if len(lines) > max(rows-1, 0) {
						t.Fatalf("%d lines on %d rows", len(lines), rows)
					}
					for _, line := range lines {
						plain := uncoloured(line)
						if cells(plain) >= columns || strings.ContainsAny(plain, "\x1b\n\u202e") || !color && plain != line {
							t.Fatalf("%d columns: %q", columns, line)
						}
					}
				}
			}
		}
		text := strings.Join(b.draw(60, 24, paint(false)), "\n") + "\n" + strings.Join(b.draw(40, 6, paint(false)), "\n") + "\n"
		same(t, `
+ service 数据库数据库数…   12.3 s  waiting for health
+ service café-été\x1b[2…   12.3 s  长 text\n
+ service server-02         12.3 s  长 text\n长 text\n
+ service server-03         12.3 s  长 text\n长 text\n长 t…
+ service server-04         12.3 s  长 text\n长 text\n长 t…
+ service server-05         12.3 s  长 text\n长 text\n长 t…
+ service server-06         12.3 s  长 text\n长 text\n长 t…
+ service server-07         12.3 s  长 text\n长 text\n长 t…
  12 more wait: server-08, server-09, server-10, server-11…
+ service 数据库…   12.3 s  waiting fo…
+ service café-é…   12.3 s  长 text\n
+ service server…   12.3 s  长 text\n…
  5 more in hand
  12 more wait: server-08, server-09, …
`, text)
	})
}

// A terminal that becomes narrower breaks the lines that stand on it; the block is drawn
// over all of their rows.
func TestProgressResized(t *testing.T) {
	s := newScreen(80, 10)
	columns := 80
	c := &console{out: s, size: func() (int, int) { return columns, 10 }}
	c.lines = func(columns, _ int) []string {
		return []string{cut("\x1b[2m"+strings.Repeat("x", 70)+"\x1b[0m", columns-1), cut(strings.Repeat("y", 20), columns-1)}
	}
	fmt.Fprintln(c, "before")
	columns = 30
	s.raw.Reset()
	c.redraw()
	if want := "\r\x1b[4A"; !strings.HasPrefix(s.raw.String(), want) { // 3 rows of x, 1 of y
		t.Errorf("%q does not begin with %q", s.raw.String(), want)
	}
	c.clear()
	fmt.Fprintln(c, "after")
}

// The cursor is shown again whatever ends a run, a panic too.
func TestProgressShowsTheCursor(t *testing.T) {
	s := newScreen(80, 10)
	c := &console{out: s, size: func() (int, int) { return 80, 10 }, lines: func(int, int) []string { return []string{"live"} }}
	c.redraw()
	fmt.Fprint(c, "half a line")
	if !s.hidden || s.String() != "live\n" {
		t.Fatalf("hidden: %v, %q", s.hidden, s)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		_ = c.guard(func() error { panic("bug") })
	}()
	fmt.Fprintln(c, " and more")
	if s.hidden || s.String() != "half a line and more\n" {
		t.Errorf("hidden: %v, %q", s.hidden, s)
	}
}

func TestHarmless(t *testing.T) {
	for text, want := range map[string]string{
		"plain, naïve, 数据, e\u0301": "plain, naïve, 数据, e\u0301",
		"\x1b[1;31mred\x1b[0m":      "red",
		"\x1b[2J\x1b]0;title\a":     `\x1b[2J\x1b]0;title\a`,
		"tab\there\r":               `tab    here\r`,
		"\xff\x00\u202e\u200b":      `\xff\x00\u202e\u200b`,
		"\x1b[31":                   `\x1b[31`,
		"\u009b2J \ufffd":           `\u009b2J ` + "\ufffd",
	} {
		if got := harmless(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// The summary names services by time, and says nothing of one alone.
func TestSummary(t *testing.T) {
	all := tally{}
	done := func(step plan.Step, took, outage time.Duration) {
		all.take(apply.Event{Kind: apply.Done, Step: step, Elapsed: took}, outage)
	}
	settles := func(name string) plan.Step {
		return plan.Step{ID: "service/" + name, Kind: plan.Start, Object: "service", Name: name, Actions: []plan.Action{act(plan.Wait, name)}}
	}
	done(makesNetwork("net"), time.Hour, 0)
	done(settles("other"), time.Hour, 0)
	done(replaces("redis"), 1200*time.Millisecond, time.Second)
	if got := all.text(100); got != "" {
		t.Errorf("of one service: %q", got)
	}
	done(replaces("postgres"), 4*time.Second, 3*time.Second)
	done(creates("web"), 50*time.Millisecond, 0)
	done(settles("web"), 2*time.Second, 0)
	same(t, `
Time by service: postgres 4.0 s, web 2.0 s, redis 1.2 s.
Longest outage: postgres, at most 3.0 s.`, all.text(100))
	same(t, `
Time by service: postgres 4.0 s and 2 others, at most 2.0 s each.
Longest outage: postgres, at most 3.0 s.`, all.text(50+4))
	for i := range 20 {
		done(creates(fmt.Sprintf("worker-%02d", i)), time.Second, 0)
	}
	for width := 80; width < 200; width++ {
		for line := range strings.Lines(all.text(width)) {
			if cells(line) > width+1 {
				t.Errorf("wider than %d: %q", width, line)
			}
		}
	}
}
