package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The recipe for reviews tells what a change makes of the rendered file, and fails where that is not what the spec says.
func TestReview(t *testing.T) {
	for _, program := range []string{"bash", "git"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIPPED, needs %s", program)
		}
	}
	recipe, err := filepath.Abs("../../.ci/review")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	execute := func(name string, args ...string) (string, int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "DOCKER_HOST=unix://"+dir+"/no-engine.sock", "GIT_CONFIG_NOSYSTEM=1",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b.invalid", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b.invalid")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		var exit *exec.ExitError
		if err := cmd.Run(); errors.As(err, &exit) {
			return out.String(), exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		return out.String(), 0
	}
	must := func(name string, args ...string) {
		t.Helper()
		if out, code := execute(name, args...); code != 0 {
			t.Fatalf("%s %q: %d, %s", name, args, code, out)
		}
	}
	const spec = `name = "box"
network "box-net" {}
service "redis" {
  image = "redis:7"
  user  = "999:999"
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
}
`
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "minibot.hcl"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := func(code int, args []string, texts ...string) {
		t.Helper()
		out, got := execute(recipe, args...)
		if got != code {
			t.Errorf("%q: exit code %d, want %d", args, got, code)
		}
		for _, text := range texts {
			if !strings.Contains(out, text) {
				t.Errorf("%q: no %q in:\n%s", args, text, out)
			}
		}
		if strings.Count(out, "````")%2 != 0 {
			t.Errorf("%q: a block is not closed:\n%s", args, out)
		}
	}
	files := []string{"minibot.hcl", "docker-compose.yml"}

	write(spec)
	must("minibot", "render", "-o", "docker-compose.yml")
	must("git", "init", "-q")
	must("git", "add", ".")
	must("git", "commit", "-qm", "one")
	want(0, append(files, "HEAD"), "`docker-compose.yml` is what `minibot.hcl` says.", "Nothing in it changes.", "The plan:", "no Docker Engine answers")

	write(strings.Replace(spec, "64MB", "128MB", 1))
	want(2, files, "**`docker-compose.yml` is not what `minibot.hcl` says.**", "-    mem_limit: 64M", "+    mem_limit: 128M")

	must("minibot", "render", "-o", "docker-compose.yml")
	want(0, append(files, "HEAD"), "is what `minibot.hcl` says.", "What changes in it:", "-    mem_limit: 64M", "+    mem_limit: 128M")

	write("name = \n")
	want(2, files, "is not what", "minibot.hcl:1")
}
