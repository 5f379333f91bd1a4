package render

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"minibot/golden"
	"minibot/spec"
)

// sameProject holds of a spec that compose-go takes what is rendered of it as valid, and loads of
// it, with all its checks, the very project that Load does.
func sameProject(t *testing.T, src []byte) (valid bool) {
	t.Helper()
	stack, diags := spec.Parse(src, "minibot.hcl", spec.Variables{})
	if diags.HasErrors() {
		return false
	}
	got, compose, err := Project(stack)
	if err != nil {
		t.Fatalf("%v\n%s", err, compose)
	}
	want, err := load(stack.Name, compose, func(*loader.Options) {})
	if err != nil {
		t.Fatalf("%v\n%s", err, compose)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("with all of compose-go's checks another project comes of\n%s\n(-with +without):\n%s", compose, cmp.Diff(asText(t, want), asText(t, got)))
	}
	return true
}

// asText is a project for people; two that differ may still look alike.
func asText(t *testing.T, project *types.Project) string {
	t.Helper()
	text, err := project.MarshalYAML()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// specs are all those of the golden cases of every package, and the example.
func specs(t testing.TB) (all [][]byte) {
	t.Helper()
	err := filepath.WalkDir(golden.Dir(), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".txtar" {
			return err
		}
		archive, err := txtar.ParseFile(path)
		if err != nil {
			return err
		}
		for _, file := range archive.Files {
			if filepath.Ext(file.Name) == ".hcl" {
				all = append(all, file.Data)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(filepath.Join(golden.Dir(), "..", "minibot.hcl.example"))
	if err != nil {
		t.Fatal(err)
	}
	return append(all, example)
}

// TestLoad covers every attribute, since each has a golden case (TestComplete).
func TestLoad(t *testing.T) {
	valid := 0
	for _, src := range specs(t) {
		if sameProject(t, src) {
			valid++
		}
	}
	if valid < 100 {
		t.Errorf("only %d golden specs are valid: the walk looks in the wrong place", valid)
	}
}

func FuzzLoad(f *testing.F) {
	for _, src := range specs(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) { sameProject(t, src) })
}
