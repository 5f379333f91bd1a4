package secret

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOpenNeverFallsBack(t *testing.T) {
	t.Setenv("MINIBOT_SECRETS_DIR", t.TempDir())
	if runtime.GOOS != "darwin" {
		s, err := Open("keychain", "test")
		e := new(Error)
		if s != nil || !errors.As(err, &e) || e.Kind != ErrUnavailable || e.Remedy == "" {
			t.Errorf("%v, %v", s, err)
		}
	}
	for _, kind := range []string{"", "Keychain", "vault"} {
		if s, err := Open(kind, "test"); s != nil || err == nil || !strings.Contains(err.Error(), "auto, keychain, secret-service, file, exec, env") {
			t.Errorf("%q: %v, %v", kind, s, err)
		}
	}
	for _, stack := range []string{"", "../x", "a b"} {
		if s, err := Open("file", stack); s != nil || err == nil {
			t.Errorf("stack %q: %v, %v", stack, s, err)
		}
	}
}

func TestAutoDependsOnThePlatformAlone(t *testing.T) {
	for goos, want := range map[string]string{"darwin": "keychain", "linux": "file", "freebsd": "file"} {
		if got := autoKind(goos); got != want {
			t.Errorf("%s: %s", goos, got)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, kind := range Kinds() {
		if kind.Name == "" || kind.Doc == "" {
			t.Errorf("%+v", kind)
		}
		_, err := Open(kind.Name, "test")
		if available := !errors.Is(err, ErrUnavailable); available != kind.Available {
			t.Errorf("%s: available %v, opens: %v", kind.Name, kind.Available, err)
		}
		if _, err := Describe(kind.Name, "test"); kind.Available && err != nil {
			t.Errorf("%s: %v", kind.Name, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	if runtime.GOOS == "darwin" {
		t.Skip("paths of other systems")
	}
	for _, c := range []struct{ dir, xdg, home, kind, want string }{
		{"/over/ride", "/xdg", "/home/ada", "auto", "file: /over/ride/mini/secrets.age"},
		{"", "/xdg", "/home/ada", "file", "file: /xdg/minibot/mini/secrets.age"},
		{"", "relative", "/home/ada", "file", "file: /home/ada/.local/share/minibot/mini/secrets.age"},
		{"", "", "/home/ada", "auto", "file: /home/ada/.local/share/minibot/mini/secrets.age"},
		{"", "", "", "file", "file store: not available: $HOME is not defined; set HOME or MINIBOT_SECRETS_DIR"},
		{"", "", "", "env", "env: variables MINIBOT_SECRET_<NAME>"},
		{"", "", "", "exec", "exec: no command"},
	} {
		t.Setenv("MINIBOT_SECRETS_DIR", c.dir)
		t.Setenv("XDG_DATA_HOME", c.xdg)
		t.Setenv("HOME", c.home)
		got, err := Describe(c.kind, "mini")
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	t.Setenv("MINIBOT_SECRETS_DIR", "here")
	if got, _ := Describe("file", "mini"); !filepath.IsAbs(strings.TrimPrefix(got, "file: ")) {
		t.Error(got)
	}
}

// TestAskStopsWaiting runs the waiting of the framework's road, whose calls know no context.
func TestAskStopsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		dialog := func() (Value, error) { <-release; return Value{}, nil }

		start := time.Now()
		_, err := ask(context.Background(), unattendedWait, "A", dialog)
		if !errors.Is(err, ErrLocked) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != unattendedWait {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := ask(ctx, unattendedWait, "A", dialog); anyKind(err) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		value, err := ask(context.Background(), unattendedWait, "A", func() (Value, error) { return NewValue([]byte("x")), nil })
		if err != nil || string(value.Reveal()) != "x" {
			t.Error(err)
		}
	})
}
