package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"minibot/internal/testbed"
)

// far is a stack on another machine, which minibot reaches by ssh: it has an engine of its own,
// and no other way in.
type far struct {
	*testing.T
	machine *testbed.Private
	sshd    *testbed.SSHD
	dir     string
	env     []string
}

func newFar(t *testing.T, refs ...string) *far {
	shared, _ := testbed.Require(t)
	f := &far{T: t, machine: testbed.RequirePrivate(t), dir: t.TempDir()}
	if err := f.machine.Load(t.Context(), shared, refs...); err != nil {
		t.Fatal(err)
	}
	neighbour, err := f.machine.Neighbour(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(neighbour.Close)
	if f.sshd, err = f.machine.SSHD(t.Context(), neighbour, ""); err != nil {
		t.Fatal(err)
	}
	f.env = append(os.Environ(), "PATH="+f.sshd.Path+":"+os.Getenv("PATH"), "HOME="+f.dir, "TMPDIR="+f.dir, "DOCKER_HOST=",
		"MINIBOT_SECRETS_DIR="+filepath.Join(f.dir, "secrets"), "MINIBOT_STATE_DIR="+filepath.Join(f.dir, "state"))
	return f
}

// minibot runs minibot here, on the engine over there.
func (f *far) minibot(want int, args ...string) (stdout, stderr string) {
	f.Helper()
	return f.at("ssh://"+f.sshd.Alias, want, args...)
}

// at runs it on the engine of another URL.
func (f *far) at(host string, want int, args ...string) (stdout, stderr string) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "minibot", append([]string{"--host", host}, args...)...)
	var out, err bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = f.dir, f.env, &out, &err
	code := 0
	var exit *exec.ExitError
	if failed := cmd.Run(); errors.As(failed, &exit) {
		code = exit.ExitCode()
	} else if failed != nil {
		f.Fatal(failed)
	}
	if code != want {
		f.Errorf("minibot %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, &out, &err)
	}
	return out.String(), err.String()
}

const farSpec = `
name = "far"
network "far-net" {}
secret "CACHE" {}
secret "DB" {}
service "cache" {
  image   = %[1]q
  user    = "999:999"
  command = ["redis-server", "/run/secrets/redis.conf"]
  file "/run/secrets/redis.conf" { content = "requirepass ${secret.CACHE.value}\nsave \"\"\n" }
  bind {
    port      = 6379
    published = %[3]d
  }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  tmpfs = ["/data"]
  healthcheck {
    test     = ["CMD-SHELL", "redis-cli ping | grep NOAUTH"]
    interval = "1s"
  }
  auth "redis" { password = secret.CACHE.value }
  probe "tcp" { port = 6379 }
}
service "db" {
  image = %[2]q
  user  = "999:999"
  env = {
    POSTGRES_USER          = "minibot"
    POSTGRES_PASSWORD_FILE = secret.DB.file
    POSTGRES_INITDB_ARGS   = "--auth-local=scram-sha-256 --auth-host=scram-sha-256 --no-sync"
  }
  bind {
    port      = 5432
    published = %[4]d
  }
  limits {
    memory = "512MB"
    cpus   = 1
  }
  volume "data" { target = "/var/lib/postgresql/data" }
  tmpfs       = ["/tmp", "/var/run/postgresql:uid=999,gid=999,mode=0775"]
  read_only   = true
  stop_signal = "SIGINT"
  healthcheck {
    test     = ["CMD", "pg_isready", "-U", "minibot", "-h", "127.0.0.1"]
    interval = "1s"
    retries  = 30
  }
  auth "postgres" {
    user     = "minibot"
    password = secret.DB.value
  }
}
`

