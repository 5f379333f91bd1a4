package secret

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// masked is what stands for a value in any output.
const masked = "***"

// A Value is one secret. It prints *** under every verb of fmt, in slog, JSON, YAML, XML and templates, and
// refuses gob. The zero Value is empty.
//
// The bytes sit behind a func because fmt, when a Value lies in an unexported field of something else,
// may not call its methods and prints the fields by reflection: of a func it prints an address at most.
type Value struct{ open func() []byte }

// NewValue returns a Value that holds a copy of b.
func NewValue(b []byte) Value {
	held := bytes.Clone(b)
	return Value{open: func() []byte { return held }}
}

// Reveal returns a copy of the bytes. It is the one way out of a Value: call it where they are handed over,
// as late as possible, and nowhere else.
func (v Value) Reveal() []byte { return bytes.Clone(v.peek()) }

// peek returns the bytes themselves, for reading only.
func (v Value) peek() []byte {
	if v.open == nil {
		return nil
	}
	return v.open()
}

// IsZero reports whether there is nothing in the value.
func (v Value) IsZero() bool { return len(v.peek()) == 0 }

// Equal compares in constant time; only a difference in length shows in the time taken.
func (v Value) Equal(w Value) bool {
	return subtle.ConstantTimeCompare(v.peek(), w.peek()) == 1
}

// Format prints *** for every verb and flag.
func (Value) Format(s fmt.State, _ rune) { io.WriteString(s, masked) }

// String returns ***.
func (Value) String() string { return masked }

// GoString returns ***.
func (Value) GoString() string { return masked }

// LogValue logs ***.
func (Value) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText returns ***; encoding/xml uses it too.
func (Value) MarshalText() ([]byte, error) { return []byte(masked), nil }

// MarshalJSON returns "***".
func (Value) MarshalJSON() ([]byte, error) { return []byte(`"` + masked + `"`), nil }

// MarshalYAML returns ***.
func (Value) MarshalYAML() (any, error) { return masked, nil }

// GobEncode refuses: a binary copy of a secret is never wanted.
func (Value) GobEncode() ([]byte, error) {
	return nil, errors.New("a secret value cannot be encoded")
}
