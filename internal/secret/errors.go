package secret

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with a store, as far as anyone decides on it. They are told apart with errors.Is, and confusing
// the first with another would replace a database's password by a generated one.
var (
	// ErrNotFound: the store was read and holds no such secret.
	ErrNotFound = errors.New("not found")

	// ErrLocked: the store is there and cannot be opened now: keychain locked, key file missing, no answer in time.
	ErrLocked = errors.New("locked")

	// ErrDenied: the store is open and refuses this program or user, or its files are open to others.
	ErrDenied = errors.New("access denied")

	// ErrUnavailable: there is no such store on this machine, or it cannot be reached.
	ErrUnavailable = errors.New("not available")

	// ErrReadOnly: the store cannot be written by minibot.
	ErrReadOnly = errors.New("read-only")
)

// An Error is what a store returns. It never quotes a value, nor output of a program that could hold one. (The one
// exception is exec: the first line that a failed program wrote to stderr, without anything it wrote to stdout.)
type Error struct {
	Store  string // the kind of store: "keychain", "file", "env", …
	Name   string // the secret; empty if the whole store is meant
	Kind   error  // one of the sentinels above; nil for a fault of another sort, such as a damaged file
	Detail string // the fact, if there is more to say: a path, a status
	Remedy string // what a person can do, as a clause: "run `chmod 600 …`"; may be empty
	Cause  error  // the error underneath, if it cannot hold a value; may be nil
}

// Error returns one line with the fact and then the remedy.
func (e *Error) Error() string {
	text := e.Store + " store"
	if e.Name != "" && !isReserved(e.Name) { // minibot's own accounts mean the store as a whole
		text += ": " + e.Name
	}
	if fact := e.fact(); fact != "" {
		text += ": " + fact
	}
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

// fact is what is wrong, without where and what to do.
func (e *Error) fact() string {
	var parts []string
	switch {
	case e.Kind != nil && e.Detail != "":
		parts = append(parts, fmt.Sprintf("%v (%s)", e.Kind, e.Detail))
	case e.Kind != nil:
		parts = append(parts, e.Kind.Error())
	case e.Detail != "":
		parts = append(parts, e.Detail)
	}
	if e.Cause != nil {
		parts = append(parts, e.Cause.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns Kind and Cause.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Kind, e.Cause} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// notFound is the ErrNotFound of the stores that `minibot secret set` can write.
func notFound(store, name string) *Error {
	return &Error{Store: store, Name: name, Kind: ErrNotFound, Remedy: "run `minibot secret set " + name + "`"}
}
