package testbed

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestClosureOfShell(t *testing.T) {
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Skip(err)
	}
	if _, err := os.Stat("/lib/ld-musl-x86_64.so.1"); err == nil {
		t.Skip("a musl system has no *-linux-gnu directories")
	}
	system, err := openTree("/")
	if err != nil {
		t.Fatal(err)
	}
	got, err := system.closure(shell[1:])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{merged(shell[1:]), "/libc.so.6", "/ld-linux"} {
		if !slices.ContainsFunc(got, func(name string) bool { return strings.Contains("/"+name, want) }) {
			t.Errorf("closure of %s is %q: no %s", shell, got, want)
		}
	}
}

func TestClosureFailsOnMissingLibrary(t *testing.T) {
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sh"), shell, 0o755); err != nil {
		t.Fatal(err)
	}
	empty, err := openTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := empty.closure("sh"); err == nil {
		t.Errorf("closure in a tree with no libraries is %q, want an error", got)
	}
}

func TestTreeFollowsLinksInside(t *testing.T) {
	dir := t.TempDir()
	for name, target := range map[string]string{"absolute": "/lib/real", "escape": "../../../../../../etc/passwd"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lib/real"), []byte("real"), 0o644); err != nil {
		t.Fatal(err)
	}
	inside, err := openTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"absolute", "lib/real", "usr/lib/real"} {
		if got, err := inside.readFile(name); got != "real" || err != nil {
			t.Errorf("readFile(%s) = %q, %v", name, got, err)
		}
	}
	if got, err := inside.readFile("escape"); err == nil {
		t.Errorf("readFile(escape) = %q, want an error: the link leads out of the tree", got)
	}
}

func TestDigest(t *testing.T) {
	seen := map[string]string{}
	for i, r := range recipes() {
		got := r.digest()
		if again := recipes()[i].digest(); got != again {
			t.Errorf("%s: digest %s, then %s", r.Name, got, again)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s have the same digest", r.Name, other)
		}
		seen[got] = r.Name
		for name := range r.Files {
			r.Files[name] += "#"
			break
		}
		r.Config.StopSignal += "X"
		if r.digest() == got {
			t.Errorf("%s: a changed recipe has the same digest", r.Name)
		}
	}
}

func TestToolVersionsAreThoseOfTheirModules(t *testing.T) {
	for file, want := range map[string]string{
		"tools/go.mod":         "github.com/FerretDB/FerretDB " + ferretVersion,
		"tools/compose/go.mod": "github.com/docker/compose/v2 " + composeVersion,
	} {
		mod, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(regexp.QuoteMeta(want) + `\b`).Match(mod) {
			t.Errorf("%s does not require %s", file, want)
		}
	}
}

func TestLockExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	synctest.Test(t, func(t *testing.T) {
		unlock, err := lock(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := lock(ctx, path); err == nil {
			t.Error("locked twice")
		}
		unlock()
		again, err := lock(t.Context(), path)
		if err != nil {
			t.Fatalf("after unlock: %v", err)
		}
		again()
	})
}

func TestCachedIsWholeOrAbsent(t *testing.T) {
	state := t.TempDir()
	builds := 0
	build := func(fail error) (string, error) {
		return cached(state, "key", func(dir string) error {
			builds++
			if err := os.WriteFile(filepath.Join(dir, "part"), nil, 0o644); err != nil {
				return err
			}
			return fail
		})
	}
	if dir, err := build(os.ErrInvalid); err == nil {
		t.Errorf("a failed build is kept in %s", dir)
	}
	for range 2 {
		dir, err := build(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "part")); err != nil {
			t.Error(err)
		}
	}
	if builds != 2 {
		t.Errorf("built %d times, want 2: one that failed, one that was kept", builds)
	}
}

func TestOtherProcessesAreNotOurDaemon(t *testing.T) {
	state := t.TempDir()
	for _, pid := range []string{"", "none\n", "1\n", "999999999\n"} {
		if err := os.WriteFile(filepath.Join(state, "dockerd.pid"), []byte(pid), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := daemonPID(state); got != 0 {
			t.Errorf("pid file %q: our daemon is %d, want none", pid, got)
		}
	}
}
