package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"
)

const (
	execGrace    = time.Second // for pipes that a helper of an ended program keeps open
	execMessages = 4 << 10     // bytes kept of what a program says on stderr
	execShown    = 200         // characters shown of that
)

// run returns what the program prints, as bytes that are the caller's to clear.
//
// The program gets no stdin and a process group of its own, which is killed as a whole when the time is up or the
// context ends. Without a person it also gets a session of its own, so that a question on the terminal fails at once
// instead of waiting; with one it stays in the terminal's session, because 1Password's approval is for a session and
// would be asked for again with each secret.
func (s *execStore) run(ctx context.Context, name string, argv []string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.wait, errNoAnswer)
	defer cancel()

	out := limited{most: MaxValue + len("\r\n")}
	out.buf.Grow(out.most) // at once: a buffer that grows leaves copies behind
	errs := head{most: execMessages}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = execEnv(s.options.Pass)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: !s.attended, Setpgid: s.attended}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = execGrace

	if err := cmd.Start(); err != nil {
		if ctx.Err() != nil {
			return nil, s.late(ctx, name, argv[0])
		}
		return nil, startError(name, argv[0], err)
	}
	err := cmd.Wait()
	switch {
	case out.over:
		// Its pipe is closed, so the program ended or could write no more.
		clear(out.buf.Bytes())
		return nil, tooMuch(name, argv[0])
	case err == nil:
		return out.buf.Bytes(), nil
	case errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success() && ctx.Err() == nil:
		return out.buf.Bytes(), nil // it ended well, and left a helper that keeps its pipe
	}
	printed := NewValue(out.buf.Bytes())
	clear(out.buf.Bytes())
	if ctx.Err() != nil {
		return nil, s.late(ctx, name, argv[0])
	}
	detail := fmt.Sprintf("%s failed: %v", argv[0], cmd.ProcessState) // "exit status 1", "signal: killed"
	if line := firstLine(errs.buf.Bytes(), printed); line != "" {
		detail += ": " + line
	}
	return nil, &Error{Store: "exec", Name: name, Kind: ErrUnavailable, Detail: detail} // a sealed vault, most likely
}

// late is the error when the context is done.
func (s *execStore) late(ctx context.Context, name, program string) error {
	if context.Cause(ctx) != errNoAnswer {
		return &Error{Store: "exec", Name: name, Cause: ctx.Err()}
	}
	return &Error{Store: "exec", Name: name, Kind: ErrLocked, Detail: fmt.Sprintf("%s gave no answer within %v", program, s.wait),
		Cause: context.DeadlineExceeded, Remedy: "it may wait for a dialog or a password: unlock its password manager first, then again"}
}

func killGroup(leader int) error {
	if err := unix.Kill(-leader, unix.SIGKILL); errors.Is(err, unix.ESRCH) {
		return os.ErrProcessDone
	} else if err != nil {
		return err
	}
	return nil
}

// firstLine returns the first line with text of a failed program's messages, without what it printed on stdout
// (which may be the secret), without control characters and not longer than execShown characters.
func firstLine(messages []byte, printed Value) string {
	hidden := []Value{printed}
	for line := range bytes.Lines(printed.peek()) {
		hidden = append(hidden, NewValue(line))
	}
	for line := range bytes.Lines(NewMasker(hidden...).Mask(messages)) {
		text := strings.TrimSpace(strings.Map(func(r rune) rune {
			switch {
			case r == '\t':
				return ' '
			case !unicode.IsPrint(r):
				return -1
			}
			return r
		}, string(line)))
		if text == "" {
			continue
		}
		if runes := []rune(text); len(runes) > execShown {
			text = string(runes[:execShown]) + "…"
		}
		return text
	}
	return ""
}
