package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/sys/unix"

	"minibot/internal/secret"
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

// session is minibot on a terminal of its own, with a person at it.
type session struct {
	*testing.T
	person *os.File
	cmd    *exec.Cmd
	chunks chan string
	screen strings.Builder // all that was shown
	read   int             // how much of it expect has passed
}

// sit starts minibot on a terminal, all three streams on it.
func sit(t *testing.T, dir string, args ...string) *session {
	t.Helper()
	person, program := openTerminal(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	s := &session{T: t, person: person, cmd: exec.CommandContext(ctx, "minibot", args...), chunks: make(chan string)}
	s.cmd.Dir, s.cmd.Env = dir, append(os.Environ(), "MINIBOT_SECRETS_DIR="+filepath.Join(dir, "secrets"), "NO_COLOR=1")
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = program, program, program
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // Ctrl-C is a signal there
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	program.Close() // the screen ends with minibot
	go func() {
		defer close(s.chunks)
		for buffer := make([]byte, 4096); ; {
			n, err := person.Read(buffer)
			if err != nil {
				return
			}
			s.chunks <- string(buffer[:n])
		}
	}()
	return s
}

// expect waits until a text is shown.
func (s *session) expect(text string) {
	s.Helper()
	for !strings.Contains(s.screen.String()[s.read:], text) {
		chunk, ok := <-s.chunks
		if !ok {
			s.Fatalf("never saw %q on:\n%s", text, s.screen.String())
		}
		s.screen.WriteString(chunk)
	}
	s.read += strings.Index(s.screen.String()[s.read:], text) + len(text)
}

// say answers a question.
func (s *session) say(line string) { fmt.Fprint(s.person, line+"\n") }

// press is for keys that need no newline.
func (s *session) press(keys string) { fmt.Fprint(s.person, keys) }

// hide answers a question whose answer does not show: it waits until the echo is off.
func (s *session) hide(line string) {
	for s.echoes() {
	}
	fmt.Fprint(s.person, line)
}

func (s *session) echoes() bool {
	s.Helper()
	state, err := unix.IoctlGetTermios(int(s.person.Fd()), unix.TCGETS)
	if err != nil {
		s.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// end waits for the end. The terminal must be as it was.
func (s *session) end(code int) string {
	s.Helper()
	for chunk := range s.chunks {
		s.screen.WriteString(chunk)
	}
	err := s.cmd.Wait()
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		s.Fatal(err)
	}
	if got != code {
		s.Errorf("exit code %d, want %d:\n%s", got, code, s.screen.String())
	}
	if !s.echoes() {
		s.Error("the echo stayed off")
	}
	return s.screen.String()
}

// interruptKey is Ctrl-C.
const interruptKey = "\x03"

// boxOfSecrets is a folder with a spec and an empty store.
func boxOfSecrets(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	const text = `
name = "box"
network "box-net" {}
secret "KEY" { generate = false }
service "redis" {
  image = "redis:7"
  user  = "999:999"
  env   = { KEY_FILE = secret.KEY.file }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
}
secrets { store = "file" }
`
	if err := os.WriteFile(filepath.Join(dir, "minibot.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// holds says what the store in the folder holds.
func holds(t *testing.T, dir, want string) {
	t.Helper()
	t.Setenv("MINIBOT_SECRETS_DIR", filepath.Join(dir, "secrets"))
	store, err := secret.Open("file", "box")
	if err != nil {
		t.Fatal(err)
	}
	value, err := store.Get(t.Context(), "KEY")
	if want == "" && errors.Is(err, secret.ErrNotFound) {
		return
	}
	if err != nil || string(value.Reveal()) != want {
		t.Errorf("the store holds %q, %v; want %q", value.Reveal(), err, want)
	}
}

// Set asks for a value twice, without echo, and before it replaces another one.
func TestSecretSetAsks(t *testing.T) {
	dir := boxOfSecrets(t)
	set := func(value string, args ...string) *session {
		t.Helper()
		s := sit(t, dir, append([]string{"secret", "set", "KEY"}, args...)...)
		s.expect("Value of KEY: ")
		s.hide(value + "\n")
		s.expect("The same again: ")
		s.hide(value + "\n")
		return s
	}
	silent := func(screen string) {
		t.Helper()
		if strings.Contains(screen, "c4nary") {
			t.Errorf("a value shows:\n%s", screen)
		}
	}
	silent(set("c4nary-one").end(exitDone))
	holds(t, dir, "c4nary-one")

	s := set("c4nary-one")
	s.expect("Unchanged: KEY has this value already")
	silent(s.end(exitDone))

	s = set("c4nary-two")
	s.expect("minibot secret rotate KEY")
	s.expect(`Only "yes" is taken: `)
	s.say("y")
	s.expect("not confirmed; nothing was changed")
	silent(s.end(exitError))
	holds(t, dir, "c4nary-one")

	s = set("c4nary-two")
	s.expect(`Only "yes" is taken: `)
	s.say("yes")
	s.expect("Replaced KEY")
	silent(s.end(exitDone))
	holds(t, dir, "c4nary-two")

	silent(set("c4nary-three", "-y").end(exitDone))
	holds(t, dir, "c4nary-three")

	// Interrupted at each question.
	s = sit(t, dir, "secret", "set", "KEY")
	s.expect("Value of KEY: ")
	s.hide("c4nary-half" + interruptKey)
	s.expect("Interrupted.")
	silent(s.end(exitInterrupted))
	s = sit(t, dir, "secret", "set", "KEY")
	s.expect("Value of KEY: ")
	s.hide("c4nary-four\n")
	s.expect("The same again: ")
	s.hide(interruptKey)
	s.expect("Interrupted.")
	silent(s.end(exitInterrupted))
	s = set("c4nary-four")
	s.expect(`Only "yes" is taken: `)
	s.press(interruptKey)
	s.expect("Interrupted.")
	silent(s.end(exitInterrupted))
	holds(t, dir, "c4nary-three")
}

// Show shows a value after a yes, and only then.
func TestSecretShowAsks(t *testing.T) {
	dir := boxOfSecrets(t)
	s := sit(t, dir, "secret", "show", "KEY")
	s.expect("KEY: not found")
	s.end(exitSecret)

	s = sit(t, dir, "secret", "set", "KEY")
	s.expect("Value of KEY: ")
	s.hide("c4nary $x\n")
	s.expect("The same again: ")
	s.hide("c4nary $x\n")
	s.end(exitDone)

	s = sit(t, dir, "secret", "show", "KEY")
	s.expect("Show KEY (file: ")
	s.expect(`Only "yes" is taken: `)
	if strings.Contains(s.screen.String(), "c4nary") {
		t.Error("shown before the answer")
	}
	s.say("yes")
	s.expect("c4nary $x\r\n")
	s.end(exitDone)

	for answer, code := range map[string]int{"\n": exitError, "y\n": exitError, interruptKey: exitInterrupted} {
		s = sit(t, dir, "secret", "show", "KEY")
		s.expect(`Only "yes" is taken: `)
		s.press(answer)
		if screen := s.end(code); strings.Contains(screen, "c4nary") {
			t.Errorf("shown after %q:\n%s", answer, screen)
		}
	}

	s = sit(t, dir, "secret", "show", "KEY", "--json")
	s.expect("never printed as JSON")
	s.end(exitUsage)

	// A terminal to answer at is not enough: the value would go into a file.
	person, program := openTerminal(t)
	cmd := exec.CommandContext(t.Context(), "minibot", "secret", "show", "KEY")
	cmd.Dir, cmd.Env, cmd.Stdin = dir, s.cmd.Env, program
	fmt.Fprintln(person, "yes")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitUsage || strings.Contains(string(out), "c4nary") {
		t.Errorf("%v:\n%s", err, out)
	}
}

// Import does not let a person type values that show.
func TestSecretImportWantsAFile(t *testing.T) {
	dir := boxOfSecrets(t)
	for _, args := range [][]string{{"secret", "import"}, {"secret", "import", "-"}} {
		s := sit(t, dir, args...)
		s.expect("minibot secret import .env")
		s.end(exitUsage)
	}
	holds(t, dir, "")
}

// A program that run starts has the terminal, and Ctrl-C.
func TestRunOnATerminal(t *testing.T) {
	dir := boxOfSecrets(t)
	s := sit(t, dir, "secret", "set", "KEY")
	s.expect("Value of KEY: ")
	s.hide("c4nary\n")
	s.expect("The same again: ")
	s.hide("c4nary\n")
	s.end(exitDone)

	s = sit(t, dir, "run", "--", "sh", "-c", `test -t 0 && test -t 1 && test -t 2 && test "$KEY" = c4nary && echo ready $$ && read line && echo "got $line"`)
	s.expect(fmt.Sprintf("ready %d\r\n", s.cmd.Process.Pid)) // the same process
	s.say("hello")
	s.expect("got hello")
	s.end(exitDone)

	s = sit(t, dir, "run", "--", "sh", "-c", `trap 'exit 42' INT; echo ready; read line`)
	s.expect("ready")
	s.press(interruptKey)
	s.end(42)
}
