package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/internal/plan"
	"minibot/render"
)

// nasty are values that JSON or YAML could read as something else.
var nasty = []string{
	"", " ", "  two", "trailing ", "a: b", "a #b", "# b", "- a", "? a", "true", "yes", "on", "1", "1.0", "0x10", "1_000", "1e3", ".inf", "~", "null", "2026-01-02",
	"2026-01-02T03:04:05Z", "190:20:30", "!!str x", "&a", "*a", "<<", "=", "'", "\"", "\\", "\\n", "%TAG", "@x", "`x`", "{a: b}", "[a]", "---", "...", "|", ">",
	"line\nline", "line\nline\n", "line\n\n\n", "\nline", "\n", "\n\n", "  line\n line\n", "line \nline", "line\r\nline", "\r", "a\tb", "\ta", "\ta\nb", "a\n\tb\n",
	"é", "日本語", "🙂", "\u00a0", "\u0085", "\u2028", "a\u2028b\nc", "\ufeff", "\x00", "\x1b[31m", "\u007f", strings.Repeat("long word ", 200), "${TOKEN:?is a secret of this stack}",
	"$$5", "a\n---\nb", "a\n...\nb", "key: |\n  text\n",
}

func TestLabel(t *testing.T) {
	fields := plan.Fields{"ports": {"a", "b: c", "1"}, "empty": {"", ""}}
	for _, value := range nasty {
		fields["environment."+value] = []string{value}
		fields["tmpfs"] = append(fields["tmpfs"], value)
		one := plan.Fields{"command": {value}}
		if got := parse(t, one.Label()); !cmp.Equal(one, got) {
			t.Errorf("%q came back as %q, from %q", value, got, one.Label())
		}
	}
	label := fields.Label()
	if diff := cmp.Diff(fields, parse(t, label)); diff != "" {
		t.Errorf("(-wrote +read):\n%s", diff)
	}
	if label != fields.Label() {
		t.Error("the same fields, another text")
	}
}

func parse(t testing.TB, label string) plan.Fields {
	t.Helper()
	fields, err := plan.ParseLabel(label)
	if err != nil {
		t.Fatalf("%v in\n%s", err, label)
	}
	return fields
}

// The first minibots wrote YAML.
func TestParseLabelYAML(t *testing.T) {
	want := plan.Fields{"command": {`["a","b"]`}, "configs./c.content": {"one\n two\n"}, "ports": {"1", "2"}}
	if diff := cmp.Diff(want, parse(t, "command: '[\"a\",\"b\"]'\nconfigs./c.content: |\n    one\n     two\nports:\n    - \"1\"\n    - \"2\"\n")); diff != "" {
		t.Errorf("(-want +read):\n%s", diff)
	}
}

// A label that somebody else wrote is an error, or fields; never a panic.
func TestParseLabelBad(t *testing.T) {
	for _, text := range []string{"a: 1", "a: {b: c}", "- a", "a", "a: [", "a: null", "a: b\na: c", "\x00", `{"a": 1}`, `{"a": null}`, `["a"]`} {
		if fields, err := plan.ParseLabel(text); err == nil {
			t.Errorf("%q is read as %q", text, fields)
		}
	}
}

func FuzzLabel(f *testing.F) {
	for _, value := range nasty {
		f.Add("environment.A", value, "")
	}
	f.Fuzz(func(t *testing.T, path, value, other string) {
		if slices.ContainsFunc([]string{path, value, other}, func(s string) bool { return s != strings.ToValidUTF8(s, "") }) {
			return // what JSON writes is valid
		}
		fields := plan.Fields{path: {value}, path + "s": {value, other}}
		if diff := cmp.Diff(fields, parse(t, fields.Label())); diff != "" {
			t.Errorf("(-wrote +read):\n%s\n%q", diff, fields.Label())
		}
		_, _ = plan.ParseLabel(value)
	})
}

// The files of every case survive the label.
func TestLabelDesired(t *testing.T) {
	for _, fields := range plan.Desired(projectOf(t, stack)) {
		if diff := cmp.Diff(fields, parse(t, fields.Label())); diff != "" {
			t.Errorf("(-wrote +read):\n%s", diff)
		}
	}
}

// The volume that render marks is the one that plan knows: they cannot import each other.
func TestFilesLabel(t *testing.T) {
	if plan.LabelFiles != render.FilesLabel {
		t.Errorf("%s, and render writes %s", plan.LabelFiles, render.FilesLabel)
	}
}
