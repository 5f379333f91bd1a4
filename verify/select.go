package verify

import (
	"fmt"
	"slices"
	"strings"
)

// Selection says which checks are made, and how bad a result must be to count. The zero
// Selection is everything.
type Selection struct {
	// Only and Skip name checks, or all whose ids begin so: "auth", "net.publish". What both
	// name is skipped.
	Only, Skip []string
	// Severity is the least that counts; empty is all. A check that cannot be as bad is not made.
	Severity Severity
}

// ParseSeverity finds a severity by its name.
func ParseSeverity(name string) (Severity, error) {
	if slices.Contains(severities, Severity(name)) {
		return Severity(name), nil
	}
	var all []string
	for _, s := range severities {
		all = append(all, string(s))
	}
	return "", fmt.Errorf("there is no severity %q; write one of %s", name, strings.Join(all, ", "))
}

// Checks lists the checks to make, in the order of the table. Errors: an *UnknownError for a
// name that no check has, and that there are none left.
func (s Selection) Checks() ([]Check, error) {
	ids, _ := names(Checks())
	for _, name := range slices.Concat(s.Only, s.Skip) {
		if !slices.ContainsFunc(ids, func(id string) bool { return below(id, name) }) {
			return nil, &UnknownError{name}
		}
	}
	chosen := slices.DeleteFunc(Checks(), func(c Check) bool { return !s.has(c) })
	if len(chosen) == 0 {
		return nil, fmt.Errorf("%s leaves no check to make", s)
	}
	return chosen, nil
}

// has reports whether a check is to be made.
func (s Selection) has(c Check) bool {
	named := func(name string) bool { return below(c.ID, name) }
	return (len(s.Only) == 0 || slices.ContainsFunc(s.Only, named)) && !slices.ContainsFunc(s.Skip, named) && s.counts(c.Severity)
}

// counts reports whether a severity is bad enough.
func (s Selection) counts(severity Severity) bool {
	return s.Severity == "" || severity.rank() <= s.Severity.rank()
}

// below reports whether an id is a name, or begins with it as with a family.
func below(id, name string) bool { return id == name || strings.HasPrefix(id, name+".") }

// String is the flags that make the selection.
func (s Selection) String() string {
	var flags []string
	for _, name := range s.Only {
		flags = append(flags, "--only "+name)
	}
	for _, name := range s.Skip {
		flags = append(flags, "--skip "+name)
	}
	if s.Severity != "" {
		flags = append(flags, "--severity "+string(s.Severity))
	}
	return strings.Join(flags, " ")
}

// LeftOut is what a report does not have because nobody asked for it.
type LeftOut struct {
	Only     []string `json:"only,omitempty"`
	Skip     []string `json:"skip,omitempty"`
	Severity Severity `json:"severity,omitempty"`
	// Checks is how many checks of the table were not made.
	Checks int `json:"checks"`
	// Results is how many results were failures or errors of less severity.
	Results int `json:"results"`
}

// String says it in a sentence; empty if it is nothing.
func (l *LeftOut) String() string {
	if l == nil || l.Checks+l.Results == 0 {
		return ""
	}
	text := fmt.Sprintf("Not the whole report: %s left out %d of %d kinds of check", Selection{l.Only, l.Skip, l.Severity}, l.Checks, len(Checks()))
	if l.Results > 0 {
		text += fmt.Sprintf(" and %s below %s", count(l.Results, "result"), l.Severity)
	}
	return text + "."
}

// narrow takes out of a report what is not bad enough, and says what it lacks.
func (s Selection) narrow(results []Result) ([]Result, *LeftOut) {
	if len(s.Only)+len(s.Skip) == 0 && s.Severity == "" {
		return results, nil
	}
	kept := slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return !s.counts(r.Severity) })
	made := slices.DeleteFunc(Checks(), func(c Check) bool { return !s.has(c) })
	return kept, &LeftOut{s.Only, s.Skip, s.Severity, len(Checks()) - len(made), len(results) - len(kept)}
}
