package schedule

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// system is a unit whose system is a shell: it writes down what it is told, and fails at what
// begins with the word in a file named fails.
func system(t *testing.T) (u Unit, dir string) {
	t.Helper()
	dir = t.TempDir()
	told := func(words string) Command {
		return Command{Argv: []string{"sh", "-c", `cd "$0"; echo "$1" >>told; test "$1" != "$(cat fails 2>/dev/null)" || { echo no "$1" >&2; exit 1; }`, dir, words}}
	}
	return Unit{
		System: "shelld", Name: "box",
		Files: []File{{filepath.Join(dir, "units", "a"), "1"}, {filepath.Join(dir, "units", "b"), "2"}},
		Links: []string{filepath.Join(dir, "units", "link")},
		Start: []Command{told("reload"), told("start")}, Stop: []Command{mayFail(told("stop"))}, Reload: []Command{told("forget")},
		Active: told("active"), Advice: "Log in.",
	}, dir
}

func said(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "told"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(dir, "told"))
	return strings.Join(strings.Fields(string(text)), " ")
}

func TestInstall(t *testing.T) {
	u, dir := system(t)
	for range 2 { // the second time is as the first
		if err := u.Install(t.Context(), write); err != nil {
			t.Fatal(err)
		}
		if got := said(t, dir); got != "reload start" {
			t.Errorf("the system was told %q", got)
		}
		if diff := cmp.Diff([]string{"a", "b"}, files(t, filepath.Join(dir, "units"))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if state := u.State(t.Context()); state != (State{Files: 2, Same: true, Active: true}) {
			t.Errorf("%+v", state)
		}
		said(t, dir)
	}
	for _, change := range []struct {
		act  func() error
		want State
	}{
		{func() error { return write(u.Files[0].Path, []byte("changed")) }, State{Files: 2, Active: true}},
		{func() error { return os.Remove(u.Files[0].Path) }, State{Files: 1, Active: true}},
		{func() error { return write(filepath.Join(dir, "fails"), []byte("active")) }, State{Files: 1}},
	} {
		if err := change.act(); err != nil {
			t.Fatal(err)
		}
		if state := u.State(t.Context()); state != change.want {
			t.Errorf("%+v, want %+v", state, change.want)
		}
	}
	said(t, dir)
	if err := write(u.Links[0], nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		was  bool
		told string
	}{{true, "active stop forget"}, {false, "active stop"}} {
		if was, err := u.Remove(t.Context()); was != want.was || err != nil {
			t.Errorf("removed %t (%v)", was, err)
		}
		if got := said(t, dir); got != want.told {
			t.Errorf("the system was told %q, want %q", got, want.told)
		}
		if left := files(t, filepath.Join(dir, "units")); left != nil {
			t.Errorf("left behind: %q", left)
		}
	}
}

// If the system refuses nothing is left, and what helps is said.
func TestInstallRefused(t *testing.T) {
	for _, fails := range []string{"reload", "start"} {
		u, dir := system(t)
		if err := write(filepath.Join(dir, "fails"), []byte(fails)); err != nil {
			t.Fatal(err)
		}
		err := u.Install(t.Context(), write)
		if err == nil || !strings.Contains(err.Error(), "no "+fails) || !strings.HasSuffix(err.Error(), "\nLog in.") {
			t.Errorf("%v", err)
		}
		if got, want := said(t, dir), strings.Split("reload start", fails)[0]+fails+" active stop forget"; got != want {
			t.Errorf("the system was told %q, want %q", got, want)
		}
		if left := files(t, filepath.Join(dir, "units")); left != nil {
			t.Errorf("left behind: %q", left)
		}
	}
	// What cannot be taken back is said, too.
	stuck, dir := system(t)
	if err := errors.Join(write(filepath.Join(dir, "fails"), []byte("start")), os.MkdirAll(filepath.Join(stuck.Links[0], "full"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := stuck.Install(t.Context(), write); err == nil || !strings.Contains(err.Error(), "no start") || !strings.Contains(err.Error(), stuck.Links[0]) {
		t.Errorf("%v", err)
	}
	// One of the files cannot be written.
	u, dir := system(t)
	full := errors.New("the disk is full")
	err := u.Install(t.Context(), func(path string, content []byte) error {
		if path == u.Files[1].Path {
			return full
		}
		return write(path, content)
	})
	if !errors.Is(err, full) || said(t, dir) != "" || files(t, filepath.Join(dir, "units")) != nil {
		t.Errorf("%v", err)
	}
}
