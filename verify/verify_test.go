package verify_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"minibot/golden"
	"minibot/verify"
)

// TestGolden runs the cases in golden/verify. Every case says in "live" what is wrong with
// its machine (see scene), and in "report" all that verify may find about it.
func TestGolden(t *testing.T) {
	golden.Run(t, "verify", func(t *testing.T, c golden.Case) map[string]string {
		report := run(t, c)
		got := map[string]string{"report": findings(report, ordinary(t, c))}
		if c.Has("skips") {
			got["skips"] = skips(report)
		}
		if c.Has("text") {
			got["text"] = text(t, report, verify.TextOptions{})
		}
		if c.Has("verbose") {
			got["verbose"] = text(t, report, verify.TextOptions{Verbose: true})
		}
		for _, format := range []verify.Format{verify.JSON, verify.JUnit, verify.SARIF, verify.Prometheus} {
			if c.Has(string(format)) {
				got[string(format)] = write(t, report, format)
			}
		}
		for name, content := range got {
			got[name] = tableSize.ReplaceAllString(content, "$1 N")
		}
		return got
	})
}

// tableSize is how many checks a selection leaves out, of how many: each new check changes that.
var tableSize = regexp.MustCompile(`(left out|"checks":|what="checks"\}) \d+(?: of \d+)?`)

func run(t *testing.T, c golden.Case) verify.Report {
	t.Helper()
	report := runLive(t, c, c.File(t, "live"))
	sane(t, report)
	return report
}

func runLive(t *testing.T, c golden.Case, live string) verify.Report {
	t.Helper()
	src := example(t)
	if c.Has("minibot.hcl") {
		src = c.File(t, "minibot.hcl")
	}
	s := newScene(t, src)
	s.play(live)
	if c.Has("select") {
		s.subject.Select = selection(t, c.File(t, "select"))
	}
	return verify.Run(t.Context(), s.subject)
}

// selection reads what a case selects, one flag of verify to a line.
func selection(t *testing.T, text string) (s verify.Selection) {
	t.Helper()
	for line := range strings.Lines(text) {
		flag, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch flag {
		case "--only":
			s.Only = append(s.Only, value)
		case "--skip":
			s.Skip = append(s.Skip, value)
		case "--severity":
			s.Severity = verify.Severity(value)
		default:
			t.Fatalf("no flag %q", flag)
		}
	}
	if _, err := s.Checks(); err != nil {
		t.Fatal(err)
	}
	return s
}

func example(t *testing.T) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(golden.Dir(), "..", "minibot.hcl.example"))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// findings writes all that did not pass, a line each, but not what is skipped or accepted on a machine in good order, too:
// a new check that passes or does not apply changes no case.
func findings(report verify.Report, ordinary []string) string {
	var out strings.Builder
	counts := map[string]int{}
	for _, r := range report.Results {
		status := string(r.Status)
		if r.Accepted != "" {
			status = "accepted"
		}
		if r.Status == verify.Pass || slices.Contains(ordinary, finding(status, r)) {
			continue
		}
		counts[status]++
		out.WriteString(finding(status, r))
		if r.Accepted != "" {
			fmt.Fprintf(&out, "  because: %s\n", r.Accepted)
		}
		if r.Lapsed != "" {
			fmt.Fprintf(&out, "  was accepted %s\n", r.Lapsed)
		}
	}
	fmt.Fprintf(&out, "%d failed, %d errors, %d accepted, %d skipped\n", counts["fail"], counts["error"], counts["accepted"], counts["skip"])
	return out.String()
}

func finding(status string, r verify.Result) string {
	return fmt.Sprintf("%s %s %s [%s] %s\n", status, r.Severity, r.Check, r.Object, r.Evidence)
}

// skips writes all that was skipped.
func skips(report verify.Report) string {
	var out strings.Builder
	for _, r := range report.Results {
		if r.Status == verify.Skip {
			out.WriteString(finding("skip", r))
		}
	}
	return out.String()
}

// ordinary are the findings on the same kind of machine, if it is as the spec of the case says: skips, and what the spec accepts.
func ordinary(t *testing.T, c golden.Case) []string {
	t.Helper()
	kind := machineLine.FindAllString(c.File(t, "live"), -1)
	var known []string
	for _, r := range runLive(t, c, strings.Join(kind, "\n")).Results {
		switch {
		case r.Accepted != "":
			known = append(known, finding("accepted", r))
		case r.Status == verify.Skip:
			known = append(known, finding("skip", r))
		}
	}
	return known
}

var machineLine = regexp.MustCompile(`(?m)^machine .*$`)

