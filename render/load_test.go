package render

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"minibot/golden"
	"minibot/spec"
)

// sameProject holds of a spec that compose-go takes what is rendered of it as valid, and loads of it
// the very project that Load does.
func sameProject(t *testing.T, src []byte) (valid bool) {
	t.Helper()
	stack, diags := spec.Parse(src, "minibot.hcl", spec.Variables{})
	if diags.HasErrors() {
		return false
	}
	sameBytes(t, document(stack))
	got, compose, err := Project(stack)
	if err != nil {
		t.Fatalf("%v\n%s", err, compose)
	}
	want, err := load(stack.Name, compose)
	if err != nil {
		t.Fatalf("%v\n%s", err, compose)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("compose-go loads another project of\n%s\n(-compose-go +Load):\n%s", compose, cmp.Diff(dump(want), dump(got)))
	}
	return true
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

// dump is a project for people, with nil and empty apart.
func dump(p *types.Project) string {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(text) + pointer.ReplaceAllString(fmt.Sprintf("%#v", *p), "")
}

var pointer = regexp.MustCompile("0x[0-9a-f]+")

// load loads a file as docker compose does, all its checks included. A rendered file has no include and no extends,
// and its references to secrets stay.
func load(name string, compose []byte) (*types.Project, error) {
	details := types.ConfigDetails{
		WorkingDir:  "/",
		ConfigFiles: []types.ConfigFile{{Filename: FileName, Content: compose}},
	}
	// The loader takes a context for remote includes; a rendered file has none.
	project, err := loader.LoadWithContext(context.Background(), details, func(o *loader.Options) {
		o.SetProjectName(name, true)
		o.SkipInterpolation = true
		o.SkipInclude = true
		o.SkipExtends = true
	})
	if err != nil {
		return nil, fmt.Errorf("the rendered file is not a valid compose file: %w", err)
	}
	return project, nil
}
