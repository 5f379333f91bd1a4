// Package secret holds the values that must not be seen: passwords, tokens, keys.
//
// It keeps them in a store (keychain, keyring, encrypted file, a program, environment), generates the ones that may
// be made up, resolves all that a stack needs before anything is touched, masks them in text, and
// fingerprints them so that a rotation shows without showing a value.
//
// It may not put a value into an argument list, the environment of a child, an error, a log or a plain
// file; may not fall back from one store to another; may not know of stacks, containers or HCL; and it
// imports no other package of minibot. [Value.Reveal] is the only way out.
//
// Where a comment says "measured", it was tried on the real thing; see the text beside it.
package secret

import (
	"context"
	"time"
)

// MaxValue is the size in bytes of the largest value that any store takes. A store may take less
// (see the keychain by /usr/bin/security).
const MaxValue = 64 << 10

// A Store keeps values by name. What [Open] returns has these properties, whatever the kind:
//
//   - A name outside [A-Za-z_][A-Za-z0-9_]* is refused before the store is asked. (An empty account
//     would match every item of a keychain.)
//   - An error about a store is an *[Error]. Absent is [ErrNotFound] and nothing else is: a locked, refused,
//     damaged or unreachable store never looks like a store without the secret.
//   - No call waits for ever; each also ends with its context, and then wraps the context's error.
//   - An empty value is never stored, and one found there is an error.
//
// Stores are safe for concurrent use.
type Store interface {
	// Get returns the value. Errors: ErrNotFound, ErrLocked, ErrDenied, ErrUnavailable, others.
	Get(ctx context.Context, name string) (Value, error)

	// Set stores the value, replacing an older one without a moment in which there is none.
	// Errors: as Get without ErrNotFound, and ErrReadOnly. After a deadline it is unknown whether it was stored.
	Set(ctx context.Context, name string, value Value) error

	// Delete removes one value. Errors: as Get, and ErrReadOnly.
	Delete(ctx context.Context, name string) error

	// List returns what is there, sorted by name, without minibot's own key (see [LoadKey]).
	// A store that is not there yet is empty.
	List(ctx context.Context) ([]Item, error)
}

// An Item is one line of a list. It holds no value.
type Item struct {
	Name    string    `json:"name"`
	Changed time.Time `json:"changed,omitzero"` // when the value was stored, UTC, whole seconds; zero if the store doesn't know
}
