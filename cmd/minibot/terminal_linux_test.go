package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/sys/unix"

	"minibot/internal/testbed"
)

// On a terminal apply asks, and does what it has shown or nothing.
func TestApplyAsks(t *testing.T) {
	engine, refs := testbed.Require(t)
	stack, dir := engine.Project(t), t.TempDir()
	spec := func(greeting string) {
		text := fmt.Sprintf(`
name = %q
network "%s-net" {}
service "redis" {
  image   = %q
  user    = "999:999"
  command = ["redis-server", "--save", ""]
  env     = { GREETING = %q }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  tmpfs = ["/data"]
}
`, stack, stack, refs.Redis, greeting)
		if err := os.WriteFile(filepath.Join(dir, "minibot.hcl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	redis := func() container.InspectResponse {
		inspected, err := engine.Client.ContainerInspect(t.Context(), stack+"-redis")
		if err != nil {
			t.Fatal(err)
		}
		return inspected
	}
	// apply answers the question after meanwhile, and returns the exit code.
	apply := func(answer string, meanwhile func(*os.Process)) (int, string) {
		person, program := openTerminal(t)
		cmd := exec.CommandContext(t.Context(), "minibot", "apply")
		cmd.Dir, cmd.Env, cmd.Stdin = dir, append(os.Environ(), "DOCKER_HOST="+engine.Host), program
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewReader(stderr)
		question, err := said.ReadString(':')
		if err != nil || !strings.HasSuffix(question, `Only "yes" is taken:`) {
			t.Fatalf("the question: %q, %v", question, err)
		}
		meanwhile(cmd.Process)
		if answer != "" {
			fmt.Fprintln(person, answer)
		}
		rest, _ := io.ReadAll(said)
		var exit *exec.ExitError
		if err := cmd.Wait(); errors.As(err, &exit) {
			return exit.ExitCode(), string(rest)
		} else if err != nil {
			t.Fatal(err)
		}
		return 0, string(rest)
	}
	want := func(code int, text string, gotCode int, got string) {
		t.Helper()
		if gotCode != code || !strings.Contains(got, text) {
			t.Errorf("exit code %d, want %d, and %q in:\n%s", gotCode, code, text, got)
		}
	}
	nothing := func(*os.Process) {}

	spec("hello")
	code, said := apply("no", nothing)
	want(exitError, "not confirmed", code, said)
	if _, err := engine.Client.ContainerInspect(t.Context(), stack+"-redis"); err == nil {
		t.Error("the answer was no, and there is a container")
	}
	code, said = apply("yes", nothing)
	want(exitDone, "Applied in", code, said)
	before := redis().ID

	spec("welcome")
	code, said = apply("", func(p *os.Process) { _ = p.Signal(os.Interrupt) })
	want(exitInterrupted, "Interrupted", code, said)
	code, said = apply("yes", func(*os.Process) {
		const bytes = 48 << 20
		limits := container.Resources{Memory: bytes, MemorySwap: bytes}
		if _, err := engine.Client.ContainerUpdate(t.Context(), before, container.UpdateConfig{Resources: limits}); err != nil {
			t.Error(err)
		}
	})
	want(exitRefused, "the machine has changed since the plan was shown", code, said)
	if now := redis(); now.ID != before || now.RestartCount != 0 {
		t.Error("the plan was stale, and the container was touched")
	}
	code, said = apply("yes", nothing)
	want(exitDone, "Applied in", code, said)
}

// openTerminal returns both ends of a pseudo-terminal: the person's and the program's.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}
