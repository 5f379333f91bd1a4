package spec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"minibot/spec"
)

func TestFormat(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"indentation":  {"service \"a\" {\nimage = \"x\"\n}\n", "service \"a\" {\n  image = \"x\"\n}\n"},
		"equals signs": {"limits {\n  memory = \"1g\"\n  cpus = 1\n}\n", "limits {\n  memory = \"1g\"\n  cpus   = 1\n}\n"},
		"comments":     {"name=\"a\"# why\n\n\n# and\n", "name = \"a\" # why\n\n\n# and\n"},
		"a heredoc":    {"x = <<EOT\n  a   =  b\nEOT\n", "x = <<EOT\n  a   =  b\nEOT\n"},
		"no end":       {"name=\"a\"", "name = \"a\""},
		"nothing":      {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, diags := spec.Format([]byte(c.src), "a.hcl")
			if diags := cmp.Diff(c.want, string(got)); diags != "" {
				t.Errorf("-want +got\n%s", diags)
			}
			if !diags.Empty() {
				t.Errorf("messages: %v", diags.Items())
			}
		})
	}
}

// What cannot be parsed is not touched, and gets the messages of Parse.
func TestFormatSyntax(t *testing.T) {
	for _, src := range []string{"name = \n", "a {\nb=1", "memory = 1GB\n", "name = \"\uE000\"\n"} {
		got, diags := spec.Format([]byte(src), "a.hcl")
		_, want := spec.Parse([]byte(src), "a.hcl", spec.Variables{})
		if string(got) != src || !diags.HasErrors() {
			t.Errorf("%q became %q, %v", src, got, diags.Items())
		}
		if diff := cmp.Diff(want.Items()[0], diags.Items()[0]); diff != "" {
			t.Errorf("%q: -parse +format\n%s", src, diff)
		}
	}
}

// A spec says the same after Format, and Format has nothing to do then.
func FuzzFormat(f *testing.F) {
	cases, err := filepath.Glob("../golden/diag/*.txtar")
	if err != nil || len(cases) == 0 {
		f.Fatalf("no cases (%v)", err)
	}
	for _, file := range append(cases, "testdata/full.hcl", "../minibot.hcl.example") {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if _, after, found := strings.Cut(string(src), ".hcl --\n"); found {
			src, _, _ = bytes.Cut([]byte(after), []byte("\n-- "))
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		formatted, diags := spec.Format(src, "a.hcl")
		if diags.HasErrors() {
			return
		}
		if again, diags := spec.Format(formatted, "a.hcl"); diags.HasErrors() || !bytes.Equal(formatted, again) {
			t.Errorf("formatted twice: %v\n%s", diags.Items(), cmp.Diff(string(formatted), string(again)))
		}
		before, _ := spec.Parse(src, "a.hcl", spec.Variables{})
		after, _ := spec.Parse(formatted, "a.hcl", spec.Variables{})
		if diff := cmp.Diff(before, after, cmpopts.IgnoreTypes(spec.Range{})); diff != "" {
			t.Errorf("another meaning (-before +after):\n%s", diff)
		}
	})
}
