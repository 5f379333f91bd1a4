package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	const value = "p@ss w0rd\"/+<é>"
	quoted, _ := json.Marshal(value)
	for name, c := range map[string]struct{ in, want string }{
		"plain":            {"a " + value + " b", "a *** b"},
		"twice":            {value + "," + value, "***,***"},
		"touching":         {value + value, "***"},
		"alone":            {value, "***"},
		"nothing":          {"p@ss w0rd", "p@ss w0rd"},
		"empty":            {"", ""},
		"base64":           {"x=" + base64.StdEncoding.EncodeToString([]byte(value)) + ";", "x=***;"},
		"base64url":        {"x=" + base64.RawURLEncoding.EncodeToString([]byte(value)) + ";", "x=***;"},
		"hex":              {"x=" + hex.EncodeToString([]byte(value)) + ";", "x=***;"},
		"HEX":              {"x=" + strings.ToUpper(hex.EncodeToString([]byte(value))) + ";", "x=***;"},
		"query":            {"?p=" + url.QueryEscape(value) + "&", "?p=***&"},
		"path":             {"/" + url.PathEscape(value) + "/", "/***/"},
		"url userinfo":     {(&url.URL{Scheme: "redis", User: url.UserPassword("u", "simple-value"), Host: "h"}).String(), "redis://u:***@h"},
		"json":             {string(quoted), `"***"`},
		"two that overlap": {"[first-secret-second]", "[***]"},
		"self overlap":     {"[ababababab]", "[***]"},
		"trimmed":          {"key line-with-newline end", "key *** end"},
		"one of its lines": {"tail: second line of it", "tail: ***"},
		"too short":        {"short 12345", "short 12345"},
	} {
		m := NewMasker(values(value, "simple-value", "first-secret", "secret-second", "abababab", "line-with-newline\n", "first line of it\nsecond line of it\n", "12345", "")...)
		in := []byte(c.in)
		got := string(m.Mask(in))
		if got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		if string(in) != c.in {
			t.Errorf("%s: the text was changed", name)
		}
	}
	if got := string(Masker{}.Mask([]byte("text"))); got != "text" {
		t.Error(got)
	}
}

// TestMaskInsideBase64 is the Authorization header: the value begins at any of three positions of the encoding.
func TestMaskInsideBase64(t *testing.T) {
	const value = "correct-horse-battery-staple"
	m := NewMasker(values(value)...)
	for _, user := range []string{"", "u", "us", "use", "user"} {
		for _, rest := range []string{"", "\n", "xy", "xyz"} {
			encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + value + rest))
			got := string(m.Mask([]byte("Basic " + encoded)))
			kept := len(strings.ReplaceAll(got, "***", "")) - len("Basic ")
			// What is left encodes user, rest, padding and at most two bytes of the value.
			if allowed := (len(user)+1+len(rest)+2)*4/3 + 4; !strings.Contains(got, "***") || kept > allowed {
				t.Errorf("user %q, rest %q: %s", user, rest, got)
			}
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, text := range nasty {
		f.Add([]byte("before "+text+" after "+text), []byte(text))
	}
	f.Fuzz(func(t *testing.T, text, value []byte) {
		m := NewMasker(NewValue(value))
		got := m.Mask(text)
		if len(value) < minMasked || bytes.Contains(value, []byte(masked[:1])) {
			return // the stars themselves could form such a value
		}
		if bytes.Contains(got, value) {
			t.Errorf("%q still in %q", value, got)
		}
		if !bytes.Contains(m.Mask(append(append([]byte("a"), value...), 'b')), []byte(masked)) {
			t.Errorf("%q was not masked", value)
		}
	})
}

func values(texts ...string) []Value {
	var all []Value
	for _, text := range texts {
		all = append(all, NewValue([]byte(text)))
	}
	return all
}
