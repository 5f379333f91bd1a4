package secret

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/term"
)

// How long one call to the keychain may take. With a person at the screen a dialog may have to be read and answered;
// without one it would hang for ever (as cron jobs of other tools did), so it ends early.
const (
	attendedWait   = 120 * time.Second
	unattendedWait = 10 * time.Second
)

// keychainWait picks one of the two: a person is there if stdin is a terminal and not one of SSH, since dialogs
// appear on the Mac's own screen.
func keychainWait() time.Duration {
	if os.Getenv("SSH_CONNECTION") == "" && term.IsTerminal(int(os.Stdin.Fd())) {
		return attendedWait
	}
	return unattendedWait
}

// Every item has all of these filled. An empty one would match any item in a search.
func keychainService(stack string) string     { return "minibot." + stack }
func keychainLabel(stack, name string) string { return "minibot " + stack + " " + name }

const keychainDescription = "minibot secret"

// keychainStatuses explains the codes of the Security framework (SecBase.h). /usr/bin/security exits with the low
// byte.
var keychainStatuses = []struct {
	status int
	kind   error
	detail string
	remedy string
}{
	{-25300, ErrNotFound, "", ""}, // errSecItemNotFound, exit 44; its remedy needs the name
	{-25308, ErrLocked, "the keychain wants to ask and may not, status -25308", // errSecInteractionNotAllowed, exit 36
		"an SSH login doesn't unlock it: run `security -v unlock-keychain ~/Library/Keychains/login.keychain-db` in this session, then again"},
	{-25293, ErrDenied, "status -25293", // errSecAuthFailed, exit 51
		"allow minibot in the item's access list in Keychain Access, or delete the item and set it anew"},
	{-128, ErrDenied, "the dialog was cancelled, status -128", // errSecUserCanceled, exit 128
		"run again and allow access in the dialog"},
	{-25291, ErrUnavailable, "no keychain, status -25291", // errSecNotAvailable, exit 53
		"run in a login session of the user (a LaunchAgent, not a daemon), or choose the file store"},
	{-25294, ErrUnavailable, "no such keychain, status -25294", // errSecNoSuchKeychain, exit 50
		"create a login keychain in Keychain Access, or choose the file store"},
	{-25307, ErrUnavailable, "no default keychain, status -25307", // errSecNoDefaultKeychain, exit 37
		"create a login keychain in Keychain Access, or choose the file store"},
	{-25299, nil, "the item exists already and could not be updated, status -25299", // errSecDuplicateItem, exit 45
		"delete it in Keychain Access and set it anew"},
}

// keychainError turns a status into an error. An unknown status is none of the sentinels.
func keychainError(name string, status int) error {
	for _, s := range keychainStatuses {
		if s.status != status {
			continue
		}
		if s.kind == ErrNotFound {
			return notFound("keychain", name)
		}
		return &Error{Store: "keychain", Name: name, Kind: s.kind, Detail: s.detail, Remedy: s.remedy}
	}
	return &Error{Store: "keychain", Name: name, Detail: fmt.Sprintf("failed with status %d", status)}
}

// errNoAnswer is the cause of a context that ended by our own limit and not the caller's.
var errNoAnswer = errors.New("no answer")

// unanswered is the error for a call whose context is done. A store that doesn't answer in time is locked, as far as
// anyone can tell: a dialog is waiting.
func unanswered(ctx context.Context, name string, limit time.Duration) error {
	if context.Cause(ctx) == errNoAnswer {
		return &Error{Store: "keychain", Name: name, Kind: ErrLocked, Detail: fmt.Sprintf("no answer within %v", limit), Cause: context.DeadlineExceeded,
			Remedy: "a dialog may be waiting on the Mac's screen: answer it there, then again"}
	}
	return &Error{Store: "keychain", Name: name, Cause: ctx.Err()}
}

// ask runs a call that knows no context (one into the Security framework blocks as long as a dialog is up), and stops
// waiting for it after limit. The call itself then stays behind in its goroutine until it is answered.
func ask[T any](ctx context.Context, limit time.Duration, name string, call func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
	defer cancel()
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
		return none, unanswered(ctx, name, limit)
	}
}
