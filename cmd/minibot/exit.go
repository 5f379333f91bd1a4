package main

import (
	"context"
	"errors"
	"io/fs"
	"runtime"
	"strings"

	"minibot/apply"
	"minibot/internal/adopt"
	"minibot/internal/engine"
	"minibot/internal/lock"
	"minibot/internal/plan"
	"minibot/internal/rotate"
	"minibot/internal/secret"
	"minibot/spec"
)

// The exit codes.
const (
	exitDone        = 0
	exitError       = 1
	exitDiffers     = 2
	exitSecret      = 3
	exitRefused     = 4
	exitUnhealthy   = 5
	exitUsage       = 64
	exitInterrupted = 130
)

// exitCode is one of them for people. The README has the same table.
type exitCode struct {
	Code    int    `json:"code"`
	Meaning string `json:"meaning"`
}

var exitCodes = []exitCode{
	{exitDone, "done: no change needed, every check passed"},
	{exitError, "error; also a check that could not be carried out"},
	{exitDiffers, "differs: plan --detailed-exitcode with changes, render --check, fmt --check, outdated, a failed check"},
	{exitSecret, "a secret is missing or its store is locked"},
	{exitRefused, "refused: the plan is stale, or another minibot is changing the stack"},
	{exitUnhealthy, "a service did not start, become healthy or stay up; the error says whether the old container is back"},
	{exitUsage, "usage, and a question with nobody to answer it"},
	{exitInterrupted, "interrupted"},
}

// Errors that a command ends with on purpose.
var (
	// errDiffers: the answer is "not as it should be". It has been shown.
	errDiffers = errors.New("differs")
	// errIncomplete: a check could not be carried out. It has been shown.
	errIncomplete  = errors.New("incomplete")
	errNobody      = errors.New("nobody can answer here: standard input is not a terminal")
	errNoChoice    = errors.New("nobody can choose here: standard input is not a terminal")
	errDeclined    = errors.New("not confirmed; nothing was changed")
	errStale       = errors.New("the machine has changed since the plan was shown; nothing was changed")
	errInterrupted = errors.New("interrupted")
)

// noSpecError says that there is no spec to read.
type noSpecError struct{ file string }

func (e *noSpecError) Error() string { return "there is no " + e.file }

// outcome is how an error ends the process.
type outcome struct {
	code int
	// quiet: it has been shown already.
	quiet bool
	hint  string
}

// outcomeOf is the table of errors. The first row that fits counts.
func outcomeOf(err error) outcome {
	var (
		diags     spec.Diagnostics
		noSpec    *noSpecError
		there     *specThereError
		unhealthy *engine.UnhealthyError
		step      *apply.StepError
		port      *apply.PortTakenError
		half      *rotate.UnfinishedError
		held      *lock.HeldError
		ssh       *sshEndedError
		gone      *engine.UnreachableError
		stale     *staleLockError
	)
	switch {
	case err == nil:
		return outcome{code: exitDone}
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return outcome{code: exitInterrupted}
	case errors.Is(err, errDiffers):
		return outcome{code: exitDiffers, quiet: true}
	case errors.Is(err, errIncomplete):
		return outcome{code: exitError, quiet: true}
	case errors.As(err, &ssh):
		return outcome{code: exitError, hint: "Make this work first: " + shellWords("ssh", ssh.destination, "true")}
	case errors.Is(err, errNobody):
		return outcome{code: exitUsage, hint: "Add -y to go on without a question."}
	case errors.Is(err, errNoChoice):
		return outcome{code: exitUsage, hint: "Say it with a flag: " + initFlags}
	case errors.Is(err, adopt.ErrNoService):
		return outcome{code: exitUsage}
	case errors.As(err, &there):
		return outcome{code: exitError, hint: "Nothing was written. Move it away, or name another file: minibot init -f FILE"}
	case errors.Is(err, errDeclined):
		return outcome{code: exitError}
	case errors.Is(err, errStale):
		return outcome{code: exitRefused, hint: "Look at the plan again: minibot plan"}
	case errors.As(err, &held):
		return outcome{code: exitRefused, hint: "Nothing was changed. To wait for it: --lock-timeout 60s"}
	case errors.As(err, &diags):
		return outcome{code: exitError}
	case errors.As(err, &noSpec):
		return outcome{code: exitError, hint: "Write one to begin with: minibot init. Or name one that is there: -f FILE."}
	case errors.As(err, &stale):
		return outcome{code: exitError, hint: "Lock what the spec says now: minibot lock"}
	case errors.As(err, &half):
		out := outcomeOf(half.Err)
		out.hint = "Both values are kept in the store. To go on: minibot secret rotate " + half.Name + ", or minibot apply"
		return out
	case errors.Is(err, engine.ErrMoved):
		return outcome{code: exitRefused, hint: "Look at what is there now: minibot plan"}
	case errors.As(err, &step) && step.Action.Verb == plan.PullImage:
		return outcome{code: exitError, hint: "Images come first: every service is as it was. Once this is put right: minibot apply"}
	case errors.As(err, &unhealthy), errors.As(err, &step) && step.Action.Verb == plan.StartContainer:
		return outcome{code: exitUnhealthy}
	case errors.As(err, &port):
		return outcome{code: exitError, hint: "Nothing was changed. Stop that program, or give the service another port of the machine: published = … in its bind."}
	case errors.Is(err, secret.ErrNotFound), errors.Is(err, secret.ErrLocked), errors.Is(err, secret.ErrDenied), errors.Is(err, secret.ErrUnavailable):
		return outcome{code: exitSecret}
	case errors.As(err, &gone) && !gone.Endpoint.SSH() && errors.Is(err, fs.ErrPermission):
		return outcome{code: exitError, hint: "Run minibot as a user who may use the engine's socket: one of the group docker, or root."}
	case errors.As(err, &gone):
		return outcome{code: exitError, hint: findEngine(gone.Endpoint)}
	}
	return outcome{code: exitError}
}

// exit shows an error and returns the process's exit code.
func (a *app) exit(err error) int {
	a.summarise(err)
	out := outcomeOf(err)
	if err == nil || out.quiet {
		return out.code
	}
	paint, reset := "\x1b[1;31m", "\x1b[0m"
	if !a.colorErr {
		paint, reset = "", ""
	}
	if errors.Is(err, errInterrupted) {
		a.say("%sInterrupted.%s", paint, reset)
		return out.code
	}
	a.say("%sError:%s %s", paint, reset, strings.ReplaceAll(err.Error(), "\n", "\n       "))
	if out.hint != "" {
		a.say("%s", out.hint)
	}
	return out.code
}

// findEngine says what to do about an engine that does not answer.
func findEngine(endpoint engine.Endpoint) string {
	if endpoint.SSH() {
		return "Make this work first: docker --host " + endpoint.Host + " version\n" +
			"ssh can ask nothing here: its agent must hold the key, and its known_hosts the machine."
	}
	if runtime.GOOS == "darwin" {
		return "Start Docker Desktop, OrbStack or Colima (colima start), then try again. DOCKER_HOST or --context names another engine."
	}
	return "Start it (systemctl start docker), then try again. DOCKER_HOST or --context names another engine."
}
