package adopt_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/golden"
	"minibot/internal/adopt"
	"minibot/render"
	"minibot/spec"
)

// dir is where the compose files of the cases are.
const dir = "/srv/app"

// file is the compose file of a case, with what lies around it.
func file(t *testing.T, c golden.Case) adopt.File {
	t.Helper()
	name := "docker-compose.yml"
	if c.Has("compose.yaml") {
		name = "compose.yaml"
	}
	return adopt.File{
		Name: name, Text: []byte(c.File(t, name)), Dir: dir, Home: "/home/me",
		Read: func(path string) ([]byte, error) {
			if below, err := filepath.Rel(dir, path); err == nil && c.Has(below) {
				return []byte(c.Section(below)), nil
			}
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		},
		Exists: func(path string) bool { return path != dir+"/export" },
	}
}

// options are written in a case as on a command line.
func options(t *testing.T, c golden.Case) (o adopt.Options) {
	t.Helper()
	words := strings.Fields(c.Section("options"))
	for i := 0; i+1 < len(words); i += 2 {
		switch value := words[i+1]; words[i] {
		case "--without":
			o.Without = append(o.Without, value)
		case "--profile":
			o.Profiles = append(o.Profiles, value)
		case "--name":
			o.Name = value
		default:
			t.Fatalf("option %s", words[i])
		}
	}
	return o
}

// Every compose file ends in a spec that holds, or in a list of what is refused with its lines.
func TestCases(t *testing.T) {
	golden.Run(t, "init", func(t *testing.T, c golden.Case) map[string]string {
		result, err := adopt.FromFile(file(t, c), options(t, c))
		if err != nil {
			t.Fatal(err)
		}
		again, err := adopt.FromFile(file(t, c), options(t, c))
		if err != nil || !cmp.Equal(result, again) {
			t.Errorf("another result the second time (%v):\n%s", err, cmp.Diff(result, again))
		}
		holds(t, result)
		notes := shown(result)
		if canary := regexp.MustCompile(`(?i)c4nary`); canary.Match(result.Source) || canary.MatchString(notes) {
			t.Errorf("a secret's value is written:\n%s\n%s", notes, result.Source)
		}
		return map[string]string{"minibot.hcl": string(result.Source), "notes": notes}
	})
}

// holds makes sure that a spec is one that minibot goes on with, or else that it says where what is in the way stands.
func holds(t *testing.T, result adopt.Result) {
	t.Helper()
	if result.Source == nil {
		for _, note := range result.Notes {
			if note.Kind == adopt.Refused && note.Line == 0 {
				t.Errorf("refused without a line: %+v", note)
			}
		}
		if len(result.Notes) == 0 || result.Notes[0].Kind != adopt.Refused {
			t.Error("no spec, and nothing is refused")
		}
		return
	}
	stack, diags := spec.Parse(result.Source, "minibot.hcl", spec.Variables{})
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags.Items(), result.Source)
	}
	if formatted, _ := spec.Format(result.Source, "minibot.hcl"); !bytes.Equal(formatted, result.Source) {
		t.Errorf("not as minibot fmt lays it out:\n%s", cmp.Diff(string(result.Source), string(formatted)))
	}
	if _, _, err := render.Project(stack); err != nil {
		t.Error(err)
	}
	if stack.Name != result.Stack {
		t.Errorf("stack %q, result %q", stack.Name, result.Stack)
	}
	var names []string
	for _, secret := range result.Secrets {
		names = append(names, secret.Name)
	}
	for _, secret := range stack.Secrets {
		if !strings.Contains(strings.Join(names, " "), secret.Name) || secret.Generated() {
			t.Errorf("nobody is told where the value of %s is", secret.Name)
		}
	}
}

// shown are the notes and secrets of a result, for review.
func shown(result adopt.Result) string {
	var out strings.Builder
	for _, note := range result.Notes {
		fmt.Fprintf(&out, "%s: line %d, %s: %s\n  %s\n", note.Kind, note.Line, note.Service, note.What, note.Why)
	}
	for _, secret := range result.Secrets {
		fmt.Fprintf(&out, "secret %s: file %q, whole %t, line %d\n", secret.Name, secret.File, secret.Whole, secret.Line)
	}
	return out.String()
}
