package evidence

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"slices"
	"syscall"

	"minibot/internal/probe"
	"minibot/internal/secret"
)

// Failure is an error, with its words and with what verify tells errors apart by.
type Failure struct {
	Text  string   `json:"text"`
	Kinds []string `json:"kinds,omitempty"`
}

// kinds are the errors that somebody decides on, by their names in a bundle.
var kinds = map[string]error{
	"starting": probe.ErrStarting, "busy": probe.ErrBusy, "rate limited": probe.ErrRateLimited, "unknown reply": probe.ErrUnknownReply,
	"clear text": probe.ErrClearText, "may not": probe.ErrMayNot, "no secret": probe.ErrNoSecret, "handshake": probe.ErrHandshake,
	"not found": secret.ErrNotFound, "locked": secret.ErrLocked, "denied": secret.ErrDenied, "unavailable": secret.ErrUnavailable,
	"not there": fs.ErrNotExist, "not permitted": fs.ErrPermission,
	"refused": syscall.ECONNREFUSED, "reset": syscall.ECONNRESET, "no route": syscall.EHOSTUNREACH, "no network": syscall.ENETUNREACH, "timed out": syscall.ETIMEDOUT, "not allowed": syscall.EPERM,
	"deadline": context.DeadlineExceeded, "cancelled": context.Canceled,
}

// dns is the kind of a *net.DNSError.
const dns = "name"

// failure keeps an error; nil keeps none.
func failure(err error) *Failure {
	if err == nil {
		return nil
	}
	f := &Failure{Text: err.Error()}
	for name, kind := range kinds {
		if errors.Is(err, kind) {
			f.Kinds = append(f.Kinds, name)
		}
	}
	if lookup := (*net.DNSError)(nil); errors.As(err, &lookup) {
		f.Kinds = append(f.Kinds, dns)
	}
	slices.Sort(f.Kinds)
	return f
}

// Err is the error again; nil if there was none.
func (f *Failure) Err() error {
	if f == nil {
		return nil
	}
	return &replayed{*f}
}

// replayed is an error that was kept.
type replayed struct{ Failure }

func (r *replayed) Error() string { return r.Text }

func (r *replayed) Is(target error) bool {
	return slices.ContainsFunc(r.Kinds, func(kind string) bool { return kinds[kind] == target })
}

func (r *replayed) As(target any) bool {
	lookup, ok := target.(**net.DNSError)
	if ok = ok && slices.Contains(r.Kinds, dns); ok {
		*lookup = &net.DNSError{Err: r.Text}
	}
	return ok
}
