package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"minibot/apply"
	"minibot/internal/engine"
	"minibot/internal/plan"
)

// progress shows the steps of one run as they go: to programs as JSON lines on standard
// output, to people as lines on standard error, above a block of live ones where standard
// error is a terminal.
type progress struct {
	a       *app
	console *console
	board   *board
	paint   painter
	last    map[string]string // what was said last about a step, where no block is live
	lines   *eventLines       // nil without --json
	stopped sync.Once
	end     func()
}

// newProgress begins to show a run of the plan. End must be called.
func newProgress(a *app, p plan.Plan) *progress {
	c := a.console()
	r := &progress{
		a: a, console: c, board: newBoard(p, time.Now), paint: paint(a.colorErr),
		last: map[string]string{}, end: func() {},
	}
	if a.JSON {
		r.lines = newEventLines(a, time.Now)
	} else if c.size != nil {
		r.end = c.live(func(columns, rows int) []string { return r.board.draw(columns, rows, r.paint) })
	}
	return r
}

// event takes one event of apply.
func (p *progress) event(e apply.Event) {
	now := p.board.take(e)
	p.console.tally.take(e, now.outage)
	switch {
	case p.lines != nil:
		p.lines.event(e, now.outage)
		return
	case e.Kind == apply.Skipped && p.board.isStopping():
		return // stop and finish say it for all of them
	case e.Kind == apply.Acting || e.Kind == apply.Undoing:
		if text := now.does(plainly); text != "" && p.console.size == nil && p.last[e.Step.ID] != text {
			p.last[e.Step.ID] = text
			p.a.say("%s %s: %s", p.paint(now.color(), "…"), title(e.Step), text)
		}
		return
	}
	if text := p.ended(e, now.outage); text != "" {
		p.a.say("%s", text) // one message, so that no other comes between its lines
	}
}

// watched is an engine during whose panics the terminal is set right.
type watched struct {
	apply.Engine
	console *console
}

func (p *progress) watch(doer apply.Engine) apply.Engine { return watched{doer, p.console} }

// Do is Engine's.
func (w watched) Do(ctx context.Context, action plan.Action, progress func(string)) error {
	return w.console.guard(func() error { return w.Engine.Do(ctx, action, progress) })
}

// Undo is Engine's.
func (w watched) Undo(ctx context.Context, action plan.Action) error {
	return w.console.guard(func() error { return w.Engine.Undo(ctx, action) })
}

// interrupt says at once what an interrupt does. It may be called more than once.
func (p *progress) interrupt() {
	p.stopped.Do(func() {
		back, through := p.board.stop()
		p.console.keepCursor()
		var parts []string
		if len(back) > 0 {
			parts = append(parts, "taking back "+someOf(back, 4))
		}
		if len(through) > 0 {
			parts = append(parts, "ending "+someOf(through, 4))
		}
		text := "Stopping"
		if len(parts) > 0 {
			text += ": " + strings.Join(parts, "; ")
		}
		p.a.say("%s.\nCtrl-C again stops now; the next apply goes on from there.", text)
	})
}

// finish says of an interrupted run what it did not come to.
func (p *progress) finish() {
	if left := p.board.waiting(); p.lines == nil && p.board.isStopping() && len(left) > 0 {
		p.a.say("%s not begun: %s", p.paint(yellow, "–"), someOf(left, 4))
	}
}

// ended is what stays to be read of a step.
func (p *progress) ended(e apply.Event, outage time.Duration) string {
	took := elapsed(e.Elapsed)
	if outage > 0 {
		took += ", down for at most " + elapsed(outage)
	}
	line := func(color, sign, text string) string {
		return fmt.Sprintf("%s %s: %s", p.paint(color, sign), title(e.Step), text)
	}
	took = " " + p.paint(dim, "("+took+")")
	switch e.Kind {
	case apply.Done:
		return line(green, "✓", did(e.Step)+took)
	case apply.Skipped:
		return line(yellow, "–", "skipped, it "+e.Text)
	case apply.Failed:
		if p.board.isStopping() && interrupted(e.Err) {
			return line(yellow, "–", "stopped"+took) + undone(e)
		}
		return line(red, "✗", "failed"+took) + evidence(e.Err) + undone(e)
	}
	return ""
}

// evidence is what a service said last that does not work.
func evidence(err error) string {
	var unhealthy *engine.UnhealthyError
	if !errors.As(err, &unhealthy) {
		return ""
	}
	return quote("last health check", unhealthy.Health) + quote("last lines of its log", unhealthy.Log)
}

// undone says how a step was left that did not reach its end.
func undone(e apply.Event) string {
	var failed *apply.StepError
	if !errors.As(e.Err, &failed) {
		return ""
	}
	replaces := e.Step.Kind == plan.Replace
	switch {
	case failed.Undo != nil:
		return "\n  Not taken back: " + failed.Undo.Error()
	case replaces && slices.ContainsFunc(e.Step.Actions, stops):
		return "\n  The old container is back and runs."
	case replaces:
		return "\n  The old container is back, as it was."
	case slices.ContainsFunc(e.Step.Actions, func(a plan.Action) bool { return a.Verb == plan.Wait && a.Was != "" }):
		return "\n  The old container is back and runs."
	case e.Step.Kind == plan.Restart:
		return "\n  It was started again."
	case e.Step.Kind == plan.Create && e.Step.Object == "service":
		return "\n  Its container was removed again; its volumes are kept."
	}
	return ""
}

// stops tells of a replacement that its old container ran.
func stops(action plan.Action) bool { return action.Verb == plan.StopContainer }

// quote is what somebody else wrote, indented. Nothing in it acts on a terminal.
func quote(title, text string) string {
	if text == "" {
		return ""
	}
	quoted := "\n  " + title + ":"
	for line := range strings.Lines(text) {
		quoted += "\n    " + harmless(strings.TrimRight(line, "\r\n"))
	}
	return quoted
}

func title(step plan.Step) string { return step.Object + " " + step.Name }

// short is a title without what goes without saying.
func short(step plan.Step) string { return strings.TrimPrefix(title(step), "service ") }

// did says what a step has done.
func did(step plan.Step) string {
	if onlyWaits(step) {
		return "healthy"
	}
	return map[plan.Kind]string{
		plan.Pull: "pulled", plan.Create: "created", plan.Start: "started",
		plan.Update: "updated", plan.Restart: "restarted", plan.Replace: "replaced", plan.Remove: "removed",
	}[step.Kind]
}

// onlyWaits tells of a step that it changes nothing.
func onlyWaits(step plan.Step) bool {
	return !slices.ContainsFunc(step.Actions, func(a plan.Action) bool { return a.Verb != plan.Wait })
}

// someOf names a few of many.
func someOf(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	if len(names) == n+1 {
		return strings.Join(names[:n], ", ") + " and 1 other"
	}
	return fmt.Sprintf("%s and %d others", strings.Join(names[:n], ", "), len(names)-n)
}

func elapsed(d time.Duration) string {
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
