package schedule

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"howett.net/plist"

	"minibot/golden"
)

func jobOf(t *testing.T, c golden.Case) (job Job) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.File(t, "job")), &job); err != nil {
		t.Fatal(err)
	}
	return job
}

// TestGolden shows the files of a job on both systems, and what the systems are told.
func TestGolden(t *testing.T) {
	golden.Run(t, "schedule", func(t *testing.T, c golden.Case) map[string]string {
		job := jobOf(t, c)
		timer, err := Systemd(job, "/home/me/.config/systemd/user")
		if err != nil {
			t.Fatal(err)
		}
		agent, err := Launchd(job, "/Users/me/Library/LaunchAgents", 501)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{"systemd": shown(timer), "launchd": shown(agent)}
	})
}

func shown(u Unit) string {
	var out strings.Builder
	for _, file := range u.Files {
		fmt.Fprintf(&out, "==> %s\n%s", file.Path, file.Content)
	}
	for _, list := range []struct {
		name     string
		commands []Command
	}{{"start", u.Start}, {"stop", u.Stop}, {"reload", u.Reload}, {"active", []Command{u.Active}}} {
		fmt.Fprintf(&out, "==> %s\n", list.name)
		for _, c := range list.commands {
			may := ""
			if c.MayFail {
				may = " (may fail)"
			}
			fmt.Fprintf(&out, "%s%s\n", strings.Join(c.Argv, " "), may)
		}
	}
	return out.String()
}

// A reader of property lists that is somebody else's finds in the agent what the job says.
func TestPlist(t *testing.T) {
	for _, c := range golden.Cases(t, "schedule") {
		job := jobOf(t, c)
		unit, err := Launchd(job, "/agents", 501)
		if err != nil {
			t.Fatal(err)
		}
		var agent struct {
			Label                string
			ProgramArguments     []string
			EnvironmentVariables map[string]string
			WorkingDirectory     string
			StartInterval        int
			RunAtLoad            bool
			StandardErrorPath    string
		}
		if _, err := plist.Unmarshal([]byte(unit.Files[0].Content), &agent); err != nil {
			t.Fatal(err)
		}
		var env []string
		for name, value := range agent.EnvironmentVariables {
			env = append(env, name+"="+value)
		}
		slices.Sort(env)
		if agent.Label != "minibot.verify."+job.Name || !slices.Equal(agent.ProgramArguments, job.Argv) || !slices.Equal(env, job.Environ) ||
			agent.WorkingDirectory != job.Dir || agent.StartInterval != int(job.Every.Seconds()) || !agent.RunAtLoad || agent.StandardErrorPath != job.Log {
			t.Errorf("%s: %+v", c.Name, agent)
		}
	}
}

// systemd has nothing against the units.
func TestSystemdAnalyze(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("MINIBOT_TEST_SYSTEMD") == "1" {
			t.Fatal("MINIBOT_TEST_SYSTEMD=1, but there is no systemd-analyze")
		}
		t.Skip("SKIPPED, needs systemd-analyze")
	}
	program, err := os.Executable() // systemd looks whether it is there
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range golden.Cases(t, "schedule") {
		job := jobOf(t, c)
		job.Argv[0] = program
		dir := t.TempDir()
		unit, err := Systemd(job, dir)
		if err != nil {
			t.Fatal(err)
		}
		analyze := func() (string, error) {
			cmd := exec.CommandContext(t.Context(), "systemd-analyze", "--user", "verify", unit.Files[0].Path, unit.Files[1].Path)
			cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir, "LC_ALL=C")
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		for _, file := range unit.Files {
			if err := os.WriteFile(file.Path, []byte(file.Content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := analyze(); err != nil || strings.Contains(out, filepath.Base(dir)) {
			t.Errorf("%s: %v\n%s", c.Name, err, out)
		}
		// It would say so.
		broken := strings.Replace(unit.Files[0].Content, "ExecStart=", "ExecStrat=", 1)
		if err := os.WriteFile(unit.Files[0].Path, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, _ := analyze(); !strings.Contains(out, "ExecStrat") {
			t.Errorf("a broken unit is not noticed:\n%s", out)
		}
	}
}

// What neither system can write down is refused.
func TestUnwritable(t *testing.T) {
	good := Job{Name: "box", Argv: []string{"/bin/true"}, Dir: "/", Log: "/log"}
	for name, change := range map[string]func(*Job){
		"a line break":         func(j *Job) { j.Argv = append(j.Argv, "a\nExecStart=/bin/sh") },
		"one in a variable":    func(j *Job) { j.Environ = []string{"A=b\nc"} },
		"an escape":            func(j *Job) { j.Dir = "/\x1b[2J" },
		"a relative program":   func(j *Job) { j.Argv = []string{"minibot"} },
		"a relative directory": func(j *Job) { j.Dir = "here" },
		"no program":           func(j *Job) { j.Argv = nil },
	} {
		job := good
		change(&job)
		_, first := Systemd(job, "/units")
		_, second := Launchd(job, "/agents", 501)
		if first == nil || second == nil {
			t.Errorf("%s is taken: %v, %v", name, first, second)
		}
	}
}
