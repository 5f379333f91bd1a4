package secret

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// errEmpty is the cause of an error about a secret that is there and has no content.
var errEmpty = errors.New("holds an empty value")

// guarded gives a bare store the properties that Store promises for all of them, so that a new kind
// has to get only its own part right.
type guarded struct {
	kind string
	bare Store
}

func (g guarded) Get(ctx context.Context, name string) (Value, error) {
	if err := g.check(ctx, name); err != nil {
		return Value{}, err
	}
	value, err := g.bare.Get(ctx, name)
	if err != nil {
		return Value{}, err
	}
	if value.IsZero() {
		// Not "not found": someone made it, and generating over it is not ours to decide.
		return Value{}, &Error{Store: g.kind, Name: name, Cause: errEmpty,
			Remedy: "run `minibot secret set " + name + "`"}
	}
	return value, nil
}

func (g guarded) Set(ctx context.Context, name string, value Value) error {
	if err := g.check(ctx, name); err != nil {
		return err
	}
	if value.IsZero() {
		return &Error{Store: g.kind, Name: name, Detail: "an empty value cannot be stored"}
	}
	if n := len(value.peek()); n > MaxValue {
		return tooLong(g.kind, name, n, MaxValue)
	}
	return g.bare.Set(ctx, name, value)
}

func (g guarded) Delete(ctx context.Context, name string) error {
	if err := g.check(ctx, name); err != nil {
		return err
	}
	return g.bare.Delete(ctx, name)
}

func (g guarded) List(ctx context.Context) ([]Item, error) {
	if err := g.alive(ctx, ""); err != nil {
		return nil, err
	}
	items, err := g.bare.List(ctx)
	if err != nil {
		return nil, err
	}
	// A name that no one could have given through minibot was put there by another hand: not ours to show.
	items = slices.DeleteFunc(items, func(it Item) bool { return CheckName(it.Name) != nil })
	slices.SortFunc(items, func(a, b Item) int { return strings.Compare(a.Name, b.Name) })
	// A keychain search goes over several keychains, and one may hold a copy.
	return slices.CompactFunc(items, func(a, b Item) bool { return a.Name == b.Name }), nil
}

func (g guarded) check(ctx context.Context, name string) error {
	if err := checkAccount(name); err != nil {
		return &Error{Store: g.kind, Cause: err}
	}
	return g.alive(ctx, name)
}

func (g guarded) alive(ctx context.Context, name string) error {
	if ctx.Err() != nil {
		return &Error{Store: g.kind, Name: name, Cause: ctx.Err()}
	}
	return nil
}

func tooLong(kind, name string, size, limit int) *Error {
	return &Error{Store: kind, Name: name, Detail: fmt.Sprintf("the value has %d bytes, the store takes %d", size, limit)}
}