// A stack on another machine is planned, applied and taken down over one connection, and this
// machine's engine never hears of it.
func TestSSH(t *testing.T) {
	shared, refs := testbed.Require(t)
	f := newFar(t, refs.Redis, refs.Postgres)
	cache, db := freePort(t), freePort(t)
	if err := os.WriteFile(filepath.Join(f.dir, "minibot.hcl"), fmt.Appendf(nil, farSpec, refs.Redis, refs.Postgres, cache, db), 0o600); err != nil {
		t.Fatal(err)
	}
	f.minibot(exitDiffers, "plan", "--detailed-exitcode")
	f.minibot(exitDone, "apply", "-y")
	f.minibot(exitDone, "plan", "--detailed-exitcode")
	if logins := strings.Count(f.sshd.Log(), "Accepted publickey"); logins != 3 {
		t.Errorf("%d logins for three runs", logins)
	}
	for _, name := range []string{"far-cache", "far-db"} {
		if there, err := f.machine.Client.ContainerInspect(t.Context(), name); err != nil || there.State.Health.Status != "healthy" {
			t.Errorf("over there: %+v, %v", there.ContainerJSONBase, err)
		}
		if here, err := shared.Client.ContainerInspect(t.Context(), name); err == nil {
			t.Errorf("%s is here: %s", name, here.ID)
		}
	}
	f.minibot(exitDone, "destroy", "-y")
	if left, err := f.machine.Client.ContainerList(t.Context(), container.ListOptions{All: true}); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	f.nothingLeft()
}

// Whatever stands between minibot and the engine: it says what, and what to do.
func TestSSHInTheWay(t *testing.T) {
	f := newFar(t)
	spec := fmt.Appendf(nil, farSpec, "redis", "postgres", 1, 2)
	if err := os.WriteFile(filepath.Join(f.dir, "minibot.hcl"), spec, 0o600); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"ssh://" + f.sshd.Alias + "/nowhere.sock": "on " + f.sshd.Alias + ": failed to open",
		"ssh://nobody@" + f.sshd.Alias:            "ssh nobody@" + f.sshd.Alias + ": nobody@192.168.42.10: Permission denied (publickey).",
		"ssh://nowhere.invalid":                   "ssh nowhere.invalid: Could not resolve hostname",
		"ssh://" + f.sshd.Alias + ":1":            "Connection refused",
	} {
		_, said := f.at(host, exitError, "plan")
		if !strings.Contains(said, "Error: no Docker Engine answers at "+host+" (--host): ") || !strings.Contains(said, want) || !strings.Contains(said, "docker --host "+host+" version") {
			t.Errorf("%s: %s", host, said)
		}
	}
}

// Where the connection breaks, apply fails, takes back what was not finished over another one, and the next goes on.
func TestSSHCut(t *testing.T) {
	_, refs := testbed.Require(t)
	f := newFar(t, refs.Redis, refs.Postgres)
	if err := os.WriteFile(filepath.Join(f.dir, "minibot.hcl"), fmt.Appendf(nil, farSpec, refs.Redis, refs.Postgres, freePort(t), freePort(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "minibot", "--host", "ssh://"+f.sshd.Alias, "apply", "-y", "--json")
	cmd.Dir, cmd.Env = f.dir, f.env
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cut := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if !cut && strings.Contains(lines.Text(), `"step":"service/db"`) && strings.Contains(lines.Text(), `"text":"starting"`) {
			if err := f.sshd.Cut(t.Context()); err != nil {
				t.Fatal(err)
			}
			cut = true
		}
	}
	if err := cmd.Wait(); err == nil || !cut {
		t.Errorf("the connection was cut: %t; apply: %v", cut, err)
	}

	f.minibot(exitDone, "apply", "-y")
	f.minibot(exitDone, "plan", "--detailed-exitcode")
	f.nothingLeft()
}

// Killed at any instant, minibot leaves no ssh behind.
func TestSSHEndsWithMinibot(t *testing.T) {
	f := newFar(t)
	if err := os.WriteFile(filepath.Join(f.dir, "minibot.hcl"), fmt.Appendf(nil, farSpec, "redis", "postgres", 1, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "minibot", "--host", "ssh://"+f.sshd.Alias, "verify", "--watch", "--json")
	cmd.Dir, cmd.Env = f.dir, f.env
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.Contains(line, `"watching"`) {
		t.Fatalf("%q, %v", line, err)
	}
	if running := f.running(); !strings.Contains(running, "ssh") {
		t.Errorf("no ssh runs: %s", running)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	f.nothingLeft()
}

// running lists the ssh processes of minibot, here and over there.
func (f *far) running() string {
	f.Helper()
	here, _ := exec.Command("pgrep", "-fa", f.sshd.Alias).Output() // it fails where there is none
	there, err := f.sshd.Sessions(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return string(here) + there
}

// nothingLeft waits until there is none.
func (f *far) nothingLeft() {
	f.Helper()
	for deadline := time.Now().Add(20 * time.Second); f.running() != ""; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.Fatalf("these run:\n%s", f.running())
		}
	}
}
