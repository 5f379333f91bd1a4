package secret

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// ErrUnmarkable means that a value is too short to be told from other text.
var ErrUnmarkable = errors.New("the value is shorter than 6 characters, and cannot be told from other text")

// A Marker replaces secrets in text by marks that name them, so that the text can be given away and still be compared:
// where a value stood, in whatever spelling, its mark stands in the same one.
type Marker struct {
	// pairs are what to look for and what to write; behind a func for the same reason as the bytes of a Value.
	pairs func() []pair
	marks map[string]Value
}

type pair struct{ from, to []byte }

// NewMarker returns a Marker for these values by their names. Of a secret's mark alike must say that whoever judges it comes to
// the same end as with the value; nil takes any. The error is [ErrUnmarkable].
func NewMarker(values map[string]Value, alike func(name string, mark, value Value) bool) (Marker, error) {
	m := Marker{marks: map[string]Value{}}
	known := map[string]string{} // values that have a mark
	var pairs []pair
	for i, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name].peek()
		if len(value) < minMasked {
			return Marker{}, fmt.Errorf("secret %s: %w", name, ErrUnmarkable)
		}
		text, twice := known[string(value)]
		if !twice { // two names of one value have one mark
			text = mark(name, i, values[name], alike)
			known[string(value)] = text
		}
		m.marks[name] = NewValue([]byte(text))
		parts := [][]byte{value, bytes.TrimSpace(value)}
		for line := range bytes.Lines(value) {
			parts = append(parts, bytes.TrimSpace(line))
		}
		for _, part := range parts {
			pairs = append(pairs, spelled(part, []byte(text))...)
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(len(b.from), len(a.from)) })
	m.pairs = func() []pair { return pairs }
	return m, nil
}

// longEnough is the length from which it does not matter how long a value is.
const longEnough = 24

// mark is the text for a secret: `<secret NAME>`, as long as the value where that is short; or, in the place of a weak
// value, a text that is weak in the same way.
func mark(name string, number int, value Value, alike func(string, Value, Value) bool) string {
	length := len(value.peek())
	text := "<secret " + name + ">"
	if length < longEnough && length < len(text) {
		text = fmt.Sprintf("<%d %s", number, name)
		text = text[:min(len(text), length-1)] + ">"
	}
	text += strings.Repeat("~", max(0, min(length, longEnough)-len(text)))
	for _, candidate := range []string{text, fmt.Sprintf("changeme%d", number), strings.Repeat("<~>", longEnough) + fmt.Sprint(number)} {
		if alike == nil || alike(name, NewValue([]byte(candidate)), value) {
			return candidate
		}
	}
	return text
}

// Value is the mark of a secret, as whoever reads the marked text is to take it for the secret's value.
func (m Marker) Value(name string) (Value, bool) {
	value, ok := m.marks[name]
	return value, ok
}

// Mark returns the text with every value replaced by its mark: plain, in base64, in hex, URL-escaped, and JSON-escaped, once
// or twice. Where two values overlap, the mark of the first stands for both.
func (m Marker) Mark(text []byte) []byte {
	if m.pairs == nil {
		return bytes.Clone(text)
	}
	type span struct {
		from, to int
		mark     []byte
	}
	var spans []span
	for _, p := range m.pairs() {
		for at := 0; ; {
			i := bytes.Index(text[at:], p.from)
			if i < 0 {
				break
			}
			spans = append(spans, span{at + i, at + i + len(p.from), p.to})
			at += i + 1
		}
	}
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	out := make([]byte, 0, len(text))
	done := 0
	for _, s := range spans {
		if s.from >= done {
			out = append(append(out, text[done:s.from]...), s.mark...)
		}
		done = max(done, s.to)
	}
	return append(out, text[done:]...)
}

// spelled pairs each spelling of a value with the same one of its mark.
func spelled(value, mark []byte) []pair {
	var pairs []pair
	add := func(spell func([]byte) []byte) {
		if from := spell(value); len(from) >= minMasked {
			pairs = append(pairs, pair{from, spell(mark)})
		}
	}
	text := func(spell func(string) string) { add(func(b []byte) []byte { return []byte(spell(string(b))) }) }
	add(bytes.Clone)
	for _, html := range []bool{true, false} {
		add(func(b []byte) []byte { return jsonText(string(b), html) })
		for _, outer := range []bool{true, false} {
			add(func(b []byte) []byte { return jsonText(string(jsonText(string(b), html)), outer) })
		}
	}
	text(func(s string) string { return hex.EncodeToString([]byte(s)) })
	text(func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) })
	text(url.QueryEscape)
	text(url.PathEscape)
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		add(func(b []byte) []byte { return []byte(encoding.EncodeToString(b)) })
		bare := encoding.WithPadding(base64.NoPadding)
		add(func(b []byte) []byte { return []byte(bare.EncodeToString(b)) })
		for _, piece := range inner(bare, value) { // within a longer text a mark in base64 has no place of its own
			if len(piece) >= minMasked {
				pairs = append(pairs, pair{piece, mark})
			}
		}
	}
	return pairs
}
