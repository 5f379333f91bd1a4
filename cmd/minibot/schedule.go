package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"minibot/internal/schedule"
)

type scheduleCmd struct {
	Install scheduleInstallCmd `cmd:"" help:"Have the system verify at an interval from now on, and keep the last reports."`
	Status  scheduleStatusCmd  `cmd:"" help:"Say when it last verified, and what came of it."`
	Remove  scheduleRemoveCmd  `cmd:"" help:"Have the system forget it, and remove the reports."`
	Run     scheduleRunCmd     `cmd:"" help:"Verify once and keep the report: what the system starts."`
}

func (*scheduleCmd) Examples() []example {
	return []example{
		{"minibot schedule install", "verify every hour from now on"},
		{"minibot schedule status", "when it last verified, and what came of it"},
	}
}

// ofStack is for a schedule whose spec is gone.
type ofStack struct {
	Stack string `help:"The stack, if its spec is gone." placeholder:"NAME"`
}

type scheduleInstallCmd struct {
	Interval time.Duration `help:"The time between two runs, such as 30m." default:"1h" placeholder:"TIME"`
	Keep     int           `help:"How many reports to keep." default:"30" placeholder:"N"`
}

func (*scheduleInstallCmd) Examples() []example {
	return []example{
		{"minibot schedule install", "every hour"},
		{"minibot schedule install --interval 15m --keep 100", "more often, and more reports"},
	}
}

// Validate refuses what is no interval, and no number of reports.
func (c *scheduleInstallCmd) Validate() error {
	switch {
	case c.Interval < time.Second:
		return errors.New("--interval: write a second at least, such as 30m or 1h")
	case c.Keep < 1:
		return errors.New("--keep: write 1 at least")
	}
	return nil
}

// Run hands the job to launchd or systemd.
func (c *scheduleInstallCmd) Run(ctx context.Context, a *app) error {
	loaded, err := a.load()
	if err != nil {
		return err
	}
	s, err := a.scheduled(loaded.stack.Name)
	if err != nil {
		return err
	}
	job, err := a.job(s, c)
	if err != nil {
		return err
	}
	unit, err := unitOf(job)
	if err != nil {
		return err
	}
	if a.storeKind(loaded.stack) == "env" {
		a.warn("the secrets are in this environment alone, and the system starts minibot in another: checks that need them will be errors.")
	}
	if err := s.archive.SetJob(job); err != nil {
		return err
	}
	if err := unit.Install(ctx, writeFile); err != nil {
		return errors.Join(err, s.archive.UnsetJob())
	}
	a.say("%s", unit.Advice)
	return s.show(ctx)
}

type scheduleStatusCmd struct{ ofStack }

func (*scheduleStatusCmd) Examples() []example {
	return []example{
		{"minibot schedule status", "the last run, and how it is kept going"},
		{"minibot schedule status --json", "for scripts"},
	}
}

// Run shows how it stands.
func (c *scheduleStatusCmd) Run(ctx context.Context, a *app) error {
	s, err := a.scheduledOf(c.ofStack)
	if err != nil {
		return err
	}
	return s.show(ctx)
}

type scheduleRemoveCmd struct {
	ofStack
	KeepReports bool `help:"Leave the reports where they are."`
}

func (*scheduleRemoveCmd) Examples() []example {
	return []example{
		{"minibot schedule remove", "no more runs, and no more reports"},
	}
}

