package secret

import (
	"context"
	"errors"
)

// A Holding is what a store holds under a name, compared with a value.
type Holding int

// What a store can hold. The zero Holding is Nothing.
const (
	Nothing Holding = iota // no such secret, or one without content, which nobody can have wanted
	Same                   // this value
	Other                  // another value
)

// Holds compares a value with what the store holds under that name, in constant time and without showing either. An
// error is one of Get, and never ErrNotFound.
func Holds(ctx context.Context, store Store, name string, value Value) (Holding, error) {
	held, err := store.Get(ctx, name)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, errEmpty):
		return Nothing, nil
	case err != nil:
		return Nothing, err
	case held.Equal(value):
		return Same, nil
	}
	return Other, nil
}
