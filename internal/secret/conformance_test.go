package secret

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seeded is what a read-only store under testStore holds.
const seeded = "SEEDED"

// nasty are values that a store gets wrong when it quotes, splits, guesses or trims.
var nasty = map[string]string{
	"plain":            "Abc123xyz789",
	"double quotes":    `say "hello" "`,
	"single quotes":    `it's 'fine'`,
	"backslashes":      `C:\new\table\`,
	"looks like hex":   "deadbeef",
	"hex prefix":       "0xDEADBEEF",
	"shell":            "$(reboot) `id` ; rm -rf ~ & | > < * ? ! #",
	"newlines":         "line one\nline two\n",
	"crlf and tab":     "a\r\n\tb",
	"spaces around":    "  padded  ",
	"utf-8":            "pässwörd 🔑 日本語",
	"all bytes":        allBytes(),
	"nul":              "before\x00after",
	"not utf-8":        "\xff\xfe\xfd",
	"password line":    `password: "not me"`,
	"json":             `{"value":"\u0041","changed":null}`,
	"percent and url":  "%s%d%n?a=b&c=d/+=",
	"one byte":         "x",
	"quote":            `"`,
	"backslash":        `\`,
	"interactive quit": "quit\nadd-generic-password -s x -a y -w z\n",
	"1900 bytes":       strings.Repeat("0123456789", 190),
}

func allBytes() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

// testStore holds a kind of store to what Store promises. Each call of open gives a store over a fresh place; a
// read-only one holds only seeded, as "value of SEEDED".
func testStore(t *testing.T, open func(t *testing.T) Store, readOnly bool) {
	ctx := context.Background()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()

	t.Run("bad names never reach the store", func(t *testing.T) {
		s := open(t)
		for _, name := range []string{"", "a b", "1a", "a\n", "ä", `a"`, "../a", "a\x00"} {
			for what, err := range everyCall(ctx, s, name) {
				if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrReadOnly) {
					t.Errorf("%s %q: %v", what, name, err)
				}
			}
		}
	})
	t.Run("a cancelled context is its own error", func(t *testing.T) {
		s := open(t)
		for what, err := range everyCall(cancelled, s, "A") {
			if !errors.Is(err, context.Canceled) || anyKind(err) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := s.List(cancelled); !errors.Is(err, context.Canceled) {
			t.Errorf("List: %v", err)
		}
	})
	t.Run("absent is ErrNotFound and says what to do", func(t *testing.T) {
		_, err := open(t).Get(ctx, "ABSENT")
		e := new(Error)
		if !errors.As(err, &e) || e.Kind != ErrNotFound || e.Name != "ABSENT" || e.Store == "" || !strings.Contains(e.Remedy, "ABSENT") {
			t.Errorf("got %#v", err)
		}
	})
	if readOnly {
		t.Run("reads and lists", func(t *testing.T) {
			s := open(t)
			wantValue(t, s, seeded, "value of SEEDED")
			wantNames(t, s, seeded)
		})
		t.Run("refuses to write", func(t *testing.T) {
			s := open(t)
			for _, err := range []error{s.Set(ctx, seeded, NewValue([]byte("new"))), s.Delete(ctx, seeded)} {
				if !errors.Is(err, ErrReadOnly) {
					t.Error(err)
				}
			}
			wantValue(t, s, seeded, "value of SEEDED")
		})
		return
	}

	t.Run("fresh is empty", func(t *testing.T) {
		s := open(t)
		wantNames(t, s)
		if err := s.Delete(ctx, "A"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		wantNames(t, s)
	})
	t.Run("keeps any bytes", func(t *testing.T) {
		s := open(t)
		for what, text := range nasty {
			if err := s.Set(ctx, "NASTY", NewValue([]byte(text))); err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			value, err := s.Get(ctx, "NASTY")
			if err != nil || !bytes.Equal(value.Reveal(), []byte(text)) {
				t.Errorf("%s: wrote %q, read %q, %v", what, text, value.Reveal(), err)
			}
		}
		wantNames(t, s, "NASTY")
	})
	t.Run("sets, lists and deletes", func(t *testing.T) {
		s := open(t)
		for _, name := range []string{"ZULU", "A", "a", "_x"} {
			if err := s.Set(ctx, name, NewValue([]byte("of "+name))); err != nil {
				t.Fatal(err)
			}
		}
		wantNames(t, s, "A", "ZULU", "_x", "a")
		if err := s.Delete(ctx, "A"); err != nil {
			t.Error(err)
		}
		wantNames(t, s, "ZULU", "_x", "a")
		if _, err := s.Get(ctx, "A"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		if err := s.Delete(ctx, "A"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		wantValue(t, s, "a", "of a")
		wantValue(t, s, "ZULU", "of ZULU")
		items, _ := s.List(ctx)
		for _, item := range items {
			if item.Changed.IsZero() || item.Changed.Location() != time.UTC || item.Changed.Nanosecond() != 0 {
				t.Errorf("%s changed at %v", item.Name, item.Changed)
			}
		}
	})
	t.Run("refuses empty and oversized values", func(t *testing.T) {
		s := open(t)
		for _, value := range []Value{{}, NewValue([]byte{}), NewValue(make([]byte, MaxValue+1))} {
			if err := s.Set(ctx, "A", value); err == nil || anyKind(err) {
				t.Error(err)
			}
		}
		wantNames(t, s)
	})
	t.Run("hides the key for fingerprints", func(t *testing.T) {
		s := open(t)
		if _, err := LoadKey(ctx, s, false); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		made, err := LoadKey(ctx, s, true)
		if err != nil {
			t.Fatal(err)
		}
		again, err := LoadKey(ctx, s, true)
		if err != nil || again.ID() != made.ID() {
			t.Errorf("another key: %v", err)
		}
		wantNames(t, s)
	})
}

// everyCall yields what each call with a name answers.
func everyCall(ctx context.Context, s Store, name string) map[string]error {
	_, get := s.Get(ctx, name)
	return map[string]error{"Get": get, "Set": s.Set(ctx, name, NewValue([]byte("value"))), "Delete": s.Delete(ctx, name)}
}

func anyKind(err error) bool {
	for _, kind := range []error{ErrNotFound, ErrLocked, ErrDenied, ErrUnavailable, ErrReadOnly} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

func wantValue(t *testing.T, s Store, name, want string) {
	t.Helper()
	value, err := s.Get(context.Background(), name)
	if err != nil || string(value.Reveal()) != want {
		t.Errorf("%s = %q, %v; want %q", name, value.Reveal(), err, want)
	}
}

func wantNames(t *testing.T, s Store, want ...string) {
	t.Helper()
	items, err := s.List(context.Background())
	if err != nil {
		t.Error(err)
	}
	names := []string{}
	for _, item := range items {
		names = append(names, item.Name)
	}
	if diff := cmp.Diff(append([]string{}, want...), names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestFileStore(t *testing.T) {
	testStore(t, func(t *testing.T) Store {
		t.Setenv("MINIBOT_SECRETS_DIR", filepath.Join(t.TempDir(), "secrets"))
		return mustOpen(t, "file")
	}, false)
}

func TestEnvStore(t *testing.T) {
	testStore(t, func(t *testing.T) Store {
		t.Setenv("MINIBOT_SECRET_SEEDED", "value of SEEDED")
		t.Setenv("MINIBOT_SECRET_ABSENT", "")
		t.Setenv("MINIBOT_SECRET__label_key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
		t.Setenv("MINIBOT_SECRET_not-a-name", "x")
		return mustOpen(t, "env")
	}, true)
}

func TestExecStore(t *testing.T) {
	testStore(t, func(t *testing.T) Store {
		program := newFakeVault(t)
		s, err := Open("exec", "test", Options{Command: []string{program, "get", "{name}"}, Names: []string{"ABSENT", seeded}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, true)
}

func TestToolStore(t *testing.T) {
	testStore(t, func(t *testing.T) Store {
		return newToolStore(newFakeSecurity(t))
	}, false)
}

func mustOpen(t *testing.T, kind string) Store {
	t.Helper()
	s, err := Open(kind, "test")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newToolStore is the keychain store of a darwin build without cgo, with the fake as its program.
func newToolStore(dir string) Store {
	return guarded{"keychain", &toolStore{stack: "test", program: filepath.Join(dir, "security"), wait: time.Minute}}
}