// Run leaves nothing behind.
func (c *scheduleRemoveCmd) Run(ctx context.Context, a *app) error {
	s, err := a.scheduledOf(c.ofStack)
	if err != nil {
		return err
	}
	unit, err := unitOf(schedule.Job{Name: s.stack, Argv: []string{"/"}, Dir: "/"}) // its name is enough
	if err != nil {
		return err
	}
	was, err := unit.Remove(ctx)
	if err != nil {
		return err
	}
	reports := 0
	if c.KeepReports {
		err = s.archive.UnsetJob()
	} else {
		reports, err = s.archive.Empty()
	}
	if err != nil {
		return err
	}
	if a.JSON {
		return a.json(map[string]any{"format_version": scheduleFormat, "stack": s.stack, "removed": was, "removed_reports": reports})
	}
	text := fmt.Sprintf("There is no schedule for the stack %q.", s.stack)
	if was {
		text = fmt.Sprintf("Removed the schedule of the stack %q.", s.stack)
	}
	if reports > 0 {
		text += fmt.Sprintf(" Removed %s.", count(reports, "report"))
	}
	_, err = fmt.Fprintln(a.stdout, text)
	return err
}

// scheduled is the schedule of a stack, whether there is one or not.
type scheduled struct {
	*app
	stack   string
	archive schedule.Archive
}

func (a *app) scheduledOf(of ofStack) (*scheduled, error) {
	if of.Stack != "" {
		if strings.ContainsFunc(of.Stack, func(r rune) bool { return r == '/' || r < ' ' }) || strings.HasPrefix(of.Stack, ".") {
			return nil, fmt.Errorf("%q is no name of a stack", of.Stack)
		}
		return a.scheduled(of.Stack)
	}
	loaded, err := a.load()
	if err != nil {
		return nil, err
	}
	return a.scheduled(loaded.stack.Name)
}

func (a *app) scheduled(stack string) (*scheduled, error) {
	dir, err := stateDir()
	if err != nil {
		return nil, err
	}
	return &scheduled{a, stack, schedule.Archive{Dir: filepath.Join(dir, "reports", stack), Write: writeFile}}, nil
}

// carried are the variables that decide which engine, store and state minibot uses, and where
// it finds programs. The system starts it with none of them. None is a secret.
var carried = []string{
	"PATH", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY",
	"MINIBOT_SECRETS_DIR", "MINIBOT_STATE_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME",
}

// job is what the system is to run: this program, with the flags and variables of now.
func (a *app) job(s *scheduled, c *scheduleInstallCmd) (schedule.Job, error) {
	program, err := os.Executable()
	if err != nil {
		return schedule.Job{}, fmt.Errorf("which program this is: %w", err)
	}
	spec, err := filepath.Abs(a.File)
	if err != nil {
		return schedule.Job{}, err
	}
	argv := []string{program, "--file", spec}
	for _, flag := range []struct{ name, value string }{{"--host", a.Host}, {"--context", a.Context}, {"--secret-store", a.SecretStore}} {
		if flag.value != "" {
			argv = append(argv, flag.name, flag.value)
		}
	}
	argv = append(argv, "schedule", "run", "--dir", s.archive.Dir, "--keep", strconv.Itoa(c.Keep))
	variables := environ()
	maps.Copy(variables, a.Var)
	var env []string
	for name, value := range variables {
		env = append(env, "MINIBOT_VAR_"+name+"="+value)
	}
	for _, name := range carried {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	slices.Sort(env)
	return schedule.Job{Name: s.stack, Argv: argv, Environ: env, Dir: filepath.Dir(spec), Every: c.Interval, Keep: c.Keep, Log: filepath.Join(s.archive.Dir, schedule.LogFile)}, nil
}

// unitOf is a job as this system has it.
func unitOf(job schedule.Job) (schedule.Unit, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return schedule.Unit{}, err
	}
	if runtime.GOOS == "darwin" {
		return schedule.Launchd(job, filepath.Join(home, "Library", "LaunchAgents"), os.Getuid())
	}
	if _, err := exec.LookPath("systemctl"); err != nil {
		return schedule.Unit{}, fmt.Errorf("there is no systemd here, and schedules are made with it or with launchd; with cron, have it run: %s", strings.Join(job.Argv, " "))
	}
	config := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(config) {
		config = filepath.Join(home, ".config")
	}
	return schedule.Systemd(job, filepath.Join(config, "systemd", "user"))
}
