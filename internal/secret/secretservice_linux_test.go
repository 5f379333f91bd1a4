package secret

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestSecretServiceStore(t *testing.T) {
	b := newBus(t)
	b.keyring("password")
	stacks := 0
	testStore(t, func(*testing.T) Store {
		stacks++ // other items of the same keyring are there, and do not show
		s, _ := newServiceStore(fmt.Sprintf("stack%d", stacks), false)
		return s
	}, false)
}

func TestSecretServiceItems(t *testing.T) {
	ctx := context.Background()
	b := newBus(t)
	b.keyring("password")
	s, _ := newServiceStore("mini", false)
	big := bytes.Repeat([]byte{0, 1, 0xff, '\n'}, MaxValue/4)
	for _, value := range [][]byte{big, []byte("second")} {
		if err := s.Set(ctx, "TOKEN", NewValue(value)); err != nil {
			t.Fatal(err)
		}
		wantValue(t, s, "TOKEN", string(value))
	}
	t.Run("another program finds them", func(t *testing.T) {
		if got := b.secretTool("", "lookup", "application", "minibot", "stack", "mini", "name", "TOKEN"); got != "second" {
			t.Errorf("got %q", got)
		}
		got := b.secretTool("", "search", "--all", "application", "minibot")
		if !strings.Contains(got, "label = minibot mini TOKEN\n") || strings.Count(got, "label = ") != 1 {
			t.Errorf("not one item, or another label:\n%s", got)
		}
	})
	t.Run("we find another program's", func(t *testing.T) {
		b.secretTool("theirs", "store", "--label=any", "application", "minibot", "stack", "mini", "name", "THEIRS")
		wantValue(t, s, "THEIRS", "theirs")
		wantNames(t, s, "THEIRS", "TOKEN")
	})
	t.Run("two of one name are an error", func(t *testing.T) {
		b.secretTool("other", "store", "--label=any", "application", "minibot", "stack", "mini", "name", "TOKEN", "more", "x")
		if _, err := s.Get(ctx, "TOKEN"); err == nil || anyKind(err) || !strings.Contains(err.Error(), "2 items") {
			t.Error(err)
		}
	})
	t.Run("eight at once", func(t *testing.T) {
		var writers sync.WaitGroup
		for i := range 8 {
			writers.Go(func() {
				own, _ := newServiceStore("busy", false)
				for _, s := range []Store{s, own} {
					name := fmt.Sprintf("S%d", i%2)
					if s == own {
						name = "ONE"
					}
					if err := s.Set(ctx, name, NewValue([]byte("value"))); err != nil {
						t.Error(err)
					}
					if value, err := s.Get(ctx, name); err != nil || string(value.Reveal()) != "value" {
						t.Errorf("%q, %v", value.Reveal(), err)
					}
				}
			})
		}
		writers.Wait()
		if got := b.secretTool("", "search", "--all", "application", "minibot", "stack", "busy"); strings.Count(got, "label = ") != 1 {
			t.Errorf("not one item:\n%s", got)
		}
	})
	t.Run("nothing is in the file", func(t *testing.T) {
		if err := s.Set(ctx, "CANARY", NewValue([]byte(canary))); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(b.dir, ".local/share/keyrings/login.keyring")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		mustNotShow(t, file, string(text))
	})
}

