package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"minibot/internal/testbed"
)

// A store that does not give a secret leaves the engine alone: not one write, whatever is
// wrong with the store, and exit 3 within the store's deadline, with what to do.
func TestStoreFailure(t *testing.T) {
	engine, refs := testbed.Require(t)
	const quick, deadline = 3 * time.Second, 15 * time.Second
	cases := map[string]struct {
		store  string // of the spec
		within time.Duration
		spoil  func(t *testing.T, dir string) []string // what is wrong, and the environment for it
		says   string
	}{
		// The same with all that it needs: the proxy does see writes.
		"nothing is wrong": {`store = "file"`, time.Minute, func(t *testing.T, dir string) []string {
			keep(t, dir)
			return nil
		}, ""},
		"missing": {`store = "file"`, quick, func(*testing.T, string) []string { return nil }, "minibot secret set GIVEN"},
		"missing in the environment": {`store = "env"`, quick, func(*testing.T, string) []string { return []string{"MINIBOT_SECRET_MADE=x"} },
			"set the environment variable MINIBOT_SECRET_GIVEN"},
		"locked": {`store = "file"`, quick, func(t *testing.T, dir string) []string {
			keep(t, dir)
			remove(t, dir, "key.txt")
			return nil
		}, "locked"},
		"denied": {`store = "file"`, quick, func(t *testing.T, dir string) []string {
			keep(t, dir)
			if err := os.Chmod(one(t, dir, "key.txt"), 0o644); err != nil {
				t.Fatal(err)
			}
			return nil
		}, "chmod 600"},
		"no such store here": {`store = "keychain"`, quick, func(*testing.T, string) []string { return nil }, "only macOS has it"},
		"no program": {"store = \"exec\"\ncommand = [\"minibot-no-such-program\", \"{name}\"]", quick,
			func(*testing.T, string) []string { return nil }, "there is no program"},
		"a program that fails": {"store = \"exec\"\ncommand = [\"sh\", \"-c\", \"echo {name} >/dev/null; echo vault is sealed >&2; exit 2\"]", quick,
			func(*testing.T, string) []string { return nil }, "vault is sealed"},
		"a program that hangs": {"store = \"exec\"\ncommand = [\"sh\", \"-c\", \"sleep 1000; echo {name}\"]", deadline,
			func(*testing.T, string) []string { return nil }, "no answer"},
		"a bus that hangs": {`store = "secret-service"`, deadline, func(t *testing.T, dir string) []string {
			bus, err := net.Listen("unix", filepath.Join(dir, "bus"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { bus.Close() })
			return []string{"DBUS_SESSION_BUS_ADDRESS=unix:path=" + filepath.Join(dir, "bus")}
		}, "no answer"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("", "minibot") // a short path, for the socket
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			stack := engine.Project(t)
			text := fmt.Sprintf(storeFailureSpec, stack, refs.Redis, c.store)
			if err := os.WriteFile(filepath.Join(dir, "minibot.hcl"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			extra := c.spoil(t, dir)
			code := exitSecret
			if c.says == "" {
				code = exitDone
			}
			proxy, err := testbed.NewProxy(engine.Host, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { proxy.Close() })

			cmd := exec.CommandContext(t.Context(), "minibot", "apply", "-y")
			cmd.Dir = dir
			cmd.Env = append(append(os.Environ(), "MINIBOT_SECRETS_DIR="+dir, "HOME="+dir, "DOCKER_HOST="+proxy.Host()), extra...)
			begun := time.Now()
			said, err := cmd.CombinedOutput()
			took := time.Since(begun)
			if got := cmd.ProcessState.ExitCode(); got != code {
				t.Errorf("exit %d (%v), want %d\n%s", got, err, code, said)
			}
			if took > c.within {
				t.Errorf("it took %s, longer than %s", took, c.within)
			}
			if (proxy.Writes() == 0) != (code == exitSecret) || len(proxy.Calls()) == 0 {
				t.Errorf("%d of %d calls are writes: %v", proxy.Writes(), len(proxy.Calls()), proxy.Calls())
			}
			if !strings.Contains(string(said), c.says) {
				t.Errorf("it does not say %q:\n%s", c.says, said)
			}
		})
	}
}

const storeFailureSpec = `name = %[1]q

network "%[1]s-net" {}

secret "GIVEN" { generate = false }

secret "MADE" {}

service "redis" {
  image   = %[2]q
  user    = "999:999"
  command = ["redis-server", "/run/secrets/redis.conf"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  file "/run/secrets/redis.conf" { content = "requirepass ${secret.GIVEN.value}\nmasterauth ${secret.MADE.value}\n" }
  volume "data" { target = "/data" }
}

secrets {
  %[3]s
}
`

// keep puts a secret into the file store below a folder.
func keep(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "minibot", "secret", "set", "GIVEN")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader("kept")
	cmd.Env = append(os.Environ(), "MINIBOT_SECRETS_DIR="+dir)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
}

// one is the only file of that name in the stores below a folder.
func one(t *testing.T, dir, name string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", name))
	if err != nil || len(found) != 1 {
		all, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
		t.Fatalf("%s: %v, %v of %v", name, err, found, all)
	}
	return found[0]
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(one(t, dir, name)); err != nil {
		t.Fatal(err)
	}
}
