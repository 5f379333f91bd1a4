package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"minibot/internal/lookout"
	"minibot/verify"
)

// watchLine is what a watch prints as JSON, one to a line. A program that is told of a change
// gets the same.
type watchLine struct {
	// Type is "watching" for the first line, whose changes are what is not in order then;
	// "changed"; "looked" where nothing has changed, with -v alone; "engine" or "spec" with a
	// message, when one of those cannot be used or can again.
	Type    string          `json:"type"`
	Time    time.Time       `json:"time"`
	Stack   string          `json:"stack"`
	Changes []verify.Change `json:"changes,omitempty"`
	Summary *verify.Summary `json:"summary,omitempty"`
	LeftOut *verify.LeftOut `json:"left_out,omitempty"`
	Message string          `json:"message,omitempty"`
}

// begun tells how it is at the beginning.
func (w *watcher) begun(report verify.Report) error {
	line := watchLine{Type: "watching", Changes: verify.Changes(verify.Report{}, report), Summary: &report.Summary, LeftOut: report.LeftOut}
	line.Message = fmt.Sprintf("Watching the stack %q: at the engine's events, and every %v.", w.stack, w.cmd.Interval)
	if text := report.LeftOut.String(); text != "" {
		line.Message += " " + text
	}
	return w.print(&line)
}

// looked tells what has changed, and others too.
func (w *watcher) looked(ctx context.Context, report verify.Report, changes []verify.Change) error {
	line := watchLine{Type: "changed", Changes: changes, Summary: &report.Summary, LeftOut: report.LeftOut}
	if len(changes) == 0 {
		if !w.cmd.Verbose {
			return nil
		}
		line.Type = "looked"
	}
	if err := w.print(&line); err != nil || len(changes) == 0 {
		return err
	}
	return w.tell(ctx, line)
}

// note tells what stands in the way, or no longer does.
func (w *watcher) note(what, message string) {
	if err := w.print(&watchLine{Type: what, Message: message}); err != nil {
		w.warn("%v", err)
	}
}

// print prints a line, or in text what is in it.
func (w *watcher) print(line *watchLine) error {
	now := time.Now()
	line.Time, line.Stack = now.UTC().Truncate(time.Second), w.stack
	var out bytes.Buffer
	if err := w.write(&out, now, line); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.stdout.Write(out.Bytes())
	return err
}

func (w *watcher) write(out io.Writer, now time.Time, line *watchLine) error {
	if w.cmd.format == verify.JSON {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(line)
	}
	options := w.textOptions(false)
	if line.Message != "" {
		if err := verify.WriteMoment(out, now, line.Message, options); err != nil {
			return err
		}
	}
	if err := verify.WriteChanges(out, now, line.Changes, options); err != nil || line.Summary == nil {
		return err
	}
	return verify.WriteMoment(out, now, line.Summary.String(), options)
}

// tell tells a change to the program and the desktop. Their failures are shown, and end
// nothing.
func (w *watcher) tell(ctx context.Context, line watchLine) error {
	if len(w.cmd.program) > 0 {
		told, err := json.Marshal(line)
		if err != nil {
			return err
		}
		w.failed(ctx, "--on-change", lookout.Tell(ctx, w.cmd.program, append(told, '\n'), w.stderr))
	}
	if w.cmd.desktop != nil {
		w.failed(ctx, "--notify", lookout.Tell(ctx, w.cmd.desktop("minibot: "+w.stack, notice(line)), nil, w.stderr))
	}
	return ctx.Err()
}

// failed shows what went wrong, if it was not an interruption.
func (w *watcher) failed(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		w.warn("%s: %v", what, err)
	}
}

// noticeLines is how many changes a notification has room for.
const noticeLines = 3

// notice is a change in few words.
func notice(line watchLine) string {
	text := line.Summary.String()
	for i, change := range line.Changes {
		if i == noticeLines {
			return text + fmt.Sprintf("\nand %d more", len(line.Changes)-i)
		}
		now := change.To
		if now == "" {
			now = "gone"
		}
		text += fmt.Sprintf("\n%s: %s, %s", now, change.Check, change.Object)
	}
	return text
}
