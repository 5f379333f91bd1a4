package verify

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Change is that something else came of a check of an object than before.
type Change struct {
	Check  string `json:"check"`
	Object string `json:"object"`
	// From and To are what came of it: a status, or "accepted". From is empty for an object
	// that is new, To for one that is no longer there.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Result is the worst one that there is now; of what is no longer there, that there was.
	Result Result `json:"result"`
}

// Changes lists what changed from one report to a later one, in the order of the later, and
// then what it no longer has. Other evidence for the same is no change; another severity, or
// number of results, is. Objects that come or go are told if they were not, or are not, in
// order: others belong to what has changed anyway.
func Changes(before, after Report) []Change {
	was, is := before.outcomes(), after.outcomes()
	var changes []Change
	for _, key := range is.keys {
		old, now := was.of[key], is.of[key]
		if old.all != now.all && (old.worst.bad() || now.worst.bad() || old.all != "") {
			changes = append(changes, Change{now.worst.Check, now.worst.Object, old.worst.kind(), now.worst.kind(), now.worst})
		}
	}
	for _, key := range was.keys {
		if old := was.of[key]; is.of[key].all == "" && old.worst.bad() {
			changes = append(changes, Change{old.worst.Check, old.worst.Object, old.worst.kind(), "", old.worst})
		}
	}
	return changes
}

// Bad lists the results that are failures, accepted or not, and errors.
func (r Report) Bad() []Result { return r.having(Result.bad) }

// outcome is all that came of one check for one object, which may have several results.
type outcome struct {
	all   string // kinds and severities
	worst Result
}

type outcomes struct {
	keys []string
	of   map[string]outcome
}

func (r Report) outcomes() outcomes {
	o := outcomes{of: map[string]outcome{}}
	for _, results := range group(r.Results, func(r Result) string { return r.Check + "\n" + r.Object }) {
		var all []string
		worst := results[0]
		for _, result := range results {
			one := result.kind()
			if result.bad() {
				one += " " + string(result.Severity)
			}
			all = append(all, one)
			if cmp.Or(cmp.Compare(result.gravity(), worst.gravity()), cmp.Compare(worst.Severity.rank(), result.Severity.rank())) > 0 {
				worst = result
			}
		}
		slices.Sort(all)
		key := worst.Check + "\n" + worst.Object
		o.keys, o.of[key] = append(o.keys, key), outcome{strings.Join(all, ", "), worst}
	}
	return o
}

// kind is the status, or "accepted"; empty for no result.
func (r Result) kind() string {
	if r.Accepted != "" {
		return "accepted"
	}
	return string(r.Status)
}

// gravity orders what came of checks, the worst last.
func (r Result) gravity() int {
	return slices.Index([]string{"skip", "pass", "accepted", "error", "fail"}, r.kind())
}

func (r Result) bad() bool { return r.Status == Fail || r.Status == Error }

// marks and what was before, by kind. What is no longer there has no kind.
var (
	changeMarks = map[string]mark{"pass": passMark, "fail": failMark, "error": errorMark, "accepted": acceptMark, "skip": skipMark, "": passMark}
	befores     = map[string]string{"pass": "passed before", "fail": "failed before", "error": "could not be looked at before", "accepted": "accepted before", "skip": "skipped before", "": "new"}
)

// WriteChanges writes a line for each change, with its time. Several checks that changed for
// one reason share one.
func WriteChanges(w io.Writer, at time.Time, changes []Change, opt TextOptions) error {
	t := newText(opt)
	byReason := map[string][]Change{}
	var reasons []string
	for _, c := range changes {
		reason := c.From + "\n" + c.To + "\n" + c.Result.Evidence
		if _, known := byReason[reason]; !known {
			reasons = append(reasons, reason)
		}
		byReason[reason] = append(byReason[reason], c)
	}
	for _, reason := range reasons {
		t.change(at, byReason[reason])
	}
	return t.flush(w)
}

func (t *text) change(at time.Time, changes []Change) {
	first := changes[0]
	var results []Result
	for _, c := range changes {
		results = append(results, c.Result)
	}
	name, m := first.Check, changeMarks[first.To]
	if ids := checksOf(results); len(ids) > 1 {
		name = count(len(ids), "check")
	}
	note := befores[first.From]
	if first.To == "fail" || first.To == "error" {
		note = string(worst(results)) + "; " + note
	}
	seen := first.Result.Evidence
	if first.To == "" {
		seen = "no longer there"
	}
	t.wrapped(fmt.Sprintf("%s %s %-25s  ", at.Format(time.TimeOnly), m.sign, name), m.color, fmt.Sprintf("%s: %s (%s)", objectsOf(results), seen, note))
}

// WriteMoment writes one line with its time, such as how a watch begins.
func WriteMoment(w io.Writer, at time.Time, words string, opt TextOptions) error {
	t := newText(opt)
	t.wrapped(at.Format(time.TimeOnly)+"   ", dim, words)
	return t.flush(w)
}