// sane holds for every report.
func sane(t *testing.T, report verify.Report) {
	t.Helper()
	for _, r := range report.Results {
		if r.Check == "" || r.Object == "" || r.Claim == "" || r.Evidence == "" || r.Severity == "" {
			t.Errorf("incomplete result: %+v", r)
		}
		if check, err := verify.Find(r.Check); err != nil || severer(r.Severity, check.Severity) {
			t.Errorf("%s is %s, worse than the table says (%v): the table has the worst, a result says less with as()", r.Check, r.Severity, err)
		}
		if needed := r.Status == verify.Fail || r.Status == verify.Error; needed != (r.Remedy != "") {
			t.Errorf("%s of %s: remedy %q", r.Status, r.Check, r.Remedy)
		}
		if strings.ContainsAny(r.Evidence, "\n\x1b") {
			t.Errorf("%s: evidence is not one line: %q", r.Check, r.Evidence)
		}
	}
	s := report.Summary
	if n := s.Pass + s.Fail + s.Skip + s.Error + s.Accepted; n != len(report.Results) {
		t.Errorf("the summary counts %d of %d results", n, len(report.Results))
	}
	has := func(status verify.Status) bool {
		return slices.ContainsFunc(report.Results, func(r verify.Result) bool { return r.Status == status && r.Accepted == "" })
	}
	if report.Failed() != has(verify.Fail) || report.Incomplete() != has(verify.Error) {
		t.Errorf("failed %t, incomplete %t", report.Failed(), report.Incomplete())
	}
	plain, colored := text(t, report, verify.TextOptions{}), text(t, report, verify.TextOptions{Color: true})
	if ansi.ReplaceAllString(colored, "") != plain {
		t.Error("the text is another one with color")
	}
	for _, shown := range []string{plain, text(t, report, verify.TextOptions{Verbose: true}), write(t, report, verify.JSON)} {
		if strings.Contains(shown, theSecret) {
			t.Errorf("a secret is shown:\n%s", shown)
		}
	}
	fits(t, plain)
	written(t, report)
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")

func text(t *testing.T, report verify.Report, opt verify.TextOptions) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.WriteText(&out, opt); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var severities = []verify.Severity{verify.Critical, verify.High, verify.Medium, verify.Low, verify.Info}

func severer(a, b verify.Severity) bool {
	return slices.Index(severities, a) < slices.Index(severities, b)
}

// TestTable holds the table to its own rules.
func TestTable(t *testing.T) {
	id := regexp.MustCompile(`^[a-z]+(\.[a-z0-9]+(-[a-z]+)*)+$`)
	cis := regexp.MustCompile(`^(|[1-7]\.[0-9]+)$`)
	seen := map[string]bool{}
	families := []string{""}
	for _, c := range verify.Checks() {
		if !id.MatchString(c.ID) || seen[c.ID] {
			t.Errorf("%s: a bad id, or one that is there twice", c.ID)
		}
		seen[c.ID] = true
		family, _, _ := strings.Cut(c.ID, ".")
		if family != families[len(families)-1] {
			if slices.Contains(families, family) {
				t.Errorf("%s: its family is elsewhere in the table", c.ID)
			}
			families = append(families, family)
		}
		for _, sentence := range []string{c.Claim, c.Why, c.How, c.Remedy} {
			if len(sentence) < 10 || strings.Contains(sentence, "\n") || unicode.IsLower([]rune(sentence)[0]) {
				t.Errorf("%s: %q is not a sentence", c.ID, sentence)
			}
		}
		if strings.TrimRight(c.Why, ".") == c.Why || strings.TrimRight(c.How, ".") == c.How {
			t.Errorf("%s: Why and How are whole sentences", c.ID)
		}
		if c.Applies == "" || strings.HasSuffix(c.Applies, ".") {
			t.Errorf("%s: Applies is %q; say which services or machines, without a full stop", c.ID, c.Applies)
		}
		if !strings.HasSuffix(c.Claim, ".") || strings.Contains(c.Claim, "\n") {
			t.Errorf("%s: %q is not one sentence", c.ID, c.Claim)
		}
		if !slices.Contains(severities, c.Severity) || !cis.MatchString(c.CIS) {
			t.Errorf("%s: severity %q, CIS %q", c.ID, c.Severity, c.CIS)
		}
	}
}

// TestEveryCheckHasACase shows which check no case has seen to do anything but pass.
func TestEveryCheckHasACase(t *testing.T) {
	failed, other := map[string]bool{}, map[string]bool{}
	for _, c := range golden.Cases(t, "verify") {
		for _, r := range run(t, c).Results {
			id := r.Check
			if strings.HasPrefix(id, findingsOf) {
				id = strings.TrimSuffix(findingsOf, ".")
			}
			failed[id] = failed[id] || r.Status == verify.Fail
			other[id] = other[id] || r.Status != verify.Pass
		}
	}
	// What cannot fail yet: it is an error, or always skipped.
	never := []string{"stack.engine.reachable"}
	for _, check := range verify.Checks() {
		if !other[check.ID] {
			t.Errorf("%s passes in every case of golden/verify: add one in which it does not", check.ID)
		}
		if failed[check.ID] == slices.Contains(never, check.ID) {
			t.Errorf("%s: fails in a case: %t", check.ID, failed[check.ID])
		}
	}
}

// findingsOf begins the ids of what OpenClaw's audit finds.
const findingsOf = "auth.openclaw.audit."
