package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"minibot/internal/testbed"
)

// scheduling is a user with a stack and a manager of systemd.
type scheduling struct {
	*testing.T
	*testbed.Manager
	dir string // of the spec
	env []string
}

// run runs a program beside the manager. It must end with that exit code.
func (s *scheduling) run(code int, args ...string) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	cmd := s.Command(ctx, s.dir, args...)
	cmd.Env = append(cmd.Env, s.env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		s.Fatalf("%q: exit code %d, want %d:\n%s", args, got, code, out)
	}
	return string(out)
}

func (s *scheduling) status() (status scheduleStatus) {
	s.Helper()
	if err := json.Unmarshal([]byte(s.run(0, "minibot", "--json", "schedule", "status")), &status); err != nil {
		s.Fatal(err)
	}
	return status
}

// tree lists all files below the user's home.
func (s *scheduling) tree() (paths []string) {
	s.Helper()
	err := filepath.WalkDir(s.Home, func(path string, entry fs.DirEntry, err error) error {
		// What the stack has seen, minibot history keeps.
		if err == nil && !entry.IsDir() && filepath.Base(filepath.Dir(path)) != "history" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return paths
}

// systemd verifies at the interval, also when the last run failed, and the last reports are
// kept; to install again changes the interval; to remove leaves nothing.
func TestScheduleOnSystemd(t *testing.T) {
	m := &scheduling{T: t, Manager: testbed.RequireManager(t)}
	m.dir = filepath.Join(t.TempDir(), `a "stack" é 100%h $HOME \n`) // characters that mean something in a unit
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const text = "variable \"image\" {}\n" + `
name = "box"
network "box-net" {}
service "redis" {
  image = var.image
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
}
`
	if err := os.WriteFile(filepath.Join(m.dir, "minibot.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m.env = []string{"DOCKER_HOST=unix:///nowhere.sock", "MINIBOT_VAR_image=redis:7", "MINIBOT_SECRET_A=c4nary", "MINIBOT_AGE_KEY=c4nary"}

	said := m.run(0, "minibot", "schedule", "install", "--interval", "1s", "--keep", "2")
	if !strings.Contains(said, `the stack "box" is verified every 1s by systemd (minibot-verify-box.timer)`) || !strings.Contains(said, "loginctl enable-linger") {
		t.Errorf("it says:\n%s", said)
	}
	// Three runs and more, of which two are kept.
	deadline := time.Now().Add(time.Minute)
	seen := map[time.Time]bool{}
	var status scheduleStatus
	for len(seen) < 4 && time.Now().Before(deadline) {
		if status = m.status(); status.Last != nil {
			seen[status.Last.Time] = true
		}
	}
	if len(seen) < 4 || !status.Installed || !status.Active || status.Problem != "" || status.Reports != 2 || status.Interval != 1 {
		t.Fatalf("after %d runs: %+v", len(seen), status)
	}
	if status.Last.Exit != exitError || !strings.Contains(status.Last.Summary, " not checked") {
		t.Errorf("the last run: %+v", status.Last)
	}
	report, err := os.ReadFile(filepath.Join(status.Dir, status.Last.Report))
	if err != nil || !strings.Contains(string(report), "no Docker Engine answers at unix:///nowhere.sock") {
		t.Errorf("the report (%v):\n%s", err, report)
	}
	for _, path := range m.tree() {
		if content, _ := os.ReadFile(path); strings.Contains(string(content), "c4nary") {
			t.Errorf("%s holds a secret", path)
		}
	}

	// A spec that can no longer be used is what the last run came to.
	if err := writeFile(filepath.Join(m.dir, "minibot.hcl"), []byte("name = \n")); err != nil {
		t.Fatal(err)
	}
	m.run(exitError, "minibot", "schedule", "status")
	for record := "{}"; !strings.Contains(record, "minibot.hcl has an error"); {
		content, err := os.ReadFile(filepath.Join(status.Dir, "last.json"))
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the record of the last run is %s (%v)", content, err)
		}
		record = string(content)
	}
	if err := writeFile(filepath.Join(m.dir, "minibot.hcl"), []byte(text)); err != nil {
		t.Fatal(err)
	}

	m.run(0, "minibot", "schedule", "install", "--interval", "90m")
	if status = m.status(); status.Interval != 5400 || !status.Active || status.Problem != "" || status.Keep != 30 {
		t.Errorf("installed again: %+v\n%s", status, strings.Join(m.tree(), "\n"))
	}
	m.run(0, "systemctl", "--user", "stop", "minibot-verify-box.timer")
	if status = m.status(); status.Active || !strings.Contains(status.Problem, "systemd does not run it") {
		t.Errorf("stopped by hand: %+v", status)
	}

	said = m.run(0, "minibot", "schedule", "remove")
	if !strings.Contains(said, `Removed the schedule of the stack "box". Removed `) {
		t.Errorf("it says:\n%s", said)
	}
	if left := m.tree(); len(left) > 0 {
		t.Errorf("left behind: %s", strings.Join(left, "\n"))
	}
	if units := m.run(0, "systemctl", "--user", "list-units", "--all", "--no-legend", "minibot*"); units != "" {
		t.Errorf("systemd still knows:\n%s", units)
	}
	if said = m.run(0, "minibot", "schedule", "remove"); !strings.Contains(said, `There is no schedule for the stack "box".`) {
		t.Errorf("it says:\n%s", said)
	}

	// Without a manager nothing is left either.
	m.env = append(m.env, "XDG_RUNTIME_DIR=/nowhere")
	said = m.run(exitError, "minibot", "schedule", "install")
	if !strings.Contains(said, "systemctl --user daemon-reload") || !strings.Contains(said, "loginctl enable-linger") {
		t.Errorf("it says:\n%s", said)
	}
	if left := m.tree(); len(left) > 0 {
		t.Errorf("left behind: %s", strings.Join(left, "\n"))
	}
}
