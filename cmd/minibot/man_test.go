package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// There is a page for each command, the same each time, that man shows without a complaint and in which the command's
// own words stand.
func TestManual(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for _, dir := range []string{first, second} {
		var said bytes.Buffer
		if code := run([]string{"__man", dir}, strings.NewReader(""), &said, &said); code != 0 || said.Len() > 0 {
			t.Fatalf("exit code %d: %s", code, &said)
		}
	}
	parser := newParser(&commands{})
	names := []string{"minibot"}
	helps := map[string]string{"minibot": "Keep"}
	_ = eachCommand(parser.Model.Node, func(node *kong.Node) error {
		names = append(names, manName(node))
		helps[manName(node)] = node.Help
		return nil
	})
	pages, err := filepath.Glob(first + "/*.1")
	if err != nil || len(pages) != len(names) {
		t.Errorf("%d pages for %d commands (%v)", len(pages), len(names), err)
	}
	for _, name := range names {
		page := filepath.Join(first, name+".1")
		text, err := os.ReadFile(page)
		again, _ := os.ReadFile(filepath.Join(second, name+".1"))
		if err != nil || !bytes.Equal(text, again) {
			t.Errorf("%s: %v; the same each time: %t", name, err, bytes.Equal(text, again))
		}
		if strings.Contains(name, "__") {
			t.Errorf("%s is hidden", name)
		}
		if _, err := exec.LookPath("man"); err != nil {
			continue
		}
		if _, err := exec.LookPath("groff"); err != nil {
			continue
		}
		cmd := exec.Command("man", "--warnings", "-P", "cat", "-E", "UTF-8", "-l", page)
		cmd.Env = append(os.Environ(), "MANWIDTH=100", "LC_ALL=C.UTF-8", "MAN_KEEP_FORMATTING=")
		var complaint bytes.Buffer
		cmd.Stderr = &complaint
		shown, err := cmd.Output()
		if err != nil || complaint.Len() > 0 {
			t.Errorf("man %s: %v, %s", name, err, &complaint)
		}
		plain := strings.Join(strings.Fields(string(shown)), " ")
		if want := strings.Join(strings.Fields(helps[name]), " "); name != "minibot" && !strings.Contains(strings.ReplaceAll(plain, "‐ ", ""), want[:min(30, len(want))]) {
			t.Errorf("%s does not show %q:\n%s", name, want, shown)
		}
	}
}

func TestRoff(t *testing.T) {
	for text, want := range map[string]string{`a\b`: `a\eb`, "--flag": `\-\-flag`, ".hidden": `\&.hidden`, "a\n'b": "a\n\\&'b"} {
		if got := roff(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
