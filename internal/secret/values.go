package secret

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// Values are the resolved secrets of a run by name. They cannot be changed, and print as ***.
type Values struct{ byName map[string]Value }

// NewValues returns Values with a copy of the map.
func NewValues(byName map[string]Value) Values { return Values{maps.Clone(byName)} }

// Get returns one value and whether there is one of that name.
func (v Values) Get(name string) (Value, bool) {
	value, ok := v.byName[name]
	return value, ok
}

// Names returns the names, sorted.
func (v Values) Names() []string { return slices.Sorted(maps.Keys(v.byName)) }

// Masker returns a Masker for all of the values.
func (v Values) Masker() Masker { return NewMasker(slices.Collect(maps.Values(v.byName))...) }

// Mask is Masker().Mask(text): for a single piece of text.
func (v Values) Mask(text []byte) []byte { return v.Masker().Mask(text) }

// Format prints *** for every verb and flag.
func (Values) Format(s fmt.State, _ rune) { io.WriteString(s, masked) }

// MarshalText returns ***.
func (Values) MarshalText() ([]byte, error) { return []byte(masked), nil }
