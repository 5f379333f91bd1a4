package verify

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"minibot/spec"
)

var acceptChecks = []Check{
	{
		ID: "accept.unknown", Severity: Low,
		Claim:   "Every accept block names a check that exists.",
		Why:     "A misspelt waiver waives nothing, and looks as if it did.",
		How:     "The id of each accept block is looked up in the table of checks.",
		Applies: "accept blocks", Attribute: "accept",
		Remedy: "Correct the id in the accept block, or take the block out.",
	},
	{
		ID: "accept.expired", Severity: Low,
		Claim:   "No accept block has reached the end of its time.",
		Why:     "Whoever set the end wanted to look again by then.",
		How:     "The date in until, which is the last day, is compared with today's date on this machine. What the block waived counts again.",
		Applies: "accept blocks with until", Attribute: "accept",
		Remedy: "Put right what it waives, or decide anew: set another date in until.",
	},
	{
		ID: "accept.unused", Severity: Low,
		Claim:   "Every accept block still waives something.",
		Why:     "A waiver that has nothing to waive would hide the next failure.",
		How:     "Each accept block is held against the results of its check.",
		Applies: "accept blocks", Attribute: "accept",
		Remedy: "Take the accept block out: what it waived is in order now, and it would hide the next failure.",
	},
}

// waive marks the failures that the spec accepts, and judges the accept blocks themselves.
// An error is never waived: nobody knows yet what there is to accept.
func (s Subject) waive(results []Result) []Result {
	verdicts := map[string][]Result{}
	for _, accept := range s.Stack.Accepts {
		object := accept.Check + prefixed(" ", accept.Service)
		for check, verdict := range s.judge(accept, results) {
			verdicts[check] = append(verdicts[check], verdict.on(object).at(accept.CheckRange))
		}
	}
	for _, c := range acceptChecks {
		if !s.Select.has(c) {
			continue
		}
		for _, verdict := range verdicts[c.ID] {
			verdict.complete(c, s.Stack)
			results = append(results, verdict)
		}
	}
	return results
}

// judge marks what one accept block waives, and returns a verdict on it for each check of
// accept blocks that it concerns.
func (s Subject) judge(accept *spec.Accept, results []Result) map[string]Result {
	if check, err := Find(accept.Check); err != nil || check.run == nil {
		result := fail("no check has the id %q", accept.Check)
		if near := spec.Nearest(accept.Check, acceptable("")); near != "" {
			result = result.remedy("Write %s, or take the block out.", near)
		} else if all := acceptable(family(accept.Check) + "."); len(all) > 0 {
			result = result.remedy("Write one of: %s.", strings.Join(all, ", "))
		}
		return map[string]Result{"accept.unknown": result}
	}
	verdicts := map[string]Result{"accept.unknown": pass("it is a check")}
	over := s.over(accept)
	switch use := s.apply(accept, over, results); {
	case over:
		verdicts["accept.expired"] = fail("its last day was %s; %s", accept.Until, use.Evidence)
	case accept.Until != "":
		verdicts["accept.expired"] = pass("until %s", accept.Until)
		fallthrough
	default:
		verdicts["accept.unused"] = use
	}
	return verdicts
}

// over reports whether the last day of an accept block has gone by, where this machine is.
func (s Subject) over(accept *spec.Accept) bool {
	return accept.Until != "" && s.Now.Format(time.DateOnly) > accept.Until
}

// acceptable lists the checks that an accept block may name and that begin so.
func acceptable(prefix string) []string {
	var ids []string
	for _, c := range Checks() {
		if c.run != nil && strings.HasPrefix(c.ID, prefix) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// apply marks what one accept block waives, or waived until it was over, and says whether
// that was anything.
func (s Subject) apply(accept *spec.Accept, over bool, results []Result) Result {
	check, _ := Find(accept.Check) // judge has found it
	met, unseen := 0, 0
	for i := range results {
		r := &results[i]
		switch {
		case r.Check != check.ID && !(check.Findings && below(r.Check, check.ID)), accept.Service != "" && r.Service != "" && accept.Service != r.Service:
		case r.Status == Error || r.Status == Skip:
			unseen++
		case r.Status == Fail && (accept.Service == "" || accept.Service == r.Service):
			r.accept(accept, over)
			met++
		}
	}
	switch {
	case met > 0 && over:
		return fail("what it waived fails still")
	case met > 0:
		return pass("it waives %s", count(met, "failure"))
	case !s.Select.has(check):
		return skip("%s is left out of this report, so it may still be needed", accept.Check)
	case unseen > 0:
		return skip("%s was not looked at everywhere, so it may still be needed", accept.Check)
	}
	return fail("nothing fails that it could waive")
}

// accept marks a failure. Of several blocks one that holds goes before those that are over,
// and else the first.
func (r *Result) accept(by *spec.Accept, over bool) {
	reason := strings.TrimSpace(printable(by.Reason))
	switch {
	case r.Accepted != "":
	case over:
		r.Lapsed = cmp.Or(r.Lapsed, fmt.Sprintf("until %s: %s", by.Until, reason))
	default:
		r.Accepted, r.Until, r.Lapsed = reason, by.Until, ""
	}
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
