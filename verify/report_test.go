package verify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/joshdk/go-junit"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"minibot/spec"
	"minibot/verify"
)

// written holds for every report: each format says what the report says, as its own rules
// demand and its readers expect, and shows no secret.
func written(t *testing.T, report verify.Report) {
	t.Helper()
	for format, check := range map[verify.Format]func(*testing.T, verify.Report, []byte){
		verify.JSON: goodJSON, verify.SARIF: goodSARIF, verify.JUnit: goodJUnit, verify.Prometheus: goodPrometheus,
		verify.Text: func(*testing.T, verify.Report, []byte) {},
	} {
		out := []byte(write(t, report, format))
		if bytes.Contains(out, []byte(theSecret)) {
			t.Errorf("a secret is shown in %s:\n%s", format, out)
		}
		if l := report.LeftOut; l.String() != "" && !regexp.MustCompile(fmt.Sprintf(`left out %d of|"checks": %d|what="checks"} %[1]d`, l.Checks, l.Checks)).MatchString(unwrapped(string(out))) {
			t.Errorf("it looks like a whole report in %s", format)
		}
		check(t, report, out)
		if t.Failed() {
			t.Fatalf("%s:\n%s", format, out)
		}
	}
}

func write(t *testing.T, report verify.Report, format verify.Format) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.Write(&out, format, verify.Options{Version: "1.2.3"}); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return out.String()
}

func goodJSON(t *testing.T, report verify.Report, out []byte) {
	t.Helper()
	validate(t, reportSchema, out)
	var back verify.Report
	if err := json.Unmarshal(out, &back); err != nil || !reflect.DeepEqual(back, report) {
		t.Errorf("the report is another one when it is read back (%v)", err)
	}
}

// closed makes a schema refuse what it does not name, so that no field is forgotten in it.
func closed(schema any) {
	switch node := schema.(type) {
	case map[string]any:
		if _, ok := node["properties"]; ok && node["type"] == "object" {
			node["additionalProperties"] = false
		}
		for _, inner := range node {
			closed(inner)
		}
	case []any:
		for _, inner := range node {
			closed(inner)
		}
	}
}

func goodSARIF(t *testing.T, report verify.Report, out []byte) {
	t.Helper()
	validate(t, sarifSchema, out)
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Invocations []struct{ ExecutionSuccessful bool }
			Results     []struct {
				RuleID, Kind, Level string
				RuleIndex           int
				Locations           []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
				PartialFingerprints map[string]string
				Suppressions        []struct{ Justification string }
			}
		}
	}
	if err := json.Unmarshal(out, &log); err != nil || len(log.Runs) != 1 {
		t.Fatalf("%d runs (%v)", len(log.Runs), err)
	}
	run := log.Runs[0]
	if run.Invocations[0].ExecutionSuccessful == report.Incomplete() {
		t.Error("a run is successful if all could be looked at")
	}
	counts, prints := map[string]int{}, map[string]bool{}
	for _, r := range run.Results {
		kind := map[string]string{"pass": "pass", "fail": "fail", "open": "error", "notApplicable": "skip"}[r.Kind]
		if len(r.Suppressions) > 0 && r.Suppressions[0].Justification != "" {
			kind = "accepted"
		}
		counts[kind]++
		if (r.Level == "none") == (r.Kind == "fail") { // the schema does not say so, the standard does (§3.27.10)
			t.Errorf("%s: kind %s has the level %s", r.RuleID, r.Kind, r.Level)
		}
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("%s: rule %d is %s", r.RuleID, r.RuleIndex, run.Tool.Driver.Rules[r.RuleIndex].ID)
		}
		at := r.Locations[0].PhysicalLocation
		if at.ArtifactLocation.URI != "minibot.hcl" || at.Region.StartLine < 1 {
			t.Errorf("%s points at %+v", r.RuleID, at)
		}
		for _, print := range r.PartialFingerprints {
			if prints[print] {
				t.Errorf("two results have the fingerprint %s", print)
			}
			prints[print] = true
		}
	}
	counted(t, report, counts)
}

// The reader of JUnit files is somebody else's.
func goodJUnit(t *testing.T, report verify.Report, out []byte) {
	t.Helper()
	suites, err := junit.Ingest(out)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	if last := len(suites) - 1; report.LeftOut.String() != "" {
		suites = suites[:last]
	}
	for _, suite := range suites {
		for _, c := range suite.Tests {
			if !strings.HasPrefix(c.Name, suite.Name+".") || c.Classname != suite.Name {
				t.Errorf("case %s of class %s in suite %s", c.Name, c.Classname, suite.Name)
			}
			status := map[junit.Status]string{junit.StatusPassed: "pass", junit.StatusFailed: "fail", junit.StatusError: "error", junit.StatusSkipped: "skip"}[c.Status]
			if strings.HasPrefix(c.Message, "accepted: ") {
				status = "accepted"
			}
			counts[status]++
		}
		if suite.Totals.Tests != len(suite.Tests) {
			t.Errorf("suite %s: %d of %d", suite.Name, len(suite.Tests), suite.Totals.Tests)
		}
	}
	counted(t, report, counts)
}

