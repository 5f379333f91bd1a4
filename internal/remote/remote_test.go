package remote

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"minibot/internal/testbed"
)

func TestNew(t *testing.T) {
	for url, want := range map[string]string{
		"ssh://mini.local": "mini.local", "ssh://me@mini.local:2222": "me@mini.local", "ssh://me@mini/run/docker.sock": "me@mini",
		"ssh://me:secret@mini": "", "ssh://": "", "ssh://mini?x": "", "tcp://mini": "",
	} {
		m, err := New(url)
		if (err != nil) != (want == "") || err == nil && m.Name != want {
			t.Errorf("%s: %+v, %v, want %q", url, m, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: the error shows the password: %v", url, err)
		}
	}
}

// world is a neighbour of a private engine's machine, on which it may log in.
type world struct {
	*testing.T
	machine *testbed.Private
	sshd    *testbed.SSHD
}

// newWorld makes this process find the ssh that knows the machine.
func newWorld(t *testing.T) *world {
	w := &world{T: t, machine: testbed.RequirePrivate(t)}
	n, err := w.machine.Neighbour(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	if w.sshd, err = w.machine.SSHD(t.Context(), n, ""); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", w.sshd.Path+":"+os.Getenv("PATH"))
	t.Setenv("TMPDIR", t.TempDir())
	return w
}

func (w *world) open(alias string) *Machine {
	w.Helper()
	m, err := New("ssh://" + alias)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { m.Close() })
	return m
}

// run runs a program and returns its output.
func run(ctx context.Context, m *Machine, argv ...string) (string, error) {
	p, err := m.Start(ctx, argv)
	if err != nil {
		return "", err
	}
	defer p.Close()
	if err := p.CloseWrite(); err != nil {
		return "", err
	}
	out, err := io.ReadAll(p)
	return string(out), err
}

// TestMachine starts programs on another machine, many at once over one connection, sees each end as it does, and gets on
// when the connection has broken. Nothing is left of it at the end.
func TestMachine(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m := w.open(w.sshd.Alias)

	const odd = "a b  'c' \"d\" $HOME `e` \\ * é\nf"
	var all sync.WaitGroup
	for range 9 { // MaxSessions, less the one that holds the connection
		all.Go(func() {
			if out, err := run(ctx, m, "printf", "%s", odd); err != nil || out != odd {
				t.Errorf("%q, %v, want %q", out, err, odd)
			}
		})
	}
	all.Wait()
	logins := func() int { return strings.Count(w.sshd.Log(), "Accepted publickey") }
	if n := logins(); n != 1 {
		t.Errorf("%d logins, want one that all share", n)
	}

	p, err := m.Start(ctx, []string{"cat"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(p, "over there\n"); err != nil {
		t.Fatal(err)
	}
	echo := make([]byte, len("over there\n"))
	if _, err := io.ReadFull(p, echo); err != nil || string(echo) != "over there\n" {
		t.Errorf("cat says %q, %v", echo, err)
	}

	var failed *Error
	if _, err := run(ctx, m, "sh", "-c", "echo first >&2; printf '\\033[1mlast\\n' >&2; exit 7"); !errors.As(err, &failed) ||
		failed.Status != 7 || failed.Error() != "on "+w.sshd.Alias+": [1mlast" {
		t.Errorf("a program that fails: %#v", err)
	}
	if _, err := run(ctx, m, "no-such-program"); !errors.As(err, &failed) || failed.Status != 127 || !strings.Contains(failed.Error(), "not found") {
		t.Errorf("no program: %v", err)
	}

	// As if a cable was pulled: the connection is gone, and with it what it carried.
	if err := w.sshd.Cut(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(p); err == nil {
		t.Error("the connection broke, and the program ended well")
	}
	select {
	case <-m.master.over:
	case <-ctx.Done():
		t.Fatal("nobody has noticed that the connection is gone")
	}
	if out, err := run(ctx, m, "echo", "again"); err != nil || out != "again\n" || logins() != 2 {
		t.Errorf("after the connection broke: %q, %v, %d logins", out, err, logins())
	}

	cancelled, stop := context.WithCancel(ctx)
	stop()
	other := w.open(w.sshd.Alias)
	if _, err := other.Start(cancelled, []string{"true"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a start that was given up: %v", err)
	}
	if err := errors.Join(m.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(os.Getenv("TMPDIR") + "/*"); err != nil || len(left) > 0 {
		t.Errorf("left on disk: %q, %v", left, err)
	}
	if left, err := exec.Command("pgrep", "-fl", w.sshd.Alias).Output(); err == nil {
		t.Errorf("these run:\n%s", left)
	}
}
