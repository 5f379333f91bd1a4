package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"minibot/internal/schedule"
)

// scheduleFormat is the version of the schedule's JSON.
const scheduleFormat = 1

// scheduleStatus is how a schedule stands.
type scheduleStatus struct {
	FormatVersion int    `json:"format_version"`
	Stack         string `json:"stack"`
	// Installed says that the system has been told of it, and Active that it runs it.
	Installed bool `json:"installed"`
	Active    bool `json:"active"`
	// Problem is what is wrong with it; empty if nothing is.
	Problem  string   `json:"problem,omitempty"`
	System   string   `json:"system,omitempty"`
	Unit     string   `json:"unit,omitempty"`
	Files    []string `json:"files,omitempty"`
	Interval float64  `json:"interval_seconds,omitempty"`
	Argv     []string `json:"argv,omitempty"`
	// Dir holds the reports, of which there are Reports.
	Dir     string           `json:"dir"`
	Reports int              `json:"reports"`
	Keep    int              `json:"keep,omitempty"`
	Last    *schedule.Record `json:"last"`
}

// status looks how it stands.
func (s *scheduled) status(ctx context.Context, now time.Time) (scheduleStatus, error) {
	status := scheduleStatus{FormatVersion: scheduleFormat, Stack: s.stack, Dir: s.archive.Dir}
	reports, err := s.archive.Reports()
	if err != nil {
		return status, err
	}
	status.Reports = len(reports)
	if status.Last, err = s.archive.Last(); err != nil {
		return status, err
	}
	job, err := s.archive.Job()
	if err != nil || job == nil {
		return status, err
	}
	unit, err := unitOf(*job)
	if err != nil {
		return status, err
	}
	state := unit.State(ctx)
	status.Installed, status.Active, status.System, status.Unit = true, state.Active, unit.System, unit.Name
	status.Interval, status.Argv, status.Keep = job.Every.Seconds(), job.Argv, job.Keep
	for _, file := range unit.Files {
		status.Files = append(status.Files, file.Path)
	}
	const again = "; to mend it: minibot schedule install"
	switch last := status.Last; {
	case state.Files == 0:
		status.Problem = "its files are gone" + again
	case !state.Same:
		status.Problem = "its files are not as minibot wrote them" + again
	case !state.Active:
		status.Problem = unit.System + " does not run it" + again
	case last != nil && now.Sub(last.Time) > 2*job.Every+time.Minute:
		status.Problem = fmt.Sprintf("it should have run since, every %s", brief(job.Every))
	}
	return status, nil
}

// show prints it.
func (s *scheduled) show(ctx context.Context) error {
	now := time.Now()
	status, err := s.status(ctx, now)
	if err != nil {
		return err
	}
	if s.JSON {
		return s.json(status)
	}
	_, err = fmt.Fprint(s.stdout, status.text(now))
	return err
}

func (s scheduleStatus) text(now time.Time) string {
	var out strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&out, "%-9s "+format+"\n", append([]any{label}, args...)...)
	}
	if s.Installed {
		line("Schedule", "the stack %q is verified every %s by %s (%s)", s.Stack, brief(time.Duration(s.Interval*float64(time.Second))), s.System, s.Unit)
		for _, file := range s.Files {
			line("", "%s", file)
		}
		line("Reports", "%d of at most %d in %s", s.Reports, s.Keep, s.Dir)
	} else {
		line("Schedule", "none for the stack %q; to make one: minibot schedule install", s.Stack)
		if s.Reports > 0 {
			line("Reports", "%d in %s", s.Reports, s.Dir)
		}
	}
	if last := s.Last; last != nil {
		line("Last run", "%s, %s ago, exit code %d", last.Time.Local().Format(time.DateTime), brief(now.Sub(last.Time)), last.Exit)
		line("", "%s", last.Summary)
		if last.Report != "" {
			line("", "%s", filepath.Join(s.Dir, last.Report))
		}
	} else if s.Installed {
		line("Last run", "none yet")
	}
	if s.Problem != "" {
		line("Problem", "%s", s.Problem)
	}
	return out.String()
}

// brief writes a time as people do: 1h, 1h30m, 45s.
func brief(d time.Duration) string {
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