// counted makes sure that a format has each result once.
func counted(t *testing.T, report verify.Report, counts map[string]int) {
	t.Helper()
	s := report.Summary
	for status, n := range map[string]int{"pass": s.Pass, "fail": s.Fail, "error": s.Error, "skip": s.Skip, "accepted": s.Accepted} {
		if counts[status] != n {
			t.Errorf("%d results are %s, want %d", counts[status], status, n)
		}
	}
}

// The grammar of the text format 0.0.4, as far as it is used.
var (
	sample  = regexp.MustCompile(`^([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\} ([0-9]+)$`)
	comment = regexp.MustCompile(`^# (HELP|TYPE) ([a-z_]+) \S`)
)

func goodPrometheus(t *testing.T, report verify.Report, out []byte) {
	t.Helper()
	declared, series, checks := map[string]int{}, map[string]bool{}, map[string]int{}
	if !bytes.HasSuffix(out, []byte("\n")) {
		t.Error("the last line has no end")
	}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSuffix(line, "\n")
		if m := comment.FindStringSubmatch(line); m != nil {
			declared[m[2]]++
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || declared[m[1]] != 2 || series[m[1]+m[2]] {
			t.Errorf("a bad line: %s", line)
			continue
		}
		series[m[1]+m[2]] = true
		if m[1] == "minibot_check" {
			checks[m[3]]++
		}
	}
	if (checks["1"] > 0) != report.Failed() || (checks["2"] > 0) != report.Incomplete() {
		t.Errorf("%v, of a report that failed: %t, or is incomplete: %t", checks, report.Failed(), report.Incomplete())
	}
	if want := fmt.Sprintf("minibot_results{stack=%q,status=\"pass\"} %d\n", report.Stack, report.Summary.Pass); !bytes.Contains(out, []byte(want)) {
		t.Errorf("there is no line %s", want)
	}
}

var (
	reportSchema = sync.OnceValues(func() (*jsonschema.Schema, error) { return compile(verify.Schema, closed) })
	sarifSchema  = sync.OnceValues(func() (*jsonschema.Schema, error) {
		text, err := os.ReadFile("testdata/sarif-schema-2.1.0.json")
		if err != nil {
			return nil, err
		}
		return compile(text, func(any) {})
	})
)

func compile(text []byte, change func(any)) (*jsonschema.Schema, error) {
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	change(schema)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("urn:schema", schema); err != nil {
		return nil, err
	}
	return compiler.Compile("urn:schema")
}

func validate(t *testing.T, schema func() (*jsonschema.Schema, error), out []byte) {
	t.Helper()
	compiled, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
	if err == nil {
		err = compiled.Validate(value)
	}
	if err != nil {
		t.Errorf("%v", err)
	}
}

// The attribute that a check judges is one of the language.
func TestAttributes(t *testing.T) {
	for _, c := range verify.Checks() {
		path := strings.Split(c.Attribute, ".")
		if c.Attribute != "" && !word(reflect.TypeFor[spec.Service](), path) && !word(reflect.TypeFor[spec.Stack](), path) {
			t.Errorf("%s: neither a service nor a stack has %s", c.ID, c.Attribute)
		}
	}
}

// word reports whether a path leads to an attribute or block; a label may follow a block's type.
func word(block reflect.Type, path []string) bool {
	if len(path) == 0 {
		return true
	}
	for i := range block.NumField() {
		name, kind, _ := strings.Cut(block.Field(i).Tag.Get("hcl"), ",")
		if name != path[0] {
			continue
		}
		inner := block.Field(i).Type
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if kind != "block" {
			return len(path) == 1
		}
		return word(inner, path[1:]) || len(path) > 1 && word(inner, path[2:])
	}
	return false
}

// Every result of the reference machine points at what it judges.
func TestSources(t *testing.T) {
	src := example(t)
	s := newScene(t, src)
	lines := strings.Split(src, "\n")
	want := map[string]string{
		"limit.memory redis":             `"256MB"`,
		"net.publish.loopback redis":     `bind `,
		"net.dial.lan redis":             `bind `,
		"auth.redis.required redis":      `"redis"`,
		"hard.privileged redis":          `service "redis"`,
		"stack.drift stack":              `"minibot"`,
		"net.network.exists minibot-net": `"minibot-net"`,
		"host.macos.firewall host":       `!var.trial`,
		"remote.tailscale.up host":       `"tailscale"`,
		"stack.image.match redis":        `var.redis_image`,
	}
	seen := map[string]bool{}
	for _, r := range verify.Run(t.Context(), s.subject).Results {
		if r.Source == nil {
			t.Errorf("%s of %s points nowhere", r.Check, r.Object)
			continue
		}
		object, _, _ := strings.Cut(r.Object, " ")
		text := lines[r.Source.Line-1][r.Source.Column-1:]
		if start, ok := want[r.Check+" "+object]; ok && !strings.HasPrefix(text, start) {
			t.Errorf("%s of %s points at %s", r.Check, r.Object, text)
		}
		seen[r.Check+" "+object] = true
	}
	for key := range want {
		if !seen[key] {
			t.Errorf("there is no %s", key)
		}
	}
}
