package secret

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Copied says of one secret what Copy found in the two stores. It holds no value.
type Copied struct {
	Name   string
	Absent bool    // the source has no such secret: nothing was done
	Before Holding // what the target held before: Nothing, Same (nothing was done) or Other (it was replaced)
}

// A ConflictError says that a copy would replace other values. Nothing was changed.
type ConflictError struct {
	Names []string // sorted; see LabelKey
}

// LabelKey is the name under which Copy reports minibot's own key for fingerprints.
const LabelKey = reserved

// Error names the secrets.
func (e *ConflictError) Error() string {
	names := slices.Clone(e.Names)
	for i, name := range names {
		if name == LabelKey {
			names[i] = "minibot's own key " + name
		}
	}
	return "the target has another value for " + strings.Join(names, ", ")
}

// Copy stores the values of some secrets in another store, and with them minibot's own key (see [LoadKey]), so that
// fingerprints made before stay valid. The source is only read. The target must not be one of [Once], since what it
// remembers proves nothing.
//
// All is read from both stores before the first is written. If the target has another value for one and replace is not
// set, that is a *[ConflictError] and nothing was written. A secret whose rotation was begun and not ended is refused too:
// its two values belong together. Every value, also one that was there before, is then read
// back from the target and compared; the key goes first, so that no value is there without it.
//
// The answer has one line for each name, sorted, and one for the key if the source has it. If storing one fails, it
// has those that were stored before.
func Copy(ctx context.Context, from, to Store, names []string, replace bool) ([]Copied, error) {
	if err := CheckWritable(to, ""); err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := CheckName(name); err != nil {
			return nil, err
		}
	}
	names = slices.Clone(names)
	slices.Sort(names)
	if err := NotRotating(ctx, from, names...); err != nil {
		return nil, err
	}
	names = append([]string{LabelKey}, slices.Compact(names)...)

	values := make(map[string]Value, len(names))
	var found []Copied
	var conflict []string
	for _, name := range names {
		value, err := from.Get(ctx, name)
		if errors.Is(err, ErrNotFound) {
			if name != LabelKey {
				found = append(found, Copied{Name: name, Absent: true})
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		before, err := Holds(ctx, to, name, value)
		if err != nil {
			return nil, err
		}
		if before == Other {
			conflict = append(conflict, name)
		}
		values[name] = value
		found = append(found, Copied{Name: name, Before: before})
	}
	if len(conflict) > 0 && !replace {
		slices.Sort(conflict)
		return nil, &ConflictError{conflict}
	}
	var done []Copied
	for _, c := range found {
		if !c.Absent {
			if c.Before != Same {
				if err := to.Set(ctx, c.Name, values[c.Name]); err != nil {
					return done, err
				}
			}
			if err := prove(ctx, to, c.Name, values[c.Name]); err != nil {
				return done, err
			}
		}
		done = append(done, c)
	}
	slices.SortFunc(done, func(a, b Copied) int { return strings.Compare(a.Name, b.Name) })
	return done, nil
}

// Remove deletes from one store what another holds with the same value. Each value is compared once more before the
// first is deleted (so neither may be one of [Once]): if one is not the same any more, nothing is deleted and that is the error. A name that the first
// does not have is passed over. When no secret is left in it, minibot's own key goes too, if the other holds it.
func Remove(ctx context.Context, from, proof Store, names []string) error {
	if err := CheckWritable(from, ""); err != nil {
		return err
	}
	var there []string
	for _, name := range names {
		value, err := from.Get(ctx, name)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := prove(ctx, proof, name, value); err != nil {
			return err
		}
		there = append(there, name)
	}
	for i, name := range there {
		if err := from.Delete(ctx, name); err != nil {
			return fmt.Errorf("removed %d of %d: %w", i, len(there), err)
		}
	}
	items, err := from.List(ctx)
	if err != nil || len(items) > 0 || slices.Contains(names, LabelKey) {
		return err
	}
	return Remove(ctx, from, proof, []string{LabelKey})
}

// prove reads a value back.
func prove(ctx context.Context, store Store, name string, value Value) error {
	holding, err := Holds(ctx, store, name, value)
	if err != nil {
		return err
	}
	if holding != Same {
		kind, _ := core(store)
		return &Error{Store: kind, Name: name, Detail: "it does not give back the value that was copied",
			Remedy: "see whether another program writes to it, then try again"}
	}
	return nil
}
