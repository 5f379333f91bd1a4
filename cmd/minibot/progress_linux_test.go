package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"minibot/internal/testbed"
)

var sequences = regexp.MustCompile(`\r|\x1b\[\??[0-9;]*[A-Za-z]`)

// slowly is a stack whose services take a second to become healthy, and do not end when
// they are asked to.
const slowly = `
name = %[1]q
network "%[1]s-net" {}
locals {
  word = %[2]q
}
%[3]s
`

const slowService = `
service %[1]q {
  image      = %[2]q
  user       = "999:999"
  entrypoint = ["/bin/sh", "-c", "trap '' TERM; sleep 1; touch /tmp/ready; while true; do sleep 1; done"]
  env        = { WORD = local.word }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  tmpfs = ["/data", "/tmp"]
  stop_grace_period = "2s"
  healthcheck {
    test     = ["CMD", "test", "-f", "/tmp/ready"]
    interval = "500ms"
    retries  = 60
  }
}
`

// On a real terminal no line of the block is too wide, nothing of it is left, and the cursor
// is back: at the end, after an interrupt, and after a second one, which kills.
func TestProgressOnAPseudoTerminal(t *testing.T) {
	machine, refs := testbed.Require(t)
	stack, dir := machine.Project(t), t.TempDir()
	t.Setenv("DOCKER_HOST", machine.Host)
	names := []string{"a-service-with-quite-a-long-name", "bee", "cee"}
	write := func(word string) {
		services := ""
		for _, name := range names {
			services += fmt.Sprintf(slowService, name, refs.Redis)
		}
		text := fmt.Sprintf(slowly, stack, word, services)
		if err := os.WriteFile(filepath.Join(dir, "minibot.hcl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	apply := func() *session {
		s := sit(t, dir, "apply", "-y")
		if err := unix.IoctlSetWinsize(int(s.person.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 12, Col: 72}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	// shown is the screen from the end of the plan on.
	shown := func(raw string) *screen {
		t.Helper()
		_, raw, ok := strings.Cut(raw, "Plan for the stack ")
		if _, raw, ok = strings.Cut(raw, "\r\n"); !ok {
			t.Fatal("no plan")
		}
		for line := range strings.Lines(raw) {
			if line, live := strings.CutSuffix(line, "\x1b[K\r\n"); live && cells(sequences.ReplaceAllString(line, "")) >= 72 {
				t.Errorf("too wide: %q", line)
			}
		}
		s := newScreen(72, 12)
		fmt.Fprint(s, raw)
		if s.hidden || s.unknown != "" {
			t.Errorf("the cursor is hidden: %v; unknown: %q", s.hidden, s.unknown)
		}
		if !strings.Contains(raw, "\x1b[?25l") || strings.Contains(raw, "m±") {
			t.Errorf("no block, or one with colours: %q", raw)
		}
		return s
	}

	write("one")
	s := apply()
	s.expect("waiting for health: starting")
	screen := shown(s.end(exitDone))
	if text := screen.String(); strings.Contains(text, "waiting") || strings.Count(text, "✓ service") != 3 || !strings.Contains(text, "Time by service: ") {
		t.Errorf("left on the screen:\n%s", text)
	}

	write("two")
	s = apply()
	s.expect("waiting for health: starting")
	s.press(interruptKey)
	s.expect("Stopping: taking back ")
	screen = shown(s.end(exitInterrupted))
	if text := screen.String(); strings.Count(text, "The old container is back and runs.") != 3 || !strings.HasSuffix(text, "\nInterrupted.\n") || strings.Contains(text, "taking it back") {
		t.Errorf("left on the screen:\n%s", text)
	}

	write("three")
	var said []struct {
		Type     string
		OK       *bool
		Services map[string]struct{ Result string }
	}
	cmd := exec.CommandContext(t.Context(), "minibot", "apply", "-y", "--json")
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := json.NewDecoder(out); ; {
		said = slices.Grow(said, 1)[:len(said)+1]
		if err := lines.Decode(&said[len(said)-1]); errors.Is(err, io.EOF) {
			said = said[:len(said)-1]
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if last := said[len(said)-1]; last.Type != "summary" || last.OK == nil || !*last.OK || len(last.Services) != 3 || last.Services["bee"].Result != "done" {
		t.Errorf("the last line: %+v", last)
	}

	write("four")
	s = apply()
	s.expect("waiting for health: starting")
	s.press(interruptKey)
	s.expect("taking it back")
	s.press(interruptKey)
	screen = shown(s.end(-1)) // killed
	if text := screen.String(); !strings.Contains(text, "± ") && !strings.Contains(text, "↶ ") || screen.x > len("^C") {
		t.Errorf("left on the screen, the cursor in column %d:\n%s", screen.x, text)
	}

	// What the engine was asked for goes on there; nobody should meet it half done.
	if out, err := exec.CommandContext(t.Context(), "minibot", "destroy", "-y", "-f", filepath.Join(dir, "minibot.hcl")).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
