package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/spec"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The README's table of packages is that of arch_test.go.
func TestReadmePackages(t *testing.T) {
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z/.]+)` \\|").FindAllStringSubmatch(readme(t), -1) {
		listed = append(listed, row[1])
	}
	for pkg := range imports {
		if !strings.HasPrefix(pkg, "internal/testbed/") && !slices.Contains(listed, pkg) {
			t.Errorf("the README does not list %s", pkg)
		}
	}
	for _, pkg := range listed {
		if _, ok := imports[pkg]; !ok {
			t.Errorf("the README lists %s, which is no package", pkg)
		}
	}
}

// The README's exit codes are those of exit.go.
func TestReadmeExitCodes(t *testing.T) {
	var listed []exitCode
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \| (.*) \|$`).FindAllStringSubmatch(readme(t), -1) {
		code, _ := strconv.Atoi(row[1])
		listed = append(listed, exitCode{code, strings.ReplaceAll(row[2], "`", "")})
	}
	if diff := cmp.Diff(exitCodes, listed); diff != "" {
		t.Errorf("-exit.go +README\n%s", diff)
	}
}

// The README's spec is one that minibot takes.
func TestReadmeSpec(t *testing.T) {
	found := regexp.MustCompile("(?s)```hcl\n(.*?)```").FindStringSubmatch(readme(t))
	if found == nil {
		t.Fatal("the README has no spec")
	}
	if _, diags := spec.Parse([]byte(found[1]), "README.md", spec.Variables{}); !diags.Empty() {
		t.Errorf("%v", diags.Items())
	}
	if formatted, _ := spec.Format([]byte(found[1]), "README.md"); string(formatted) != found[1] {
		t.Errorf("the README's spec is not formatted:\n%s", cmp.Diff(found[1], string(formatted)))
	}
}
