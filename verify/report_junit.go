package verify

import (
	"encoding/xml"
	"fmt"
	"io"
)

// The elements of a JUnit report, as Jenkins, GitLab and others read it.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Name    string       `xml:"name,attr"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string     `xml:"classname,attr"`
		Name    string     `xml:"name,attr"`
		File    string     `xml:"file,attr,omitempty"`
		Line    int        `xml:"line,attr,omitempty"`
		Failure *junitText `xml:"failure"`
		Error   *junitText `xml:"error"`
		Skipped *junitText `xml:"skipped"`
	}
	junitText struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes a test suite for each family and a test case for each result. What is
// accepted counts as skipped, with the reason.
func (r Report) writeJUnit(w io.Writer, _ Options) error {
	suites := junitSuites{Name: "minibot verify " + r.Stack}
	for _, results := range group(r.Results, func(r Result) string { return family(r.Check) }) {
		suite := junitSuite{Name: family(results[0].Check)}
		for _, result := range results {
			suite.add(result.junit())
		}
		suites.Suites = append(suites.Suites, suite)
	}
	if text := r.LeftOut.String(); text != "" { // or a report of a part would look like a whole one
		suite := junitSuite{Name: "left-out"}
		suite.add(junitCase{Class: suite.Name, Name: "left-out.checks", Skipped: &junitText{Message: text}})
		suites.Suites = append(suites.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suites); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func (r Result) junit() junitCase {
	c := junitCase{Class: family(r.Check), Name: fmt.Sprintf("%s[%s]", r.Check, r.Object)}
	if r.Source != nil {
		c.File, c.Line = r.Source.File, r.Source.Line
	}
	text := fmt.Sprintf("want: %s\nseen: %s%s\nfix: %s", r.Claim, r.Evidence, prefixed("\nnote: the spec accepted this ", r.Lapsed), r.Remedy)
	bad := &junitText{Type: string(r.Severity), Message: r.Evidence, Text: text}
	switch {
	case r.Accepted != "":
		c.Skipped = &junitText{Message: fmt.Sprintf("accepted: %s: %s", r.waiver(), r.Evidence)}
	case r.Status == Fail:
		c.Failure = bad
	case r.Status == Error:
		c.Error = bad
	case r.Status == Skip:
		c.Skipped = &junitText{Message: r.Evidence}
	}
	return c
}
