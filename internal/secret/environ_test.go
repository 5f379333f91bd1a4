package secret

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEnvironWithoutOurSecrets(t *testing.T) {
	t.Setenv("MINIBOT_SECRET_TOKEN", canary)
	t.Setenv("MINIBOT_SECRET__label_key", canary)
	t.Setenv("MINIBOT_AGE_KEY", canary)
	t.Setenv("MINIBOT_SECRETS_DIR", "/stays")
	t.Setenv("MINIBOT_TEST_OTHER", "stays")
	got := Environ()
	mustNotShow(t, "Environ", strings.Join(got, "\n"))
	for _, want := range []string{"MINIBOT_SECRETS_DIR=/stays", "MINIBOT_TEST_OTHER=stays"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is gone", want)
		}
	}
	if len(got) != len(os.Environ())-3 {
		t.Errorf("%d variables of %d", len(got), len(os.Environ()))
	}
	if os.Getenv("MINIBOT_SECRET_TOKEN") == "" {
		t.Error("our own environment was changed")
	}
}

// TestEveryChildHasItsEnvironment: a program that the package starts gets an environment that was made for it, and
// never ours. There is one way to start one, exec.CommandContext.
func TestEveryChildHasItsEnvironment(t *testing.T) {
	starts := 0
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		n, faults := startsIn(t, file, nil)
		starts += n
		for _, fault := range faults {
			t.Error(fault)
		}
	}
	if starts != 2 {
		t.Errorf("%d programs are started, this test knows 2", starts)
	}
	for what, body := range map[string]string{
		"no Env":            `cmd := exec.CommandContext(ctx, "x"); cmd.Run()`,
		"ours":              `cmd := exec.CommandContext(ctx, "x"); cmd.Env = os.Environ()`,
		"without a context": `cmd := exec.Command("x"); cmd.Env = toolEnv()`,
		"past os/exec":      `os.StartProcess("x", nil, nil)`,
	} {
		if _, faults := startsIn(t, "planted.go", []byte("package p\nfunc f() { "+body+" }")); len(faults) == 0 {
			t.Errorf("%s: a planted mistake was not found", what)
		}
	}
}

// startsIn finds the functions in a file that start programs, and what is wrong with them.
func startsIn(t *testing.T, name string, source []byte) (starts int, faults []string) {
	t.Helper()
	var from any // nil: from disk
	if source != nil {
		from = source
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, from, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		function, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		here, own := 0, 0
		ast.Inspect(function, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				of, _ := n.X.(*ast.Ident)
				switch {
				case of == nil:
				case of.Name == "exec" && n.Sel.Name == "CommandContext":
					here++
				case of.Name == "exec" && (n.Sel.Name == "Command" || n.Sel.Name == "Cmd"),
					n.Sel.Name == "StartProcess", n.Sel.Name == "ForkExec", of.Name != "exec" && n.Sel.Name == "Exec":
					faults = append(faults, name+": "+function.Name.Name+" uses "+of.Name+"."+n.Sel.Name)
				}
			case *ast.AssignStmt:
				field, _ := n.Lhs[0].(*ast.SelectorExpr)
				call, _ := n.Rhs[0].(*ast.CallExpr)
				if field != nil && field.Sel.Name == "Env" && call != nil {
					if made, ok := call.Fun.(*ast.Ident); ok && (made.Name == "toolEnv" || made.Name == "execEnv") {
						own++
					}
				}
			}
			return true
		})
		if here != own {
			faults = append(faults, name+": "+function.Name.Name+" starts a program without an environment of its own")
		}
		starts += here
	}
	return starts, faults
}

// treeOf lists a directory, to see that nothing was made there.
func treeOf(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
