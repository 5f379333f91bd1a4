package testbed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStartWalls holds on a machine of its own that Start puts up the wall before the engine it started, once and again
// if it is gone, and before no other; and that Stop takes it down.
func TestStartWalls(t *testing.T) {
	const child = "MINIBOT_TESTBED_CHILD"
	if os.Getenv(child) == "walls" {
		startWalls(t)
		return
	}
	RequirePrivate(t) // or skip
	machine, err := newNetns()
	if err != nil {
		t.Fatal(err)
	}
	defer machine.close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	const boot = `mount -t proc proc /proc && mount -t tmpfs tmpfs /run && exec "$0" -test.run='^TestStartWalls$' -test.v`
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", boot, os.Args[0])
	cmd.Env = append(os.Environ(), child+"=walls", "DOCKER_HOST=", "XDG_CACHE_HOME="+t.TempDir())
	cmd.SysProcAttr = apart()
	var out []byte
	err = machine.do(func() (err error) { out, err = cmd.CombinedOutput(); return })
	if err != nil || !strings.Contains(string(out), "--- PASS: TestStartWalls") {
		t.Errorf("%v\n%s", err, out)
	}
}

func startWalls(t *testing.T) {
	ctx := t.Context()
	stands := func(when string, want int) {
		t.Helper()
		rules, err := run(ctx, "", nil, "iptables-save")
		if got := strings.Count(rules, "minibot-testbed"); got != want || err != nil {
			t.Errorf("%s: %d rules of the wall, %v, want %d:\n%s", when, got, err, want, rules)
		}
	}
	begin := func() {
		t.Helper()
		engine, err := Start(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		engine.Close()
	}
	end := func() {
		t.Helper()
		if err := Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	begin()
	stands("started", len(walls))
	begin()
	stands("found", len(walls))
	if _, err := run(ctx, "", nil, "iptables", "-F", "DOCKER-USER"); err != nil {
		t.Fatal(err)
	}
	begin()
	stands("found without its wall", len(walls))
	end()
	stands("stopped", 0)

	strange := exec.CommandContext(ctx, "dockerd", "--data-root="+filepath.Join(t.TempDir(), "data"), "--exec-root=/run/strange")
	if err := strange.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "another's engine", func() error {
		engine, err := Find(ctx)
		if err == nil {
			engine.Close()
		}
		return err
	})
	begin()
	stands("another's, found", 0)
	end()
	if engine, err := Find(ctx); err != nil {
		t.Errorf("another's engine was stopped: %v", err)
	} else {
		engine.Close()
	}
	if err := strange.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := strange.Wait(); err != nil {
		t.Error(fmt.Errorf("another's engine: %w", err))
	}
}
