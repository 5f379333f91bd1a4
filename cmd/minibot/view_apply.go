package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"minibot/apply"
	"minibot/internal/engine"
	"minibot/internal/plan"
)

// progress shows the steps of an apply as they go, one line each for what people wait for.
type progress struct {
	a     *app
	paint painter
	last  map[string]string        // what was said last about a step
	down  map[string]time.Time     // since when a service is, by its step
	out   map[string]time.Duration // how long one was
}

func newProgress(a *app) *progress {
	return &progress{a: a, paint: paint(a.colorErr), last: map[string]string{}, down: map[string]time.Time{}, out: map[string]time.Duration{}}
}

// doing says what an action is, while it lasts. Actions of a few milliseconds say nothing.
var doing = map[plan.Verb]string{
	plan.PullImage:     "pulling",
	plan.StopContainer: "stopping",
	plan.Wait:          "waiting until it is healthy",
}

// event takes one event of apply.
func (p *progress) event(e apply.Event) {
	name := e.Step.Object + " " + e.Step.Name
	switch e.Kind {
	case apply.Acting:
		p.outage(e)
		if text := doing[e.Action.Verb]; text != "" {
			p.line(name, "…", dim, text)
		}
	case apply.Undoing:
		p.line(name, "…", yellow, "taking it back")
	case apply.Done:
		took := elapsed(e.Elapsed)
		if out, was := p.out[e.Step.ID]; was {
			took += ", down for at most " + elapsed(out)
		}
		p.a.say("%s %s: %s %s", p.paint(green, "✓"), name, past[e.Step.Kind], p.paint(dim, "("+took+")"))
	case apply.Skipped:
		p.a.say("%s %s: skipped, it %s", p.paint(yellow, "–"), name, e.Text)
	case apply.Failed:
		p.failed(name, e)
	}
}

// outage measures how long a service is down: from the stop of its old container to the
// first action after the wait for the new one.
func (p *progress) outage(e apply.Event) {
	since, down := p.down[e.Step.ID]
	switch {
	case e.Action.Verb == plan.StopContainer && e.Step.Kind == plan.Replace:
		p.down[e.Step.ID] = time.Now()
	case e.Action.Verb == plan.RemoveContainer && down:
		p.out[e.Step.ID] = time.Since(since)
	}
}

// line says something once.
func (p *progress) line(name, sign, color, text string) {
	if p.last[name] == text {
		return
	}
	p.last[name] = text
	p.a.say("%s %s: %s", p.paint(color, sign), name, text)
}

func (p *progress) failed(name string, e apply.Event) {
	p.a.say("%s %s: failed %s", p.paint(red, "✗"), name, p.paint(dim, "("+elapsed(e.Elapsed)+")"))
	var step *apply.StepError
	if !errors.As(e.Err, &step) {
		return
	}
	var unhealthy *engine.UnhealthyError
	if errors.As(step.Err, &unhealthy) {
		p.quote("last health check", unhealthy.Health)
		p.quote("last lines of its log", unhealthy.Log)
	}
	switch {
	case step.Undo != nil:
		p.a.say("  Not taken back: %v", step.Undo)
	case e.Step.Kind == plan.Replace && slices.ContainsFunc(e.Step.Actions, stops):
		p.a.say("  The old container is back and runs.")
	case e.Step.Kind == plan.Replace:
		p.a.say("  The old container is back, as it was.")
	case e.Step.Kind == plan.Create && e.Step.Object == "service":
		p.a.say("  Its container was removed again; its volumes are kept.")
	}
}

// stops tells of a replacement that its old container ran.
func stops(action plan.Action) bool { return action.Verb == plan.StopContainer }

func (p *progress) quote(title, text string) {
	if text == "" {
		return
	}
	p.a.say("  %s:", title)
	for line := range strings.Lines(text) {
		p.a.say("    %s", strings.TrimRight(line, "\n"))
	}
}

var past = map[plan.Kind]string{
	plan.Pull: "pulled", plan.Create: "created", plan.Start: "started",
	plan.Update: "updated", plan.Replace: "replaced", plan.Remove: "removed",
}

func elapsed(d time.Duration) string {
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
