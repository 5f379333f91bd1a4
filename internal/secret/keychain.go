package secret

import (
	"context"
	"fmt"
	"time"
)

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

// unanswered is the error for a call whose context is done. A store that doesn't answer in time is locked, as far as
// anyone can tell: a dialog is waiting.
func unanswered(ctx context.Context, name string, limit time.Duration) error {
	if context.Cause(ctx) == errNoAnswer {
		return &Error{Store: "keychain", Name: name, Kind: ErrLocked, Detail: fmt.Sprintf("no answer within %v", limit), Cause: context.DeadlineExceeded,
			Remedy: "a dialog may be waiting on the Mac's screen: answer it there, then again"}
	}
	return &Error{Store: "keychain", Name: name, Cause: ctx.Err()}
}

// ask runs a call into the Security framework, which knows no context and blocks as long as a dialog is up.
func ask[T any](ctx context.Context, limit time.Duration, name string, call func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
	defer cancel()
	result, err := await(ctx, call)
	if err != nil && ctx.Err() != nil {
		return result, unanswered(ctx, name, limit)
	}
	return result, err
}