// The rows of facts/secrets.md §2.1: what a keyring that is not open answers is never taken for "not found".
func TestSecretServiceLocked(t *testing.T) {
	b := newBus(t, "org.gnome.keyring.SystemPrompter")
	const prompter = "org.gnome.keyring.SystemPrompter"
	t.Cleanup(func() { b.endOwner(prompter) })
	daemon := b.keyring("password")
	s, _ := newServiceStore("test", false)
	if err := s.Set(context.Background(), "TOKEN", NewValue([]byte("value"))); err != nil {
		t.Fatal(err)
	}
	allLocked := func(t *testing.T, s Store) {
		t.Helper()
		errs := everyCall(context.Background(), s, "TOKEN")
		_, errs["Get of an absent one"] = s.Get(context.Background(), "ABSENT")
		_, errs["List"] = s.List(context.Background())
		for what, err := range errs {
			e := new(Error)
			if !errors.As(err, &e) || e.Kind != ErrLocked || !strings.Contains(e.Remedy, "unlock") {
				t.Errorf("%s: %v", what, err)
			}
		}
		f := surveyed(t)["secret-service"]
		if !f.Available || f.Problem != "locked" || f.Remedy == "" {
			t.Errorf("Survey: %+v", f)
		}
	}

	b.lock()
	t.Run("after use, nobody there", func(t *testing.T) { allLocked(t, s) })
	fresh, _ := newServiceStore("test", false)
	t.Run("after use, a new connection", func(t *testing.T) { allLocked(t, fresh) })
	if b.started(prompter) {
		t.Error("a dialog was opened with nobody there")
	}
	asks, _ := newServiceStore("test", true)
	t.Run("after use, a dialog that no display shows", func(t *testing.T) { allLocked(t, asks) })
	if !b.started(prompter) {
		t.Error("no dialog was opened: this test tests nothing")
	}

	b.stop(daemon)
	daemon = b.keyring("")
	t.Run("never unlocked", func(t *testing.T) { allLocked(t, fresh) })
	b.stop(daemon)
	daemon = b.keyring("wrong")
	t.Run("wrong password", func(t *testing.T) { allLocked(t, fresh) })

	b.stop(daemon)
	b.keyring("password")
	wantValue(t, fresh, "TOKEN", "value")
	if f := surveyed(t)["secret-service"]; !f.Available || f.Problem != "" {
		t.Errorf("Survey: %+v", f)
	}
}

func TestSecretServiceUnavailable(t *testing.T) {
	unavailable := func(t *testing.T, detail string) {
		t.Helper()
		s, _ := newServiceStore("test", true)
		errs := everyCall(context.Background(), s, "TOKEN")
		_, errs["List"] = s.List(context.Background())
		for what, err := range errs {
			e := new(Error)
			if !errors.As(err, &e) || e.Kind != ErrUnavailable || e.Remedy == "" || !strings.Contains(err.Error(), detail) || what != "List" && e.Name != "TOKEN" {
				t.Errorf("%s: %v", what, err)
			}
		}
		f := surveyed(t)["secret-service"]
		if f.Available || !strings.Contains(f.Problem, detail) || f.Remedy == "" {
			t.Errorf("Survey: %+v", f)
		}
	}
	t.Run("no provider", func(t *testing.T) {
		newBus(t)
		unavailable(t, "no keyring answers on the session bus")
	})
	t.Run("stale address", func(t *testing.T) {
		t.Setenv(busVariable, "unix:path="+filepath.Join(t.TempDir(), "bus"))
		unavailable(t, "no such file or directory")
	})
	t.Run("not an address", func(t *testing.T) {
		t.Setenv(busVariable, "nonsense")
		unavailable(t, "invalid bus address")
	})

	// dbus-x11 may be installed: then go-keychain would start a bus and a keyring of its own.
	programs := t.TempDir()
	launched := filepath.Join(programs, "launched")
	if err := os.WriteFile(filepath.Join(programs, "dbus-launch"), []byte("#!/bin/sh\n: >'"+launched+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	for name, env := range map[string][2]string{
		"no bus":                    {"", ""},
		"no bus in the runtime dir": {"", t.TempDir()},
		"relative runtime dir":      {"", "run"},
		"autolaunch":                {"autolaunch:", ""},
		"autolaunch with a scope":   {"autolaunch:scope=*user", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(busVariable, env[0])
			t.Setenv("XDG_RUNTIME_DIR", env[1])
			unavailable(t, "there is no session bus")
		})
	}
	if _, err := os.Stat(launched); err == nil {
		t.Error("dbus-launch was run")
	}
}

// A home without a keyring, and a service that the bus starts: the one case in which something is started.
func TestSecretServiceNoKeyringYet(t *testing.T) {
	b := newBus(t, serviceName)
	t.Cleanup(func() { b.endOwner(serviceName) })
	f := surveyed(t)["secret-service"]
	if !f.Available || !strings.Contains(f.Problem, "no keyring is running") || b.started(serviceName) {
		t.Errorf("Survey, before: %+v, started %v", f, b.started(serviceName))
	}
	s, _ := newServiceStore("test", true)
	for what, err := range everyCall(context.Background(), s, "TOKEN") {
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "no default keyring yet") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if f := surveyed(t)["secret-service"]; f.Available || !strings.Contains(f.Problem, "no default keyring yet") {
		t.Errorf("Survey, after: %+v", f)
	}
}

func TestSecretServiceByTheRuntimeDir(t *testing.T) {
	b := newBus(t)
	b.keyring("password")
	os.Unsetenv(busVariable) // newBus puts it back
	if f := surveyed(t)["secret-service"]; !f.Available || f.Problem != "" || os.Getenv(busVariable) != "" {
		t.Errorf("Survey: %+v", f)
	}
	s, _ := newServiceStore("test", false)
	if err := s.Set(context.Background(), "TOKEN", NewValue([]byte("value"))); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "TOKEN", "value")
}

