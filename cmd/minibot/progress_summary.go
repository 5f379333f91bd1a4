package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"minibot/apply"
	"minibot/internal/plan"
)

// tally is what became of each service in the runs of one command.
type tally map[string]*tallied

type tallied struct {
	kind    plan.Kind
	changed bool // else it was only waited for
	result  apply.EventKind
	took    time.Duration
	outage  time.Duration
}

// take notes the end of a step.
func (t tally) take(e apply.Event, outage time.Duration) {
	if e.Step.Object != "service" || e.Kind != apply.Done && e.Kind != apply.Failed && e.Kind != apply.Skipped {
		return
	}
	s := t[e.Step.Name]
	if s == nil {
		s = &tallied{kind: e.Step.Kind}
		t[e.Step.Name] = s
	}
	s.changed = s.changed || e.Kind != apply.Skipped && !onlyWaits(e.Step)
	s.result = e.Kind
	s.took += e.Elapsed
	s.outage = max(s.outage, outage)
}

// text is two lines at most about the services that changed, those that took longest first.
// One service has said all in its own line.
func (t tally) text(width int) string {
	var names []string
	longest := ""
	for _, name := range sortedKeys(t) {
		if !t[name].changed {
			continue
		}
		names = append(names, name)
		if outage := t[name].outage; outage > 0 && (longest == "" || outage > t[longest].outage) {
			longest = name
		}
	}
	if len(names) < 2 {
		return ""
	}
	slices.SortStableFunc(names, func(x, y string) int { return cmp.Compare(t[y].took, t[x].took) })
	text := t.times(names, len(names))
	for n := len(names) - 1; n > 0 && cells(text) > width; n-- {
		text = t.times(names, n)
	}
	if longest != "" {
		text += fmt.Sprintf("\nLongest outage: %s, at most %s.", longest, elapsed(t[longest].outage))
	}
	return text
}

// times names the first n services with their time, and bounds that of the others.
func (t tally) times(names []string, n int) string {
	var parts []string
	for _, name := range names {
		parts = append(parts, name+" "+elapsed(t[name].took))
	}
	text := "Time by service: " + someOf(parts, n)
	if n < len(names) {
		text += ", at most " + elapsed(t[names[n]].took)
	}
	if n < len(names)-1 {
		text += " each"
	}
	return text + "."
}
