package engine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"minibot/internal/plan"
)

// outputMost bounds what is kept of a program's output, in bytes.
const outputMost = 1 << 20

// An engine cannot kill a program that it has started in a container. So a shell writes down the number that it has
// there, and becomes the program; and another kills that with all that it has started, for an exec leads a session.
// BusyBox's timeout would not do: it leaves a process behind each time, which the container's first process would
// have to bury. Where that is a server that does not, such as Redis, verify would in time use up the processes that
// the container may have.
var (
	killable = []string{"/bin/sh", "-c", `echo "$$"; exec "$@"`, "sh"}
	killer   = []string{"/bin/sh", "-c", `kill -s KILL -- "-$1"`, "sh"}
)

// Run runs a program in a running container to its end, without input. After limit it is killed, if the image has a
// shell; else Run gives up, and it may go on. The error says that it could not be run.
func (e *Engine) Run(ctx context.Context, containerID string, argv []string, limit time.Duration) (plan.Output, error) {
	output, err := e.run(ctx, containerID, slices.Concat(killable, argv), limit, e.guard)
	if err == nil && output.Missing && strings.Contains(output.Stdout, killable[0]) {
		output, err = e.run(ctx, containerID, argv, limit, nil)
	}
	if output.Missing { // what is there are the engine's words
		output.Stdout = ""
	}
	return output, err
}

// guard takes the number off what a killable program says, and kills it after limit unless stopped before. Where
// there is no number, it was never started.
func (e *Engine) guard(ctx context.Context, containerID string, limit time.Duration, said io.Reader) (rest io.Reader, stop func() bool) {
	buffered := bufio.NewReader(said)
	first, _ := buffered.ReadString('\n')
	number := strings.TrimSuffix(first, "\n")
	if _, err := strconv.Atoi(number); err != nil {
		return io.MultiReader(strings.NewReader(first), buffered), func() bool { return true }
	}
	return buffered, time.AfterFunc(limit, func() {
		p, err := e.Start(ctx, containerID, append(slices.Clone(killer), number))
		if err != nil {
			return
		}
		defer p.Close()
		_, _ = io.Copy(io.Discard, p)
	}).Stop
}

// run runs a program, under guard if there is one.
func (e *Engine) run(ctx context.Context, containerID string, argv []string, limit time.Duration, guard func(context.Context, string, time.Duration, io.Reader) (io.Reader, func() bool)) (plan.Output, error) {
	const grace = 5 * time.Second // for the program's own end, and for who kills it
	ctx, cancel := context.WithTimeoutCause(ctx, limit+grace, fmt.Errorf("no end within %s", limit))
	defer cancel()
	begun := time.Now()
	p, err := e.Start(ctx, containerID, argv)
	if err != nil {
		return plan.Output{}, err
	}
	defer p.Close()
	over := context.AfterFunc(ctx, func() { p.Close() })
	defer over()
	_ = p.CloseWrite()
	var out io.Reader = p
	if guard != nil {
		rest, stop := guard(ctx, containerID, limit, p)
		defer stop()
		out = rest
	}
	said, err := io.ReadAll(io.LimitReader(out, outputMost))
	if _, drained := io.Copy(io.Discard, out); err == nil {
		err = drained
	}
	if cause := context.Cause(ctx); cause != nil {
		return plan.Output{Killed: true}, fmt.Errorf("exec: %w", cause)
	}
	if err != nil {
		return plan.Output{}, fmt.Errorf("exec: %w", err)
	}
	code, err := p.ExitCode(ctx)
	if err != nil {
		return plan.Output{}, err
	}
	output := plan.Output{Stdout: string(said), Stderr: p.Complaint(), Code: code}
	const cannotRun, notFound, killed = 126, 127, 128 + 9
	output.Missing = code == notFound || code == cannotRun && strings.Contains(output.Stdout, "OCI runtime exec failed")
	output.Killed = code == killed && time.Since(begun) >= limit
	return output, nil
}
