package engine

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"minibot/internal/plan"
	"minibot/internal/secret"
)

// Line is one line that a container wrote, without its end.
type Line struct {
	Time   time.Time // UTC, as the engine took it
	Stderr bool      // standard error, not standard output
	Text   []byte
}

// Want says which lines of a log are meant.
type Want struct {
	// Tail is how many of the last ones; all if below 0.
	Tail int
	// Since leaves out what is older; the zero time leaves out nothing.
	Since time.Time
	// Follow goes on with what is written from now on, until the container ends or the context does.
	Follow bool
}

// longest is how much of a line is put together, in bytes. Of a longer one the end of that is left out, too: it may be the
// first half of a secret, which nobody could tell.
const longest = 1 << 20

// Lines reads a container's log, and hands each line to take, in the order of the engine. The container may be named by
// its name, too. It returns when there are no more, and then with the error of the context if that ended it.
func (e *Engine) Lines(ctx context.Context, id string, want Want, take func(Line)) error {
	options := container.LogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: want.Follow, Tail: "all"}
	if want.Tail >= 0 {
		options.Tail = strconv.Itoa(want.Tail)
	}
	if !want.Since.IsZero() {
		options.Since = want.Since.UTC().Format(time.RFC3339Nano)
	}
	stream, err := e.api.ContainerLogs(ctx, id, options)
	if err != nil {
		return wrap("read logs", err)
	}
	defer stream.Close() // not drained: one that is followed has no end
	out, errs := &lineWriter{take: take}, &lineWriter{take: take, stderr: true}
	_, err = stdcopy.StdCopy(out, errs, stream)
	out.flush()
	errs.flush()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return wrap("read logs", err)
}

// State tells how the container of a name is; found is false if there is none.
func (e *Engine) State(ctx context.Context, name string) (id string, state plan.State, found bool, err error) {
	inspected, err := e.api.ContainerInspect(ctx, name)
	if errdefs.IsNotFound(err) {
		return "", plan.State{}, false, nil
	}
	if err != nil {
		return "", plan.State{}, false, wrap("inspect container "+name, err)
	}
	return inspected.ID, observeState(inspected), true, nil
}

// lineWriter puts lines together. The engine sends one message at a time, each with its time before it; a line that is
// longer than its buffer of 16 KiB comes in several, and only the last ends with a line feed.
type lineWriter struct {
	take   func(Line)
	stderr bool
	line   Line
	begun  bool
}

func (w *lineWriter) Write(message []byte) (int, error) {
	stamp, text, _ := bytes.Cut(message, []byte(" "))
	when, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		text = message // an engine that leaves the time out
	}
	if !w.begun {
		w.line, w.begun = Line{Time: when, Stderr: w.stderr}, true
	}
	whole := bytes.HasSuffix(text, []byte("\n"))
	text = bytes.TrimRight(text, "\r\n")
	w.line.Text = append(w.line.Text, text[:min(len(text), longest-len(w.line.Text))]...)
	if whole {
		w.flush()
	}
	return len(message), nil
}

func (w *lineWriter) flush() {
	if w.begun {
		w.begun = false
		if len(w.line.Text) == longest {
			w.line.Text = w.line.Text[:longest-secret.MaxValue]
		}
		w.take(w.line)
	}
}
