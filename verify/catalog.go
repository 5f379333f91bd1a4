package verify

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"minibot/spec"
)

// UnknownError says that no check has a name.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string {
	ids, families := names(Checks())
	text := fmt.Sprintf("there is no check %q", e.Name)
	if near := spec.Nearest(e.Name, slices.Concat(ids, families)); near != "" {
		return fmt.Sprintf("%s; did you mean %q?", text, near)
	}
	if first := family(e.Name); slices.Contains(families, first) {
		ids = slices.DeleteFunc(ids, func(id string) bool { return !below(id, first) })
		return fmt.Sprintf("%s; those of %s are: %s", text, first, strings.Join(ids, ", "))
	}
	families = slices.DeleteFunc(families, func(name string) bool { return strings.Contains(name, ".") })
	return fmt.Sprintf("%s; the families are: %s", text, strings.Join(families, ", "))
}

// Find returns the check with an id, or an *UnknownError that names the nearest. What another
// program finds is that check under the finding's id.
func Find(id string) (Check, error) {
	checks := Checks()
	if i := slices.IndexFunc(checks, func(c Check) bool { return c.Findings && below(id, c.ID) }); i >= 0 {
		checks[i].ID = id
		return checks[i], nil
	}
	if i := slices.IndexFunc(checks, func(c Check) bool { return c.ID == id }); i >= 0 {
		return checks[i], nil
	}
	return Check{}, &UnknownError{id}
}

// names lists the ids of checks, and all that they begin with: "net" and "net.publish".
func names(checks []Check) (ids, families []string) {
	for _, c := range checks {
		ids = append(ids, c.ID)
		for i, letter := range c.ID {
			if letter == '.' && !slices.Contains(families, c.ID[:i]) {
				families = append(families, c.ID[:i])
			}
		}
	}
	return ids, families
}

// demand is "must" for what the reference machine demands, and "beyond" for minibot's own.
func (c Check) demand() string {
	if c.Must {
		return "must"
	}
	return "beyond"
}

// WriteText explains a check to people.
func (c Check) WriteText(w io.Writer, opt TextOptions) error {
	t := newText(opt)
	t.line(t.paint(bold, c.ID))
	t.wrapped("  ", "", c.Claim)
	t.line("")
	for _, row := range []struct{ label, words string }{
		{"why", c.Why},
		{"how", c.How},
		{"where", c.Applies},
		{"spec", c.Attribute},
		{"severity", string(c.Severity) + ", at worst"},
		{"demand", map[bool]string{true: "must: the reference machine demands it", false: "beyond what the reference machine demands"}[c.Must]},
		{"CIS", prefixed("Docker Benchmark 1.6, recommendation ", c.CIS)},
		{"fix", c.Remedy},
	} {
		if row.words != "" {
			t.wrapped(fmt.Sprintf("  %-8s  ", row.label), "", row.words)
		}
	}
	return t.flush(w)
}

// WriteList writes a table of checks for people, family by family.
func WriteList(w io.Writer, checks []Check, opt TextOptions) error {
	t := newText(opt)
	widest := 0
	for _, c := range checks {
		widest = max(widest, len(c.ID))
	}
	last := ""
	for _, c := range checks {
		if last != "" && family(c.ID) != last {
			t.line("")
		}
		last = family(c.ID)
		t.wrapped(fmt.Sprintf("%-*s  %-8s  %-6s  %-4s  ", widest, c.ID, c.Severity, c.demand(), cmp.Or(c.CIS, "–")), "", c.Claim)
	}
	t.line("")
	t.line(count(len(checks), "check") + ". The fourth column is the recommendation of the CIS Docker Benchmark 1.6.")
	t.line("More about one: minibot explain ID")
	return t.flush(w)
}
