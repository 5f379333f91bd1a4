// Package golden runs the text cases in its folders: one txtar archive a case,
// whose sections are the input and the output wanted. It is used by tests alone
// and knows nothing of what it compares.
//
// MINIBOT_UPDATE=1 go test ./... writes what came out into the archives, for
// review as a diff.
package golden

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// Case is one archive.
type Case struct {
	// Name is the archive's name without its ending.
	Name string
	// Comment is the text before the first section: what the case shows.
	Comment string
	files   map[string]string
}

// File is the content of a section. The test fails if there is none.
func (c Case) File(t *testing.T, name string) string {
	t.Helper()
	content, ok := c.files[name]
	if !ok {
		t.Fatalf("case %s has no section %q", c.Name, name)
	}
	return content
}

// Section is the content of a section, "" if there is none.
func (c Case) Section(name string) string { return c.files[name] }

// Has reports whether there is such a section.
func (c Case) Has(name string) bool { _, ok := c.files[name]; return ok }

// Dir is the folder of this package, where the cases lie.
func Dir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}

// Cases reads all archives of a folder, sorted by name. No archive at all is a failure.
func Cases(t testing.TB, folder string) []Case {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(Dir(), folder, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases in golden/%s (%v)", folder, err)
	}
	var cases []Case
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		one := Case{Name: strings.TrimSuffix(filepath.Base(path), ".txtar"), Comment: string(archive.Comment), files: map[string]string{}}
		for _, file := range archive.Files {
			one.files[file.Name] = string(file.Data)
		}
		cases = append(cases, one)
	}
	return cases
}

// Run makes a subtest of every case in the folder. Act turns a case into the sections
// that are wanted of it; each is compared with the archive's.
func Run(t *testing.T, folder string, act func(t *testing.T, c Case) map[string]string) {
	t.Helper()
	for _, one := range Cases(t, folder) {
		t.Run(one.Name, func(t *testing.T) {
			t.Helper()
			got := act(t, one)
			if os.Getenv("MINIBOT_UPDATE") != "" {
				update(t, filepath.Join(Dir(), folder, one.Name+".txtar"), got)
				return
			}
			for name, content := range got {
				if diff := cmp.Diff(one.files[name], content); diff != "" {
					t.Errorf("%s of golden/%s/%s.txtar (-want +got):\n%s", name, folder, one.Name, diff)
				}
			}
		})
	}
}

// update writes what came out into the archive, keeping its other sections.
func update(t *testing.T, path string, got map[string]string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range got {
		found := false
		for i := range archive.Files {
			if archive.Files[i].Name == name {
				archive.Files[i].Data, found = []byte(content), true
			}
		}
		if !found {
			archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(content)})
		}
	}
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
