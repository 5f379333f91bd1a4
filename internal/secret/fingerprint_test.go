package secret

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"
)

func testKey(fill byte) Key { return Key{NewValue(bytes.Repeat([]byte{fill}, keyBytes))} }

func parts(texts ...string) [][]byte {
	var all [][]byte
	for _, text := range texts {
		all = append(all, []byte(text))
	}
	return all
}

func TestFingerprint(t *testing.T) {
	key := testKey(1)
	delivered := parts("minibot", "postgres", "/run/secrets/POSTGRES_PASSWORD", "0400", "999", "999", canary)
	label := key.Fingerprint(delivered...)

	// Pinned, and computed by another program (Python's hmac): it stands in labels, and another result would recreate
	// every container.
	if want := "8SEMYNsM v1.oSNywsdMOiGGjSFtVMhDtg"; label != want {
		t.Errorf("got %s, want %s", label, want)
	}
	if !regexp.MustCompile(`^[\w-]{8} v1\.[\w-]{22}$`).MatchString(label) {
		t.Errorf("form: %s", label)
	}
	seen := map[string]bool{}
	for _, other := range [][][]byte{
		delivered, nil, parts(""), parts("", ""), parts("ab", "c"), parts("a", "bc"), parts("abc"), parts("a", "b", "c"),
		parts("minibot", "redis", "/run/secrets/POSTGRES_PASSWORD", "0400", "999", "999", canary),
	} {
		seen[key.Fingerprint(other...)] = true
	}
	if len(seen) != 9 {
		t.Errorf("9 deliveries have %d fingerprints", len(seen))
	}
}

func TestCompare(t *testing.T) {
	key, other := testKey(1), testKey(2)
	now := parts("minibot", "postgres", "new")
	for name, c := range map[string]struct {
		label string
		want  State
	}{
		"same":            {key.Fingerprint(now...), Current},
		"rotated":         {key.Fingerprint(parts("minibot", "postgres", "old")...), Changed},
		"another service": {key.Fingerprint(parts("minibot", "redis", "new")...), Changed},
		"truncated":       {key.ID() + " v1.abc", Changed},
		"another key":     {other.Fingerprint(now...), Unknown},
		"another version": {strings.Replace(key.Fingerprint(now...), " v1.", " v2.", 1), Unknown},
		"none":            {"", Unknown},
		"only an id":      {key.ID(), Unknown},
		"nonsense":        {"nonsense with spaces", Unknown},
	} {
		if got := key.Compare(c.label, now...); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if got := (Key{}).Compare(key.Fingerprint(now...), now...); got != Unknown {
		t.Errorf("without a key: %v", got)
	}
	if key.ID() == other.ID() {
		t.Error("two keys with one id")
	}
}

func TestFingerprintNeedsAKey(t *testing.T) {
	for _, f := range []func(){func() { Key{}.Fingerprint() }, func() { Key{}.ID() }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("made a plain hash")
				}
			}()
			f()
		}()
	}
}

func TestLoadKey(t *testing.T) {
	ctx := context.Background()
	key := bytes.Repeat([]byte{0xfb}, keyBytes)
	for _, text := range []string{base64.StdEncoding.EncodeToString(key), base64.RawStdEncoding.EncodeToString(key), base64.StdEncoding.EncodeToString(key) + "\n"} {
		s := &mapStore{values: map[string]Value{reserved: NewValue([]byte(text))}}
		got, err := LoadKey(ctx, s, true)
		if err != nil || !got.value.Equal(NewValue(key)) || len(s.sets) != 0 {
			t.Errorf("%v, stored %v", err, s.sets)
		}
	}
	for _, text := range []string{"", "short", base64.StdEncoding.EncodeToString(key[:31]), "!" + base64.StdEncoding.EncodeToString(key)} {
		s := &mapStore{values: map[string]Value{reserved: NewValue([]byte(text))}}
		if _, err := LoadKey(ctx, s, true); err == nil || anyKind(err) || len(s.sets) != 0 || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v, stored %v", text, err, s.sets)
		}
	}
	for _, kind := range []error{ErrLocked, ErrDenied, ErrUnavailable} {
		s := &mapStore{fail: map[string]error{reserved: &Error{Kind: kind}}}
		if _, err := LoadKey(ctx, s, true); !errors.Is(err, kind) || len(s.sets) != 0 {
			t.Errorf("%v: %v, stored %v", kind, err, s.sets)
		}
	}
}
