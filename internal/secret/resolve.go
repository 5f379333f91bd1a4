package secret

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Want is a secret that a stack needs.
type Want struct {
	Name     string
	Generate bool   // it may be made up if it is not there
	Refuse   string // why it must not be made up after all: "volume minibot_postgres-data already holds data made with it"
}

// MissingError lists every secret that somebody has to set. It is an [ErrNotFound].
type MissingError struct {
	Missing []Missing // sorted by name
}

// Missing is one secret that is not there and was not generated.
type Missing struct {
	Name   string
	Reason string // why it was not generated; empty if it can only be set by a person
	Remedy string // what a person can do: "run `minibot secret set NAME`"
}

// Error returns one line for each secret.
func (e *MissingError) Error() string {
	lines := make([]string, len(e.Missing))
	for i, m := range e.Missing {
		lines[i] = fmt.Sprintf("secret %s is not set", m.Name)
		if m.Reason != "" {
			lines[i] += " (" + m.Reason + ")"
		}
		if m.Remedy != "" {
			lines[i] += "; " + m.Remedy
		}
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns ErrNotFound.
func (e *MissingError) Unwrap() error { return ErrNotFound }

// Resolve reads all wanted secrets, and generates and stores those that are truly not found and may be made up.
//
// All are read first. If one cannot be read (locked, denied, unavailable, damaged, …) that error comes back at once,
// and if any has to be set by a person, a *[MissingError] with all of those: in both cases nothing was generated. The
// names of the generated ones come back sorted, also when storing one fails: the ones before it are stored.
//
// A name wanted twice may be generated only if both allow it.
func Resolve(ctx context.Context, store Store, wants []Want) (values Values, generated []string, err error) {
	wants, err = merge(wants)
	if err != nil {
		return Values{}, nil, err
	}
	found := make(map[string]Value, len(wants))
	var absent, missing []Missing // to be generated, to be set by a person
	for _, want := range wants {
		value, err := store.Get(ctx, want.Name)
		switch {
		case err == nil:
			found[want.Name] = value
		case !errors.Is(err, ErrNotFound):
			return Values{}, nil, err
		case want.Generate && want.Refuse == "":
			absent = append(absent, Missing{Name: want.Name, Remedy: remedyOf(err)})
		default:
			missing = append(missing, Missing{want.Name, want.Refuse, remedyOf(err)})
		}
	}
	if len(missing) > 0 {
		return Values{}, nil, &MissingError{missing}
	}
	for _, m := range absent {
		value, err := Generate()
		if err != nil {
			return Values{}, generated, err
		}
		err = store.Set(ctx, m.Name, value)
		if errors.Is(err, ErrReadOnly) {
			return Values{}, nil, readOnlyMissing(absent)
		}
		if err != nil {
			return Values{}, generated, err
		}
		found[m.Name] = value
		generated = append(generated, m.Name)
	}
	return NewValues(found), generated, nil
}

// merge checks the names and returns each once, sorted.
func merge(wants []Want) ([]Want, error) {
	byName := make(map[string]Want, len(wants))
	for _, want := range wants {
		if err := CheckName(want.Name); err != nil {
			return nil, err
		}
		if other, twice := byName[want.Name]; twice {
			want.Generate = want.Generate && other.Generate
			if other.Refuse != "" {
				want.Refuse = other.Refuse
			}
		}
		byName[want.Name] = want
	}
	merged := make([]Want, 0, len(byName))
	for _, want := range byName {
		merged = append(merged, want)
	}
	slices.SortFunc(merged, func(a, b Want) int { return strings.Compare(a.Name, b.Name) })
	return merged, nil
}

// readOnlyMissing reports what would have been generated in a store that cannot be written.
func readOnlyMissing(absent []Missing) error {
	for i := range absent {
		absent[i].Reason = "its store is read-only"
	}
	return &MissingError{absent}
}

func remedyOf(err error) string {
	if e := new(Error); errors.As(err, &e) {
		return e.Remedy
	}
	return ""
}