// TestSecretServiceSilentBus: go-keychain alone waits for such a bus for ever.
func TestSecretServiceSilentBus(t *testing.T) {
	for name, answers := range map[string]bool{"before authentication": false, "before Hello": true} {
		t.Run(name, func(t *testing.T) {
			accepted := silentBus(t, answers)
			s, bare := newServiceStore("test", false)
			bare.wait = 20 * time.Millisecond
			for range 2 {
				_, err := s.Get(context.Background(), "TOKEN")
				if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer within 20ms") {
					t.Error(err)
				}
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			bare.wait = patience
			if _, err := s.Get(ctx, "TOKEN"); anyKind(err) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the caller's limit: %v", err)
			}
			if n := accepted.Load(); n > 1 {
				t.Errorf("%d connections hang, one is enough", n)
			}
			ctx, cancel = context.WithCancel(context.Background())
			cancel()
			if err := lookSecretService(ctx, "test", Options{}); anyKind(err) || !errors.Is(err, context.Canceled) {
				t.Errorf("look: %v", err)
			}
		})
	}
}

// silentBus accepts connections and answers nothing, or nothing after the authentication.
func silentBus(t *testing.T, authenticate bool) *atomic.Int32 {
	t.Helper()
	dir, err := os.MkdirTemp("", "minibot-bus")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	var accepted atomic.Int32
	var served sync.WaitGroup
	over := make(chan struct{})
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			served.Go(func() { <-over; conn.Close() })
			served.Go(func() {
				lines := bufio.NewScanner(conn)
				for authenticate && lines.Scan() {
					answer := ""
					switch line := strings.TrimLeft(lines.Text(), "\x00"); {
					case strings.HasPrefix(line, "AUTH EXTERNAL"):
						answer = "OK 0123456789abcdef0123456789abcdef\r\n"
					case strings.HasPrefix(line, "AUTH"):
						answer = "REJECTED EXTERNAL\r\n"
					case strings.HasPrefix(line, "NEGOTIATE_UNIX_FD"):
						answer = "AGREE_UNIX_FD\r\n"
					}
					conn.Write([]byte(answer))
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); close(over); served.Wait() })
	t.Setenv(busVariable, "unix:path="+filepath.Join(dir, "bus"))
	return &accepted
}

func TestSecretServiceEndsMeanwhile(t *testing.T) {
	ctx := context.Background()
	b := newBus(t)
	daemon := b.keyring("password")
	s, _ := newServiceStore("test", false)
	if err := s.Set(ctx, "TOKEN", NewValue([]byte("value"))); err != nil {
		t.Fatal(err)
	}
	t.Run("the keyring", func(t *testing.T) {
		b.stop(daemon)
		if _, err := s.Get(ctx, "TOKEN"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("while it is gone: %v", err)
		}
		b.keyring("password")
		if _, err := s.Get(ctx, "TOKEN"); !errors.Is(err, ErrUnavailable) { // its session is not known to this one
			t.Errorf("the first after that: %v", err)
		}
		wantValue(t, s, "TOKEN", "value")
	})
	t.Run("the bus", func(t *testing.T) {
		b.stop(b.daemon)
		for range 2 {
			if _, err := s.Get(ctx, "TOKEN"); !errors.Is(err, ErrUnavailable) {
				t.Error(err)
			}
		}
	})
}

func BenchmarkSecretServiceOpenAndSixGets(b *testing.B) {
	bus := newBus(b)
	bus.keyring("password")
	names := []string{"A", "B", "C", "D", "E", "F"}
	s, _ := newServiceStore("test", false)
	for _, name := range names {
		if err := s.Set(context.Background(), name, NewValue([]byte("value of "+name))); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		s, _ := newServiceStore("test", false)
		for _, name := range names {
			if _, err := s.Get(context.Background(), name); err != nil {
				b.Fatal(err)
			}
		}
	}
}
