package engine

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"minibot/internal/plan"
)

// outputMost bounds what is kept of a program's output, in bytes.
const outputMost = 1 << 20

// killAfter is the program by which another is killed when its time is over: an engine cannot.
const killAfter = "timeout"

// Run runs a program in a running container to its end, without input. After limit it is killed, if the image has a
// timeout program; else Run gives up, and it may go on. The error says that it could not be run.
func (e *Engine) Run(ctx context.Context, containerID string, argv []string, limit time.Duration) (plan.Output, error) {
	seconds := strconv.Itoa(max(1, int(math.Ceil(limit.Seconds()))))
	output, err := e.run(ctx, containerID, append([]string{killAfter, "-s", "KILL", seconds}, argv...), limit)
	if err == nil && output.Missing && strings.Contains(output.Stdout, strconv.Quote(killAfter)) {
		output, err = e.run(ctx, containerID, argv, limit)
	}
	if output.Missing { // what is there are the engine's words
		output.Stdout = ""
	}
	return output, err
}

func (e *Engine) run(ctx context.Context, containerID string, argv []string, limit time.Duration) (plan.Output, error) {
	const grace = 2 * time.Second // for the program's own end
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
	said, err := io.ReadAll(io.LimitReader(p, outputMost))
	if _, drained := io.Copy(io.Discard, p); err == nil {
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
	output.Killed = (code == killed || code == 124) && time.Since(begun) >= limit
	return output, nil
}
