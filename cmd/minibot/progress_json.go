package main

import (
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/apply"
	"minibot/internal/engine"
	"minibot/internal/plan"
)

// runFormat is the version of the JSON lines of apply, destroy and secret rotate. It
// changes when a field changes its meaning.
const runFormat = "1"

// lineHead is the beginning of each line.
type lineHead struct {
	FormatVersion string `json:"format_version"`
	// Type is "plan", "summary" or the kind of an event.
	Type string `json:"type"`
}

// eventLine is an event of a step. Whoever reads them knows a step by its id; one that was
// made can come once more, when apply waits for its health.
type eventLine struct {
	lineHead
	// At is the time, in UTC, as in RFC 3339.
	At     string    `json:"at"`
	Step   string    `json:"step"`
	Object string    `json:"object"`
	Name   string    `json:"name"`
	Kind   plan.Kind `json:"kind"`
	// Verb is of acting, progress and undoing.
	Verb plan.Verb `json:"verb,omitempty"`
	// Text is of progress and skipped.
	Text string `json:"text,omitempty"`
	// Seconds are of done and failed, DownSeconds of a service that was down in between.
	Seconds     *float64 `json:"seconds,omitempty"`
	DownSeconds float64  `json:"down_seconds,omitempty"`
	// Error, Health and Log are of failed: the last output of the healthcheck, and the last
	// lines of the log. UndoError is there if the step was not taken back in full.
	Error     string `json:"error,omitempty"`
	Health    string `json:"health,omitempty"`
	Log       string `json:"log,omitempty"`
	UndoError string `json:"undo_error,omitempty"`
}

// summaryLine is the last line.
type summaryLine struct {
	lineHead
	OK       bool `json:"ok"`
	ExitCode int  `json:"exit_code"`
	// Error is why it is not OK.
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
	// Services are those that had a step that was begun or skipped.
	Services map[string]serviceLine `json:"services"`
}

type serviceLine struct {
	Kind plan.Kind `json:"kind"`
	// Result is "done", "failed" or "skipped".
	Result      string  `json:"result"`
	Seconds     float64 `json:"seconds"`
	DownSeconds float64 `json:"down_seconds,omitempty"`
}

// line prints one line of JSON.
func (a *app) line(object any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(object)
}

// viewSteps prints the plan that a command is about to carry out. As JSON it is one line,
// with the fields that plan --json has.
func (a *app) viewSteps(p plan.Plan, project *types.Project) error {
	if !a.JSON {
		return a.viewPlan(p, project)
	}
	a.console() // a summary will end what begins here
	return a.line(struct {
		lineHead
		Differs bool `json:"differs"`
		plan.Plan
	}{lineHead{runFormat, "plan"}, p.Differs(), p})
}

// eventLines writes events as JSON. Of the texts of one action it writes one a second.
type eventLines struct {
	a    *app
	now  func() time.Time
	said map[string]eventLine // the last progress, by step
	when map[string]time.Time
}

func newEventLines(a *app, now func() time.Time) *eventLines {
	return &eventLines{a: a, now: now, said: map[string]eventLine{}, when: map[string]time.Time{}}
}

func (l *eventLines) event(e apply.Event, outage time.Duration) {
	now := l.now()
	line := eventLine{
		lineHead: lineHead{runFormat, string(e.Kind)}, At: now.UTC().Format("2006-01-02T15:04:05.000Z"),
		Step: e.Step.ID, Object: e.Step.Object, Name: e.Step.Name, Kind: e.Step.Kind, Verb: e.Action.Verb, Text: e.Text,
	}
	switch e.Kind {
	case apply.Progress:
		last := l.said[e.Step.ID]
		if last.Verb == line.Verb && (last.Text == line.Text || now.Sub(l.when[e.Step.ID]) < time.Second) {
			return
		}
		l.said[e.Step.ID], l.when[e.Step.ID] = line, now
	case apply.Done, apply.Failed:
		took := seconds(e.Elapsed)
		line.Seconds, line.DownSeconds = &took, seconds(outage)
	}
	if e.Err != nil {
		line.Error = e.Err.Error()
	}
	var failed *apply.StepError
	if errors.As(e.Err, &failed) {
		line.Error = failed.Err.Error()
		if failed.Undo != nil {
			line.UndoError = failed.Undo.Error()
		}
	}
	var unhealthy *engine.UnhealthyError
	if errors.As(e.Err, &unhealthy) {
		line.Health, line.Log = unhealthy.Health, unhealthy.Log
	}
	_ = l.a.line(line)
}

func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

// summarise ends the JSON of a command that runs steps, once. Err is what it ends with.
func (a *app) summarise(err error) {
	c, ok := a.stderr.(*console)
	if !ok || !a.JSON || c.told {
		return
	}
	c.told = true
	line := summaryLine{
		lineHead: lineHead{runFormat, "summary"}, OK: err == nil, ExitCode: outcomeOf(err).code,
		Seconds: seconds(time.Since(c.began)), Services: map[string]serviceLine{},
	}
	if err != nil {
		line.Error = err.Error()
	}
	for name, s := range c.tally {
		line.Services[name] = serviceLine{s.kind, string(s.result), seconds(s.took), seconds(s.outage)}
	}
	_ = a.line(line)
}
