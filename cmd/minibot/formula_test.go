package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The formula for Homebrew names each platform's archive with its checksum, and is not made if one is wanting.
func TestFormula(t *testing.T) {
	for _, program := range []string{"bash", "git", "make", "sed"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIPPED, needs %s", program)
		}
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	template, err := os.ReadFile(filepath.Join(root, ".github/minibot.rb"))
	if err != nil {
		t.Fatal(err)
	}
	platforms := []string{"darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64"}
	made := func(t *testing.T, platforms []string) (string, error) {
		dir := t.TempDir()
		var sums strings.Builder
		for i, platform := range platforms {
			fmt.Fprintf(&sums, "%064x  minibot_1.2.3_%s.cdx.json\n%064x  minibot_1.2.3_%s.tar.gz\n", i+100, platform, i+1, platform)
		}
		for name, text := range map[string]string{".github/minibot.rb": string(template), "dist/checksums.txt": sums.String()} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, args := range [][]string{{"init", "-q"}, {"remote", "add", "origin", "git@code.example:somebody/minibot.git"}} {
			if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
				t.Fatalf("git %q: %v, %s", args, err, out)
			}
		}
		out, err := exec.Command("make", "-C", dir, "-f", filepath.Join(root, "Makefile"), "formula").CombinedOutput()
		if err != nil {
			return string(out), err
		}
		text, err := os.ReadFile(filepath.Join(dir, "dist/minibot.rb"))
		return string(text), err
	}
	formula, err := made(t, platforms)
	if err != nil {
		t.Fatalf("%v: %s", err, formula)
	}
	for i, platform := range platforms {
		want := fmt.Sprintf("url \"https://code.example/somebody/minibot/releases/download/v1.2.3/minibot_1.2.3_%s.tar.gz\"\n      sha256 \"%064x\"\n", platform, i+1)
		if !strings.Contains(formula, want) {
			t.Errorf("no %s in:\n%s", want, formula)
		}
	}
	if said, err := made(t, platforms[:3]); err == nil || !strings.Contains(said, "there is no checksum for these") {
		t.Errorf("without one checksum: %v, %s", err, said)
	}
	if said, err := made(t, nil); err == nil || !strings.Contains(said, "there is no release in dist") {
		t.Errorf("without a release: %v, %s", err, said)
	}
}
