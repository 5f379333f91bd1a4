package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const frameworkFile = "keychain_darwin_cgo.go"

// TestDarwinTypes checks the types of the macOS build with cgo on any machine that has the go command, with no C
// compiler: the go command lists the files, go/types reads them with FakeImportC. What came through C itself has no
// type then; all calls into go-keychain are Go and are checked. The planted mistakes show that it would notice.
func TestDarwinTypes(t *testing.T) {
	build := loadDarwin(t)
	if errs := build.check(nil); len(errs) > 0 {
		t.Fatalf("darwin with cgo does not compile: %v", errors.Join(errs...))
	}
	source, err := os.ReadFile(frameworkFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"arity":            {"keychain.QueryItem(query)", "keychain.QueryItem(query, 1)", "too many arguments"},
		"type":             {"item.SetData(value.peek())", `item.SetData("text")`, "cannot use"},
		"constant":         {"keychain.MatchLimitAll", "keychain.MatchLimitEvery", "undefined: keychain.MatchLimitEvery"},
		"method":           {"item.SetSynchronizable(keychain.SynchronizableNo)", "item.SetUseDataProtectionKeychain(true)", "SetUseDataProtectionKeychain undefined"},
		"results":          {"err := keychain.AddItem(item)", "_, err := keychain.AddItem(item)", "assignment mismatch"},
		"field":            {"r.ModificationDate", "r.Modified", "r.Modified undefined"},
		"our own function": {"keychainError(name, int(status))", "keychainError(status, name)", "cannot use"},
	} {
		planted := strings.ReplaceAll(string(source), c.old, c.new)
		if planted == string(source) {
			t.Fatalf("%s: %q is no longer in %s", name, c.old, frameworkFile)
		}
		if errs := build.check([]byte(planted)); !strings.Contains(fmt.Sprint(errs), c.want) {
			t.Errorf("%s: a planted mistake was not found: %v", name, errs)
		}
	}
}

// darwinPackage is what `go list` says of a package.
type darwinPackage struct {
	ImportPath, Dir   string
	GoFiles, CgoFiles []string
	ImportMap         map[string]string // of vendored imports in the standard library
	Error             *struct{ Err string }
}

// darwinBuild holds the checked dependencies, and the package under test.
type darwinBuild struct {
	t     *testing.T
	files *token.FileSet
	deps  map[string]*types.Package
	self  darwinPackage
}

func loadDarwin(t *testing.T) *darwinBuild {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-e", "-json=ImportPath,Dir,GoFiles,CgoFiles,ImportMap,Error", ".")
	cmd.Env = append(os.Environ(), "GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=1")
	var messages bytes.Buffer
	cmd.Stderr = &messages
	list, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, messages.Bytes())
	}
	b := &darwinBuild{t, token.NewFileSet(), map[string]*types.Package{"unsafe": types.Unsafe}, darwinPackage{}}
	for dec := json.NewDecoder(bytes.NewReader(list)); ; { // dependencies come before what needs them
		var p darwinPackage
		if err := dec.Decode(&p); err == io.EOF {
			return b
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Error != nil {
			t.Fatalf("%s: %s", p.ImportPath, p.Error.Err)
		}
		b.self = p // the last one listed
		if p.ImportPath != "unsafe" {
			// Errors in dependencies are expected: their C types are unknown here.
			b.deps[p.ImportPath], _ = b.typeCheck(p, true, nil)
		}
	}
}

// check reports the mistakes in this package, with other text for the file of the framework if that is not nil.
func (b *darwinBuild) check(framework []byte) []error {
	_, errs := b.typeCheck(b.self, false, framework)
	return errs
}

func (b *darwinBuild) typeCheck(p darwinPackage, signaturesOnly bool, framework []byte) (*types.Package, []error) {
	var errs []error
	var files []*ast.File
	for _, name := range append(p.GoFiles, p.CgoFiles...) {
		var source any // nil: from disk
		if name == frameworkFile && framework != nil {
			source = framework
		}
		file, err := parser.ParseFile(b.files, filepath.Join(p.Dir, name), source, parser.SkipObjectResolution)
		if err != nil {
			b.t.Fatal(err)
		}
		files = append(files, file)
	}
	config := types.Config{
		FakeImportC:      true,
		IgnoreFuncBodies: signaturesOnly,
		Sizes:            types.SizesFor("gc", "arm64"),
		Error:            func(err error) { errs = append(errs, err) },
		Importer: importerFunc(func(path string) (*types.Package, error) {
			if mapped := p.ImportMap[path]; mapped != "" {
				path = mapped
			}
			if dep := b.deps[path]; dep != nil {
				return dep, nil
			}
			return nil, fmt.Errorf("%s was not listed", path)
		}),
	}
	pkg, _ := config.Check(p.ImportPath, b.files, files, nil)
	return pkg, errs
}

type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }
