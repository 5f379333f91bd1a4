package render_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/golden"
	"minibot/render"
	"minibot/spec"
)

func parse(t testing.TB, src string) *spec.Stack {
	t.Helper()
	stack, diags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{})
	if diags.HasErrors() {
		_ = diags.WriteText(os.Stderr, 100, false)
		t.Fatal(diags)
	}
	return stack
}

func compose(t testing.TB, src string) string {
	t.Helper()
	stack := parse(t, src)
	rendered, err := render.Compose(stack)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := render.Load(stack.Name, rendered); err != nil {
		t.Fatalf("%v\n%s", err, rendered)
	}
	return string(rendered)
}

func example(t testing.TB) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(golden.Dir(), "..", "minibot.hcl.example"))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

func TestCases(t *testing.T) {
	golden.Run(t, "render", func(t *testing.T, c golden.Case) map[string]string {
		return map[string]string{render.FileName: compose(t, c.File(t, "minibot.hcl"))}
	})
}

// The example's rendering lies beside the cases as it would beside a spec, because people
// read it to see what minibot makes.
func TestExample(t *testing.T) {
	got := compose(t, example(t))
	path := filepath.Join(golden.Dir(), "render", "example.yml")
	if os.Getenv("MINIBOT_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("golden/render/example.yml (-want +got):\n%s", diff)
	}
}

// elsewhere lists what the spec says that is not for the compose file, and who uses it.
var elsewhere = map[string]string{
	"name":               "is in every case",
	"secret.generate":    "apply",
	"secret.description": "minibot secret",
	"secrets.command":    "apply",
	"secrets.store":      "apply",
	"host.":              "verify",
	"remote.":            "verify, tunnel",
	"accept.":            "verify",
	"variable.":          "used up by spec",
	"service.egress":     "verify",
	"service.auth.":      "verify",
	"service.probe.":     "verify",
}

// Every attribute of the language has a case of its name, which renders differently from
// the base case: an attribute cannot be read and then forgotten.
func TestComplete(t *testing.T) {
	cases := map[string]golden.Case{}
	for _, c := range golden.Cases(t, "render") {
		cases[c.Name] = c
	}
	base := compose(t, cases["base"].File(t, "minibot.hcl"))
	for _, path := range attributes("", reflect.TypeFor[spec.Stack]()) {
		if slices.ContainsFunc(slices.Collect(keys(elsewhere)), func(known string) bool {
			return path == known || strings.HasSuffix(known, ".") && strings.HasPrefix(path, known)
		}) {
			continue
		}
		c, ok := cases[path]
		if !ok {
			t.Errorf("attribute %s: write golden/render/%s.txtar and render it in render/service.go, or say in elsewhere who uses it", path, path)
			continue
		}
		if compose(t, c.File(t, "minibot.hcl")) == base {
			t.Errorf("attribute %s does not change the rendered file: add it to render/service.go", path)
		}
	}
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// attributes lists the paths of the language from the tags of its structs.
func attributes(prefix string, t reflect.Type) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	var paths []string
	for i := range t.NumField() {
		name, kind, _ := strings.Cut(t.Field(i).Tag.Get("hcl"), ",")
		switch {
		case kind == "block":
			paths = append(paths, attributes(prefix+name+".", t.Field(i).Type)...)
		case name != "" && (kind == "" || kind == "optional"):
			paths = append(paths, prefix+name)
		}
	}
	return paths
}

func TestStable(t *testing.T) {
	first := compose(t, example(t))
	for range 20 {
		if again := compose(t, example(t)); again != first {
			t.Fatal(cmp.Diff(first, again))
		}
	}
}

// BenchmarkExample is what every command does first: parse, render and load the example.
func BenchmarkExample(b *testing.B) {
	src := example(b)
	for b.Loop() {
		if _, _, err := render.Project(parse(b, src)); err != nil {
			b.Fatal(err)
		}
	}
}
