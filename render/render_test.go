package render_test

import (
	"os"
	"path/filepath"
	"testing"

	"minibot/golden"
"minibot/internal/plan"
	"minibot/render"
	"minibot/spec"
)

func parse(t testing.TB, src []byte) *spec.Stack {
	t.Helper()
	stack, diags := spec.Parse(src, "minibot.hcl", spec.Variables{})
	if diags.HasErrors() {
		_ = diags.WriteText(os.Stderr, 100, false)
		t.Fatal(diags)
	}
	return stack
}

func TestX(t *testing.T) {
	src, err := os.ReadFile(filepath.Join(golden.Dir(), "..", "minibot.hcl.example"))
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t, src)
	p, b, err := render.Project(s)
	os.WriteFile("/tmp/c.yml", b, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	y, err := p.MarshalYAML()
	os.WriteFile("/tmp/l.yml", y, 0o644)
}

func BenchmarkExample(b *testing.B) {
	src, err := os.ReadFile(filepath.Join(golden.Dir(), "..", "minibot.hcl.example"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := render.Project(parse(b, src)); err != nil {
			b.Fatal(err)
		}
	}
}

func TestY(t *testing.T) {
	src, _ := os.ReadFile(filepath.Join(golden.Dir(), "..", "minibot.hcl.example"))
	p, _, err := render.Project(parse(t, src))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(plan.Desired(p)["openclaw"].Label())
	t.Log(plan.Desired(p)["postgres"].Label())
}
