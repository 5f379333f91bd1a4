package verify

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"

	"minibot/spec"
)

// FormatVersion is the version of the JSON form of a Report. It grows when a field changes
// its meaning or goes away, not when one is added.
const FormatVersion = 1

// Status is what came of a check.
type Status string

// The statuses.
const (
	Pass  Status = "pass"  // the claim holds
	Fail  Status = "fail"  // it does not
	Skip  Status = "skip"  // it does not apply here; Evidence has the reason
	Error Status = "error" // it could not be looked at; Evidence says why
)

// Result is what came of one check for one object.
type Result struct {
	Check string `json:"check"`
	// Object is what was looked at, such as "redis", "redis 127.0.0.1:6379/tcp" or "host".
	Object string `json:"object"`
	// Service is the service of the spec that the object belongs to, if any.
	Service  string   `json:"service,omitempty"`
	Status   Status   `json:"status"`
	Severity Severity `json:"severity"`
	Claim    string   `json:"claim"`
	// Evidence is one line: what was seen, with the culprit's name. It holds no secret.
	Evidence string `json:"evidence"`
	// Remedy says what to do; empty for what passed or was skipped.
	Remedy string `json:"remedy,omitempty"`
	// Accepted is the reason why the spec accepts a failure; empty if it doesn't.
	Accepted string `json:"accepted,omitempty"`
	// Until is the last day on which it is accepted, such as "2027-01-31"; empty if it is for good.
	Until string `json:"accepted_until,omitempty"`
	// Lapsed says until when the spec accepted the failure, and why; empty if it never did.
	Lapsed string `json:"lapsed,omitempty"`
	CIS    string `json:"cis,omitempty"`
	// Source is where the spec says what was judged; nil if it says nothing of the kind.
	Source *Source `json:"source,omitempty"`
}

// Source is a place in the spec. Lines and columns count from 1; EndColumn is the one behind
// the last character.
type Source struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"end_line"`
	EndColumn int    `json:"end_column"`
}

// Summary counts results. Each is counted once: Fail leaves out what is Accepted.
type Summary struct {
	Pass     int `json:"pass"`
	Fail     int `json:"fail"`
	Skip     int `json:"skip"`
	Error    int `json:"error"`
	Accepted int `json:"accepted"`
}

// Report is what came of all checks.
type Report struct {
	FormatVersion int      `json:"format_version"`
	Stack         string   `json:"stack"`
	Results       []Result `json:"results"`
	Summary       Summary  `json:"summary"`
	// LeftOut is what it lacks; nil if it is whole.
	LeftOut *LeftOut `json:"left_out,omitempty"`
}

// Failed reports whether a claim does not hold and the spec does not accept that.
func (r Report) Failed() bool { return r.Summary.Fail > 0 }

// Incomplete reports whether something could not be looked at.
func (r Report) Incomplete() bool { return r.Summary.Error > 0 }

// report sums up the results that were asked for.
func (s Subject) report(results []Result) Report {
	r := Report{FormatVersion: FormatVersion, Stack: s.Stack.Name}
	r.Results, r.LeftOut = s.Select.narrow(results)
	for _, result := range r.Results {
		switch {
		case result.Status == Pass:
			r.Summary.Pass++
		case result.Status == Skip:
			r.Summary.Skip++
		case result.Status == Error:
			r.Summary.Error++
		case result.Accepted != "":
			r.Summary.Accepted++
		default:
			r.Summary.Fail++
		}
	}
	return r
}

// kind is how many results there are of one kind, and what it is called.
type kind struct {
	name string
	n    int
}

// kinds lists the counts. Those of a report add up to the number of its results.
func (s Summary) kinds() []kind {
	return []kind{{"pass", s.Pass}, {"fail", s.Fail}, {"error", s.Error}, {"accepted", s.Accepted}, {"skip", s.Skip}}
}

// pass, fail, skip and unknown make results with their evidence; on and of say of what.
func pass(format string, args ...any) Result { return result(Pass, format, args) }
func fail(format string, args ...any) Result { return result(Fail, format, args) }
func skip(format string, args ...any) Result { return result(Skip, format, args) }

// unknown is the result of a check that could not look.
func unknown(format string, args ...any) Result { return result(Error, format, args) }

func result(status Status, format string, args []any) Result {
	return Result{Status: status, Evidence: printable(fmt.Sprintf(format, args...))}
}

// printable makes one line of text in which names and messages of others stand, so that
// they can neither move a terminal's cursor nor begin a line of their own.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// on says which object it was that belongs to no service.
func (r Result) on(object string) Result {
	r.Object = object
	return r
}

// of says which service it was, and which part of it, if not the whole.
func (r Result) of(service, part string) Result {
	r.Service, r.Object = service, service
	if part != "" {
		r.Object += " " + part
	}
	return r
}

// remedy replaces the remedy of the check by a better one.
func (r Result) remedy(format string, args ...any) Result {
	r.Remedy = fmt.Sprintf(format, args...)
	return r
}

// as says that it is less bad than the check says.
func (r Result) as(severity Severity) Result {
	r.Severity = severity
	return r
}

// waiver is the reason for which a failure is accepted, with its end.
func (r Result) waiver() string {
	if r.Until == "" {
		return r.Accepted
	}
	return r.Accepted + " (until " + r.Until + ")"
}

// at says where the spec says what was judged, if that is not the attribute of the check.
func (r Result) at(place spec.Range) Result {
	if !place.Empty() {
		r.Source = &Source{place.Filename, place.Start.Line, place.Start.Column, place.End.Line, place.End.Column}
	}
	return r
}

// complete fills in what the check says.
func (r *Result) complete(c Check, stack *spec.Stack) {
	r.Check, r.Claim, r.CIS = cmp.Or(r.Check, c.ID), c.Claim, c.CIS
	if r.Severity == "" {
		r.Severity = c.Severity
	}
	if r.Remedy == "" && (r.Status == Fail || r.Status == Error) {
		r.Remedy = c.Remedy
	}
	if r.Source == nil {
		*r = r.at(stack.Place(r.path(c)...))
	}
}

// path leads to the attribute of the check: of the service, or of the block that bears the
// name of the object, or of the stack.
func (r Result) path(c Check) []string {
	path := append(strings.Split(c.Attribute, "."), r.Object)
	if r.Service != "" {
		path = append([]string{"service", r.Service}, path...)
	}
	return path
}
