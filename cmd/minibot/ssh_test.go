package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
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

// newFar starts the machine; path is where programs are found over there, "" the usual.
func newFar(t *testing.T, path string, refs ...string) *far {
	shared, _ := testbed.Require(t)
	f := &far{T: t, machine: testbed.RequirePrivate(t), dir: t.TempDir()}
	if len(refs) > 0 {
		if err := f.machine.Load(t.Context(), shared, refs...); err != nil {
			t.Fatal(err)
		}
	}
	neighbour, err := f.machine.Neighbour(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(neighbour.Close)
	if f.sshd, err = f.machine.SSHD(t.Context(), neighbour, path); err != nil {
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

// A stack on another machine is planned, applied, verified, rotated and taken down over ssh. This
// machine's engine never hears of it, and whoever listens on the same ports here neither: they
// would let anybody in.
func TestSSH(t *testing.T) {
	shared, refs := testbed.Require(t)
	f := newFar(t, "", refs.Redis, refs.Postgres)
	cache, db := freePort(t), freePort(t)
	decoy(t, cache)
	decoy(t, db)
	if err := os.WriteFile(filepath.Join(f.dir, "minibot.hcl"), fmt.Appendf(nil, farSpec, refs.Redis, refs.Postgres, cache, db), 0o600); err != nil {
		t.Fatal(err)
	}
	f.minibot(exitDiffers, "plan", "--detailed-exitcode")

	release := f.hold(cache)
	if _, said := f.minibot(exitError, "apply", "-y"); !strings.Contains(said, fmt.Sprintf("service cache: port 127.0.0.1:%d:6379 is held by another program", cache)) {
		t.Errorf("the port is held over there: %s", said)
	}
	release()
	if list, err := f.machine.Client.ContainerList(t.Context(), container.ListOptions{All: true}); err != nil || len(list) > 0 {
		t.Errorf("a port was held, and there are containers: %v, %v", list, err)
	}

	f.minibot(exitDone, "apply", "-y")
	before := f.logins()
	f.minibot(exitDone, "plan", "--detailed-exitcode")
	f.passes("auth.redis.required", "auth.redis.accepts-spec", "auth.pg.required", "auth.pg.accepts-spec", "probe.tcp")
	if n := f.logins() - before; n > 4 { // one each, and one more where ten programs are not enough
		t.Errorf("%d logins for two runs", n)
	}
	for _, name := range []string{"far-cache", "far-db"} {
		if there, err := f.machine.Client.ContainerInspect(t.Context(), name); err != nil || there.State.Health.Status != "healthy" {
			t.Errorf("over there: %+v, %v", there.ContainerJSONBase, err)
		}
		if here, err := shared.Client.ContainerInspect(t.Context(), name); err == nil {
			t.Errorf("%s is here: %s", name, here.ID)
		}
	}
	f.passes("net.l2.engine")
	if err := f.machine.Raze(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.verify(exitDiffers, "fail", "open: lan0 → ", "net.l2.engine")

	f.minibot(exitDone, "secret", "rotate", "--all", "-y")
	f.passes("auth.redis.accepts-spec", "auth.pg.accepts-spec")

	f.minibot(exitDone, "destroy", "-y")
	if left, err := f.machine.Client.ContainerList(t.Context(), container.ListOptions{All: true}); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	f.nothingLeft()
}

// passes makes some checks, each of which must pass for all that it looks at.
func (f *far) passes(checks ...string) { f.Helper(); f.verify(exitDone, "pass", "", checks...) }

// verify makes some checks, each of which must come out the same, with such evidence.
func (f *far) verify(code int, status, evidence string, checks ...string) {
	f.Helper()
	const beside = "auth.redis.required.peer,auth.pg.required.peer" // they go through the engine
	out, _ := f.minibot(code, "verify", "--json", "--only", strings.Join(checks, ","), "--skip", beside)
	var report struct {
		Results []struct{ Check, Status, Evidence string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		f.Fatal(err, out)
	}
	made := map[string]bool{}
	for _, result := range report.Results {
		if result.Status != status || !strings.Contains(result.Evidence, evidence) {
			f.Errorf("%+v, want %s, %q", result, status, evidence)
		}
		made[result.Check] = true
	}
	for _, check := range checks {
		if !made[check] {
			f.Errorf("%s was not made: %s", check, out)
		}
	}
}

// logins counts how often somebody has logged in over there.
func (f *far) logins() int { return strings.Count(f.sshd.Log(), "Accepted publickey") }

// hold listens on a port over there.
func (f *far) hold(port int) (release func()) {
	f.Helper()
	var listener net.Listener
	if err := f.machine.Inside(func() (err error) {
		listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		return err
	}); err != nil {
		f.Fatal(err)
	}
	return func() { listener.Close() }
}

// decoy listens on a port here, where nobody must come.
func decoy(t *testing.T, port int) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Close()
			t.Errorf("somebody came to port %d of this machine", port)
		}
	}()
}

// What cannot be dialled from over there is skipped with the reason, or an error, and never tried here.
func TestSSHNoDialer(t *testing.T) {
	_, refs := testbed.Require(t)
	path := t.TempDir()
	for _, name := range []string{"docker", "cat"} {
		program, err := exec.LookPath(name)
		if err == nil {
			err = os.Symlink(program, filepath.Join(path, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	f := newFar(t, path, refs.Redis, refs.Postgres)
	cache, db := freePort(t), freePort(t)
	decoy(t, cache)
	decoy(t, db)
	if err := os.WriteFile(filepath.Join(f.dir, "minibot.hcl"), fmt.Appendf(nil, farSpec, refs.Redis, refs.Postgres, cache, db), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, said := f.minibot(exitDone, "apply", "-y"); !strings.Contains(said, "Warning: whether the ports are free on "+f.sshd.Alias+" is not known: ") {
		t.Errorf("nobody could look at the ports: %s", said)
	}
	checks := []string{"auth.redis.required", "auth.redis.accepts-spec", "auth.pg.required", "auth.pg.accepts-spec", "probe.tcp"}
	f.verify(exitDone, "skip", "has no program by which minibot can dial there", checks...)
	if _, said := f.minibot(exitError, "secret", "rotate", "CACHE", "-y"); !strings.Contains(said, "has no program by which minibot can dial there") {
		t.Errorf("rotate: %s", said)
	}
	if err := f.machine.Kill(); err != nil {
		t.Fatal(err)
	}
	f.verify(exitError, "error", "", checks...)
}

// Whatever stands between minibot and the engine: it says what, and what to do.
func TestSSHInTheWay(t *testing.T) {
	f := newFar(t, "")
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
	f := newFar(t, "", refs.Redis, refs.Postgres)
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
	f := newFar(t, "")
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
