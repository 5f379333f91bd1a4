package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"time"

	"github.com/keybase/dbus"
	"github.com/keybase/go-keychain/secretservice"
)

// serviceErrors says what an error on the bus means, by the beginning of its name.
var serviceErrors = []struct {
	name string
	make func() *Error
}{
	{"org.freedesktop.Secret.Error.IsLocked", keyringLocked},
	{"org.freedesktop.Secret.Error.NoSession", keyringGone},
	{"org.freedesktop.DBus.Error.AccessDenied", keyringDenied},
	{"org.freedesktop.DBus.Error.AuthFailed", keyringDenied},
	{"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", keyringDenied},
	{"org.freedesktop.DBus.Error.ServiceUnknown", noProvider},
	{"org.freedesktop.DBus.Error.NameHasNoOwner", noProvider},
	{"org.freedesktop.DBus.Error.Spawn.", noProvider}, // the bus could not start it
	{"org.freedesktop.DBus.Error.NoReply", keyringGone},
	{"org.freedesktop.DBus.Error.Disconnected", keyringGone},
}

func keyringLocked() *Error {
	return &Error{Store: "secret-service", Kind: ErrLocked,
		Remedy: "unlock the keyring (log in to the desktop, or open Passwords and Keys), then again"}
}

func keyringDenied() *Error {
	return &Error{Store: "secret-service", Kind: ErrDenied, Remedy: "allow minibot in the keyring's settings"}
}

func keyringGone() *Error {
	return &Error{Store: "secret-service", Kind: ErrUnavailable, Detail: "the keyring ended meanwhile", Remedy: "try again"}
}

func noProvider() *Error {
	return &Error{Store: "secret-service", Kind: ErrUnavailable, Detail: "no keyring answers on the session bus",
		Remedy: "install and start one (gnome-keyring), or choose the file store"}
}

// serviceError explains an error of a call. Texts of a service are not passed on, only the names of its errors.
func serviceError(name string, err error) error {
	if ours := new(Error); errors.As(err, &ours) {
		return named(ours, name)
	}
	var bus dbus.Error
	switch {
	case errors.As(err, &bus):
		for _, e := range serviceErrors {
			if strings.HasPrefix(bus.Name, e.name) {
				return named(e.make(), name)
			}
		}
		return &Error{Store: "secret-service", Name: name, Detail: "the keyring failed with " + bus.Name}
	case lost(err):
		return named(keyringGone(), name)
	}
	return &Error{Store: "secret-service", Name: name, Detail: "the keyring's answer could not be read"}
}

// lost reports whether the connection or the session on it is of no use any more.
func lost(err error) bool {
	var bus dbus.Error
	if errors.As(err, &bus) {
		return bus.Name == "org.freedesktop.Secret.Error.NoSession" || bus.Name == "org.freedesktop.DBus.Error.Disconnected"
	}
	var broken *net.OpError
	return errors.Is(err, dbus.ErrClosed) || errors.Is(err, io.EOF) || errors.As(err, &broken)
}

// dialError is for a bus that cannot be reached. It names an address and nothing else.
func dialError(address string, err error) *Error {
	e := &Error{Store: "secret-service", Kind: ErrUnavailable, Detail: "the session bus " + address, Cause: err,
		Remedy: "log out and in again, or choose the file store"}
	if errors.Is(err, fs.ErrPermission) {
		e.Kind, e.Remedy = ErrDenied, "run minibot as the user of the desktop session"
	}
	return e
}

// busLate is for a bus that takes too long.
func busLate(ctx context.Context, address string, limit time.Duration) error {
	if context.Cause(ctx) != errNoAnswer {
		return &Error{Store: "secret-service", Cause: ctx.Err()}
	}
	return &Error{Store: "secret-service", Kind: ErrUnavailable, Cause: context.DeadlineExceeded,
		Detail: fmt.Sprintf("the session bus %s gave no answer within %v", address, limit), Remedy: "log out and in again, or choose the file store"}
}

// serviceLate is for a service that takes too long: as far as anyone can tell, it waits for a person.
func serviceLate(ctx context.Context, name string, limit time.Duration) error {
	if context.Cause(ctx) != errNoAnswer {
		return &Error{Store: "secret-service", Name: name, Cause: ctx.Err()}
	}
	return &Error{Store: "secret-service", Name: name, Kind: ErrLocked, Cause: context.DeadlineExceeded,
		Detail: fmt.Sprintf("no answer within %v", limit), Remedy: "a dialog may be waiting on the screen: answer it there, then again"}
}

// promptError explains a dialog that did not end well.
func promptError(err, dismissed error) error {
	var bus dbus.Error
	switch {
	case errors.As(err, new(secretservice.PromptDismissedError)):
		e := keyringLocked()
		if dismissed == ErrDenied {
			e = keyringDenied()
		}
		e.Detail = "its dialog was dismissed or could not be shown"
		return e
	case errors.As(err, &bus), lost(err):
		return err
	}
	// "prompt timed out", after 30 s.
	return &Error{Store: "secret-service", Kind: ErrLocked, Detail: "nobody answered its dialog", Remedy: "run again and answer it"}
}
