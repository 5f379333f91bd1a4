package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"testing"
)

func TestMark(t *testing.T) {
	const value = `p@ss w0rd"/+<é>, all of it`
	m, err := NewMarker(map[string]Value{"DB": NewValue([]byte(value)), "TOKEN": NewValue([]byte("another-value-of-its-own"))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const mark = "<secret DB>~~~~~~~~~~~~~"
	quoted := func(s string) string { out, _ := json.Marshal(s); return string(out) }
	for name, spell := range map[string]func(string) string{
		"plain":      func(s string) string { return "a " + s + " b" },
		"JSON":       quoted,
		"JSON twice": func(s string) string { return quoted(quoted(s)) },
		"hex":        func(s string) string { return hex.EncodeToString([]byte(s)) },
		"query":      func(s string) string { return "?p=" + url.QueryEscape(s) + "&" },
		"base64":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"touching":   func(s string) string { return s + s },
	} {
		if got, want := string(m.Mark([]byte(spell(value)))), spell(mark); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := m.Mark([]byte(base64.StdEncoding.EncodeToString([]byte("user:" + value)))); bytes.Contains(got, []byte(base64.RawStdEncoding.EncodeToString([]byte(value))[4:20])) {
		t.Errorf("within base64: %s", got)
	}
	if got, ok := m.Value("DB"); !ok || string(got.Reveal()) != mark {
		t.Errorf("the mark is %q", got.Reveal())
	}
	if _, ok := m.Value("OTHER"); ok {
		t.Error("a mark of a secret that is not there")
	}
}

// A mark says by its length what the value's said, if it was short; and no two values share one.
func TestMarkLength(t *testing.T) {
	values := map[string]Value{}
	for name, text := range map[string]string{
		"POSTGRES_PASSWORD": "secret", "POSTGRES_PASSWORD_2": "terces", "LONG": "0123456789012345678901234567890123456789", "TWIN": "0123456789012345678901234567890123456789", "MIDDLE": "twelve bytes",
	} {
		values[name] = NewValue([]byte(text))
	}
	m, err := NewMarker(values, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range values {
		mark, _ := m.Value(name)
		have, want := len(mark.Reveal()), len(value.Reveal())
		if want < longEnough && have != want || want >= longEnough && have < longEnough {
			t.Errorf("%s: a mark of %d bytes for a value of %d: %s", name, have, want, mark.Reveal())
		}
		for other, otherValue := range values {
			otherMark, _ := m.Value(other)
			if value.Equal(otherValue) != mark.Equal(otherMark) {
				t.Errorf("%s and %s: values equal %v, marks equal %v", name, other, value.Equal(otherValue), mark.Equal(otherMark))
			}
		}
	}
	if _, err := NewMarker(map[string]Value{"SHORT": NewValue([]byte("12345"))}, nil); !errors.Is(err, ErrUnmarkable) {
		t.Errorf("a short one: %v", err)
	}
	if got := (Marker{}).Mark([]byte("text")); string(got) != "text" {
		t.Errorf("the zero Marker: %q", got)
	}
}

// A weak value has a weak mark.
func TestMarkAlike(t *testing.T) {
	weak := func(v Value) bool { return bytes.HasPrefix(v.Reveal(), []byte("changeme")) }
	values := map[string]Value{"A": NewValue([]byte("changeme-now")), "B": NewValue([]byte("changeme-too")), "C": NewValue([]byte("something-else"))}
	m, err := NewMarker(values, func(_ string, mark, value Value) bool { return weak(mark) == weak(value) })
	if err != nil {
		t.Fatal(err)
	}
	marks := map[string]string{}
	for name, value := range values {
		mark, _ := m.Value(name)
		if weak(mark) != weak(value) || mark.Equal(value) {
			t.Errorf("%s: %s", name, mark.Reveal())
		}
		marks[string(mark.Reveal())] = name
	}
	if len(marks) != len(values) {
		t.Errorf("%v", marks)
	}
}

func FuzzMark(f *testing.F) {
	f.Add("hunter2", "xx hunter2 yy")
	f.Add("aaaaaa", "aaaaaaaaa")
	f.Fuzz(func(t *testing.T, value, text string) {
		m, err := NewMarker(map[string]Value{"X": NewValue([]byte(value))}, nil)
		if err != nil {
			return
		}
		mark, _ := m.Value("X")
		if out := m.Mark([]byte(text)); bytes.Contains(out, []byte(value)) && !bytes.Contains(mark.Reveal(), []byte(value)) && !bytes.Contains([]byte("<>~ secretX"), []byte(value[:1])) {
			t.Errorf("%q is in %q", value, out)
		}
	})
}
