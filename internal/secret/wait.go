package secret

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/term"
)

// How long one call to a store that may ask a person can take. With a person at the screen a dialog may have to be
// read and answered; without one it would hang for ever (as cron jobs of other tools did), so it ends early.
const (
	attendedWait   = 120 * time.Second
	unattendedWait = 10 * time.Second
)

// attended reports whether a person can answer a dialog: stdin is a terminal and not one of SSH, since dialogs
// appear on the machine's own screen.
func attended() bool {
	return os.Getenv("SSH_CONNECTION") == "" && term.IsTerminal(int(os.Stdin.Fd()))
}

// callWait is the limit of one call.
func callWait() time.Duration {
	if attended() {
		return attendedWait
	}
	return unattendedWait
}

// errNoAnswer is the cause of a context that ended by our own limit and not the caller's.
var errNoAnswer = errors.New("no answer")

// await waits for a call that knows no context, or for the context, and then returns the context's error. The call
// itself stays behind in its goroutine until it is answered.
func await[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type answer struct {
		result T
		err    error
	}
	done := make(chan answer, 1)
	go func() {
		result, err := call()
		done <- answer{result, err}
	}()
	select {
	case a := <-done:
		return a.result, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
