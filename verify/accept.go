package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

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
func waive(stack *spec.Stack, results []Result) []Result {
	var unknowns, unuseds []Result
	for _, accept := range stack.Accepts {
		object := accept.Check
		if accept.Service != "" {
			object += " " + accept.Service
		}
		if !slices.Contains(acceptable(""), accept.Check) {
			result := fail("no check has the id %q", accept.Check).on(object).at(accept.CheckRange)
			if near := acceptable(family(accept.Check) + "."); len(near) > 0 {
				result = result.remedy("Write one of: %s.", strings.Join(near, ", "))
			}
			unknowns = append(unknowns, result)
			continue
		}
		unknowns = append(unknowns, pass("it is a check").on(object).at(accept.CheckRange))
		unuseds = append(unuseds, apply(accept, results).on(object).at(accept.CheckRange))
	}
	for i := range unknowns {
		unknowns[i].complete(acceptChecks[0], stack)
	}
	for i := range unuseds {
		unuseds[i].complete(acceptChecks[1], stack)
	}
	return slices.Concat(results, unknowns, unuseds)
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

// apply marks what one accept block waives, and says whether that was anything.
func apply(accept *spec.Accept, results []Result) Result {
	waived, unseen := 0, 0
	for i := range results {
		r := &results[i]
		switch {
		case r.Check != accept.Check, accept.Service != "" && r.Service != "" && accept.Service != r.Service:
		case r.Status == Error || r.Status == Skip:
			unseen++
		case r.Status == Fail && (accept.Service == "" || accept.Service == r.Service):
			r.Accepted = cmp.Or(r.Accepted, accept.Reason)
			waived++
		}
	}
	switch {
	case waived > 0:
		return pass("it waives %s", count(waived, "failure"))
	case unseen > 0:
		return skip("%s was not looked at everywhere, so it may still be needed", accept.Check)
	}
	return fail("nothing fails that it could waive")
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
