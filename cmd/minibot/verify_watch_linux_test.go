package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"minibot/internal/testbed"
	"minibot/verify"
)

// On a terminal a watch tells what is not in order, what of it changes, and what stands in
// its way. Ctrl-C ends it and leaves the terminal as it was.
func TestWatchOnTerminal(t *testing.T) {
	dir := boxOfSecrets(t)
	spec := filepath.Join(dir, "minibot.hcl")
	good, err := os.ReadFile(spec)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := writeFile(spec, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	s := sit(t, dir, "verify", "--watch", "--interval", "1s", "--host", "unix:///nowhere.sock", "--only", "stack.engine,accept", "-o", "report.prom")
	s.expect("The engine is not heard: no Docker Engine answers at unix:///nowhere.sock")
	s.expect(`Watching the stack "box"`)
	s.expect("--only stack.engine --only accept left out")
	s.expect("! stack.engine.reachable")
	s.expect("1 check: 0 passed, 1 not checked")
	write(string(good) + "\naccept \"limit.pids\" {\n  reason = \"why not\"\n  until  = \"2020-01-31\"\n}\n")
	s.expect("✗ accept.expired")
	s.expect("(low; new)")
	write("name = \n")
	s.expect("minibot.hcl:1")
	s.expect("The spec cannot be used: minibot.hcl has an error.")
	write(string(good))
	s.expect("The spec can be used again.")
	s.expect("accept.expired             limit.pids: no longer there (failed before)")
	if err := os.Remove(spec); err != nil {
		t.Fatal(err)
	}
	s.expect("The spec cannot be used: there is no minibot.hcl.")
	write(string(good))
	s.expect("The spec can be used again.")
	s.press(interruptKey)
	said := s.end(exitInterrupted)
	if n := strings.Count(said, "stack.engine.reachable"); n != 1 {
		t.Errorf("what did not change is told %d times:\n%s", n, said)
	}
	if metrics, err := os.ReadFile(filepath.Join(dir, "report.prom")); err != nil || !strings.Contains(string(metrics), "minibot_check{") {
		t.Errorf("the file: %s (%v)", metrics, err)
	}
}

// watching is a minibot that watches and prints JSON.
type watching struct {
	*testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	said  []string
}

// watchStack starts one, and reads its first line.
func watchStack(t *testing.T, ctx context.Context, dir string, env []string, args ...string) (*watching, watchLine) {
	t.Helper()
	w := &watching{T: t, cmd: exec.CommandContext(ctx, "minibot", append([]string{"verify", "--watch", "--json"}, args...)...)}
	w.cmd.Dir, w.cmd.Env, w.cmd.Stderr = dir, append(os.Environ(), env...), os.Stderr
	stdout, err := w.cmd.StdoutPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	w.lines = bufio.NewScanner(stdout)
	return w, w.next("watching")
}

// next reads the next line, which must be of a type.
func (w *watching) next(kind string) (line watchLine) {
	w.Helper()
	if !w.lines.Scan() {
		w.Fatalf("it ended (%v), having said:\n%s", w.lines.Err(), strings.Join(w.said, "\n"))
	}
	w.said = append(w.said, w.lines.Text())
	if err := json.Unmarshal(w.lines.Bytes(), &line); err != nil {
		w.Fatal(err)
	}
	if line.Type != kind || line.Time.IsZero() || line.Stack == "" {
		w.Fatalf("a line of type %q, want %q, in:\n%s", line.Type, kind, strings.Join(w.said, "\n"))
	}
	return line
}

// until reads lines until there is a change of a check of an object.
func (w *watching) until(check, object, to string) watchLine {
	w.Helper()
	for {
		line := w.next("changed")
		if slices.ContainsFunc(line.Changes, func(c verify.Change) bool { return c.Check == check && c.Object == object && c.To == to }) {
			return line
		}
	}
}

func (w *watching) interrupt() {
	w.Helper()
	if err := w.cmd.Process.Signal(os.Interrupt); err != nil {
		w.Fatal(err)
	}
	for w.lines.Scan() {
		w.Errorf("it went on: %s", w.lines.Text())
	}
	if err := w.cmd.Wait(); w.cmd.ProcessState.ExitCode() != exitInterrupted {
		w.Errorf("it ended with %v", err)
	}
}

const watchedSpec = `
name = %[1]q
network "%[1]s-net" {}
service "redis" {
  image   = %[2]q
  user    = "999:999"
  command = ["redis-server", "--save", ""]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  tmpfs = ["/data"]
  healthcheck {
    test     = ["CMD", "redis-cli", "ping"]
    interval = "1s"
  }
}
`

// The engine's events, but not those of its healthchecks, make a watch look; it tells a program of what has
// changed, which sees no secret.
func TestWatchEvents(t *testing.T) {
	engine, refs := testbed.Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stack, dir := engine.Project(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "minibot.hcl"), fmt.Appendf(nil, watchedSpec, stack, refs.Redis), 0o600); err != nil {
		t.Fatal(err)
	}
	// A desktop, as far as minibot sees it.
	if err := os.WriteFile(filepath.Join(dir, "notify-send"), []byte("#!/bin/sh\nprintf '%s|' \"$@\" >>shown\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "DOCKER_HOST=" + engine.Host, "MINIBOT_SECRET_A=c4nary", "MINIBOT_AGE_KEY=c4nary"}
	apply := exec.CommandContext(ctx, "minibot", "apply", "-y")
	apply.Dir, apply.Env = dir, append(os.Environ(), env...)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	w, first := watchStack(t, ctx, dir, env, "-v", "--interval", "1h", "--only", "limit", "--notify", "--on-change", `sh -c 'cat >>told; env >env'`)
	if len(first.Changes) != 0 || first.Summary.Pass == 0 || first.LeftOut == nil {
		t.Errorf("the first line: %+v", first)
	}
	const more = 96 << 20
	setMemory := func(bytes int64) {
		limits := container.Resources{Memory: bytes, MemorySwap: bytes}
		if _, err := engine.Client.ContainerUpdate(ctx, stack+"-redis", container.UpdateConfig{Resources: limits}); err != nil {
			t.Fatal(err)
		}
	}
	setMemory(more)
	line := w.next("changed")
	if len(line.Changes) != 1 || line.Changes[0].Check != "limit.memory" || line.Changes[0].From != "pass" || line.Changes[0].To != "fail" ||
		!strings.Contains(line.Changes[0].Result.Evidence, "may take 96M") || line.Summary.Fail != 1 {
		t.Errorf("the change: %+v", line)
	}
	setMemory(64 << 20)
	if line = w.next("changed"); len(line.Changes) != 1 || line.Changes[0].To != "pass" || line.Summary.Fail != 0 {
		t.Errorf("the change: %+v", line)
	}
	wants := map[string]string{
		"told": strings.Join(w.said[1:], "\n") + "\n",
		"shown": "--app-name=minibot|--|minibot: " + stack + "|7 checks: 6 passed, 1 failed\nfail: limit.memory, redis|" +
			"--app-name=minibot|--|minibot: " + stack + "|7 checks: 7 passed\npass: limit.memory, redis|",
	}
	for name, want := range wants {
		got := ""
		for ctx.Err() == nil && got != want { // they are told after the line is printed
			text, _ := os.ReadFile(filepath.Join(dir, name))
			got = string(text)
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
	w.interrupt()
	seen, err := os.ReadFile(filepath.Join(dir, "env"))
	if err != nil || !strings.Contains(string(seen), "PATH=") || strings.Contains(string(seen), "c4nary") {
		t.Errorf("the program's environment (%v):\n%s", err, seen)
	}
}

// An engine that goes and comes back is reported, and survived.
func TestWatchEngineRestarts(t *testing.T) {
	engine, refs := testbed.Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	private := testbed.RequirePrivate(t)
	if err := private.Load(ctx, engine, refs.Redis); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "minibot.hcl"), fmt.Appendf(nil, watchedSpec, "watched", refs.Redis), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"DOCKER_HOST=" + private.Host}
	apply := exec.CommandContext(ctx, "minibot", "apply", "-y")
	apply.Dir, apply.Env = dir, append(os.Environ(), env...)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w, _ := watchStack(t, ctx, dir, env, "--interval", "1h", "--only", "stack")
	if err := private.Kill(); err != nil {
		t.Fatal(err)
	}
	if line := w.next("engine"); !strings.Contains(line.Message, "The engine is not heard") {
		t.Errorf("%+v", line)
	}
	w.until("stack.engine.reachable", "engine", "error")
	if err := private.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if line := w.next("engine"); !strings.Contains(line.Message, "heard again") {
		t.Errorf("%+v", line)
	}
	w.until("stack.engine.reachable", "engine", "pass")
	w.interrupt()
}
