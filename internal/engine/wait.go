package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/pkg/stdcopy"

	"minibot/internal/plan"
	"minibot/internal/secret"
)

// UnhealthyError tells why a container that was started does not work. Its text holds no
// secret: output has been masked.
type UnhealthyError struct {
	Container string
	// Reason is a short fact, such as "exited with code 1" or "still starting after 45s".
	Reason string
	// Health is the last output of the healthcheck, Log the last lines that it wrote.
	Health string
	Log    string
}

func (e *UnhealthyError) Error() string { return e.Container + " " + e.Reason }

// wait returns when the container works: healthy by its healthcheck, or up for a while
// without one, or ended well if it is a job.
func (s *Stack) wait(ctx context.Context, a plan.Action, progress func(string)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, a.Timeout, errPatience)
	defer cancel()
	if s.silent(a.Service) {
		progress("up, watching it for a moment")
		select {
		case <-time.After(a.Settle):
			if s.lives(a.Target) {
				return nil
			}
			return s.stayed(ctx, a, false)
		case <-ctx.Done():
			return s.gaveUp(ctx, a, ctx.Err())
		}
	}
	messages, failed := s.engine.api.Events(ctx, events.ListOptions{Filters: filters.NewArgs(
		filters.Arg("type", "container"), filters.Arg("container", a.Target),
		filters.Arg("event", "health_status"), filters.Arg("event", "die"), filters.Arg("event", "start"),
	)})
	job := plan.Job(s.project, a.Service)
	lenient := s.startPeriod(a.Service)
	// An event may come before the engine listens for it, so look now and then as well.
	again := time.NewTicker(time.Second)
	defer again.Stop()
	var up <-chan time.Time
	// A container that was paused stays unhealthy until its next check.
	for stale := true; ; {
		inspected, err := s.engine.api.ContainerInspect(ctx, a.Target)
		if err != nil {
			return s.gaveUp(ctx, a, err)
		}
		state := observeState(inspected)
		if stale = stale && state.Health == "unhealthy"; stale {
			state.Health = "starting"
		}
		reason := s.judge(state, job)
		select {
		case <-lenient:
			lenient = nil
		default:
			if lenient != nil && crashed(state) {
				reason = "" // its healthcheck has the last word
			}
		}
		switch {
		case reason != "":
			return s.unhealthy(ctx, a, reason)
		case state.Health == "healthy" && state.Status == "running", job && state.Status == "exited":
			return nil
		case state.Health == "" && !job && up == nil:
			up = time.After(a.Settle)
		}
		if state.Health != "" {
			progress(state.Health)
		}
		select {
		case <-messages:
		case <-again.C:
		case <-up:
			return s.stayed(ctx, a, job)
		case err := <-failed:
			return s.gaveUp(ctx, a, err)
		case <-ctx.Done():
			return s.gaveUp(ctx, a, ctx.Err())
		}
	}
}

// startPeriod ends with the time in which a service may fail before it works, as its
// healthcheck grants it: one that waits for a lease of its predecessor may even crash. Nil
// for none.
func (s *Stack) startPeriod(service string) <-chan time.Time {
	h := s.project.Services[service].HealthCheck
	if h == nil || h.Disable || h.StartPeriod == nil {
		return nil
	}
	return time.After(time.Duration(*h.StartPeriod))
}

// crashed reports whether the restart policy has the container in hand.
func crashed(state plan.State) bool {
	return !state.OOMKilled && (state.Status == "restarting" || state.Status == "running" && state.RestartCount > 0)
}

var errPatience = errors.New("it took too long")

// judge names a state from which the container will not recover by itself.
func (s *Stack) judge(state plan.State, job bool) string {
	switch {
	case state.OOMKilled:
		return "was killed: it needs more memory than its limit"
	case state.Status == "restarting", state.RestartCount > 0:
		return fmt.Sprintf("keeps crashing (exit code %d)", state.ExitCode)
	case state.Status == "exited" && !(job && state.ExitCode == 0), state.Status == "dead":
		return fmt.Sprintf("exited with code %d", state.ExitCode)
	case state.Health == "unhealthy":
		return "is unhealthy"
	}
	return ""
}

// stayed looks once more at a container that has been up for a while.
func (s *Stack) stayed(ctx context.Context, a plan.Action, job bool) error {
	inspected, err := s.engine.api.ContainerInspect(ctx, a.Target)
	if err != nil {
		return s.gaveUp(ctx, a, err)
	}
	if reason := s.judge(observeState(inspected), job); reason != "" {
		return s.unhealthy(ctx, a, reason)
	}
	return nil
}

func (s *Stack) gaveUp(ctx context.Context, a plan.Action, err error) error {
	if errors.Is(context.Cause(ctx), errPatience) {
		return s.unhealthy(ctx, a, fmt.Sprintf("is still not healthy after %s", a.Timeout.Round(time.Second)))
	}
	return wrap("wait for container", err)
}

// unhealthy gathers what the container said last, with secrets masked.
func (s *Stack) unhealthy(ctx context.Context, a plan.Action, reason string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookPatience)
	defer cancel()
	failure := &UnhealthyError{Container: a.Target, Reason: reason}
	inspected, err := s.engine.api.ContainerInspect(ctx, a.Target)
	if err != nil {
		return failure
	}
	failure.Container = strings.TrimPrefix(inspected.Name, "/")
	mask, err := s.mask(ctx)
	if err != nil {
		failure.Log = fmt.Sprintf("(not shown: the secrets in it cannot be masked: %v)", err)
		return failure
	}
	if h := inspected.State.Health; h != nil && len(h.Log) > 0 {
		failure.Health = lastLines(string(mask.Mask([]byte(strings.TrimSpace(h.Log[len(h.Log)-1].Output)))), healthLines)
	}
	if text, err := s.engine.Logs(ctx, a.Target, logLines); err == nil {
		failure.Log = string(mask.Mask(text))
	}
	return failure
}

// What is shown of a failure fits on a screen of 24 lines, with the plan and what became of it.
const healthLines, logLines = 4, 8

// lastLines is the end of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// mask is who hides the secrets in what services wrote.
func (s *Stack) mask(ctx context.Context) (secret.Masker, error) {
	if s.secrets.Mask == nil {
		return secret.Masker{}, errors.New("there is no store")
	}
	return s.secrets.Mask(ctx)
}

// Logs returns the last lines that a container wrote, standard output and error mixed.
func (e *Engine) Logs(ctx context.Context, id string, lines int) ([]byte, error) {
	stream, err := e.api.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(lines)})
	if err != nil {
		return nil, wrap("read logs", err)
	}
	defer drain(stream)
	var out bytes.Buffer
	_, err = stdcopy.StdCopy(&out, &out, stream)
	return bytes.TrimSpace(out.Bytes()), wrap("read logs", err)
}
