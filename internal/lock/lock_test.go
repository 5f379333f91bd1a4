package lock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain is also a process that takes a lock, says so, and ends when its input does.
func TestMain(m *testing.M) {
	if path := os.Getenv("MINIBOT_TEST_LOCK"); path != "" {
		if _, err := Acquire(context.Background(), path, time.Minute, me("holder")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func me(command string) Holder { return Holder{os.Getpid(), command, time.Now()} }

// hold has another process take the lock.
func hold(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MINIBOT_TEST_LOCK="+path)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatal(line)
	}
	return cmd
}

func TestHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "stack.lock")
	other := hold(t, path)
	_, err := Acquire(t.Context(), path, 0, me("second"))
	held := new(HeldError)
	if !errors.As(err, &held) || held.Holder.PID != other.Process.Pid || !strings.Contains(err.Error(), "holder, process "+fmt.Sprint(other.Process.Pid)+", since ") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := Acquire(ctx, path, time.Minute, me("second")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it does not end with its context: %v", err)
	}
	// Killed, it holds nothing any more.
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	l, err := Acquire(t.Context(), path, time.Minute, me("second"))
	if err != nil {
		t.Fatal(err)
	}
	if l.Clean {
		t.Error("who was killed ended well")
	}
	if _, err := Acquire(t.Context(), path, 0, me("third")); !errors.As(err, &held) || held.Holder.Command != "second" {
		t.Errorf("%v", err)
	}
	if err := l.Release(true); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ was, is bool }{{true, false}, {false, true}, {true, true}} {
		if l, err = Acquire(t.Context(), path, 0, me("third")); err != nil {
			t.Fatal(err)
		}
		if l.Clean != c.was {
			t.Errorf("the one before ended well: %t", l.Clean)
		}
		if err := l.Release(c.is); err != nil {
			t.Fatal(err)
		}
	}
}

// A file that nobody has signed, or that cannot be read, tells nothing.
func TestNobodyKnows(t *testing.T) {
	for name, text := range map[string]string{"new": "", "spoilt": "{"} {
		path := filepath.Join(t.TempDir(), name)
		if name != "new" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l, err := Acquire(t.Context(), path, 0, me("x"))
		if err != nil || l.Clean {
			t.Errorf("%s: %v", name, err)
		}
		_ = l.Release(true)
	}
}

// What was seen before somebody had the lock tells nothing; nor does anything where nobody knows how the last one ended.
func TestFreeSince(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stack.lock")
	var before time.Time
	for _, c := range []struct {
		name         string
		early, later bool // what was seen before the one before, and after
	}{
		{"nobody", true, true},
		{"one that ended well", false, true},
		{"one that did not", false, false},
	} {
		later := time.Now()
		l, err := Acquire(t.Context(), path, 0, me("next"))
		if err != nil {
			t.Fatal(err)
		}
		if early, later := l.FreeSince(before), l.FreeSince(later); early != c.early || later != c.later {
			t.Errorf("after %s: early %t, later %t", c.name, early, later)
		}
		before = time.Now()
		if err := l.Release(c.name == "nobody"); err != nil {
			t.Fatal(err)
		}
	}
}

// Look sees who has a lock, and takes none.
func TestLook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stack.lock")
	look := func(want int) {
		t.Helper()
		if holder, err := Look(path); err != nil || holder.PID != want {
			t.Errorf("process %d, %v; want %d", holder.PID, err, want)
		}
	}
	look(0)
	other := hold(t, path)
	look(other.Process.Pid)
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()
	look(0)
	l, err := Acquire(t.Context(), path, time.Minute, me("mine"))
	if err != nil {
		t.Fatal(err)
	}
	look(os.Getpid())
	if err := l.Release(false); err != nil { // in disorder, it is free all the same
		t.Fatal(err)
	}
	look(0)
}

func TestNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(t.Context(), filepath.Join(file, "stack.lock"), 0, me("x")); err == nil {
		t.Error("a lock without a folder")
	}
}
