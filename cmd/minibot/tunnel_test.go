package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// requireTool finds a program that a test needs. Where MINIBOT_TEST_TOOLS is set, as in CI, one that is not installed is
// a failure.
func requireTool(t *testing.T, name string) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	if os.Getenv("MINIBOT_TEST_TOOLS") != "" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// loopbackSSH starts a real sshd on 127.0.0.1 with keys of its own, and returns a folder with an ssh that knows it as
// "mini", reads no other configuration, and writes its environment to the file environ beside it.
func loopbackSSH(t *testing.T) (dir string) {
	t.Helper()
	sshd, ssh, keygen := requireTool(t, "sshd"), requireTool(t, "ssh"), requireTool(t, "ssh-keygen")
	dir = t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	public, err := os.ReadFile(filepath.Join(dir, "host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	write("known_hosts", fmt.Sprintf("[127.0.0.1]:%d %s", port, public), 0o600)
	write("sshd_config", fmt.Sprintf(`ListenAddress 127.0.0.1
Port %[2]d
HostKey %[1]s/host
AuthorizedKeysFile %[1]s/user.pub
AuthenticationMethods publickey
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
PidFile none
`, dir, port), 0o600)
	write("ssh_config", fmt.Sprintf(`Host mini
  HostName 127.0.0.1
  Port %[2]d
  User %[3]s
  IdentityFile %[1]s/user
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile %[1]s/known_hosts
  StrictHostKeyChecking yes
`, dir, port, me.Username), 0o600)
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("bin/ssh", fmt.Sprintf("#!/bin/sh\n/usr/bin/env >%s/environ\nexec %s -F %s/ssh_config \"$@\"\n", dir, ssh, dir), 0o700)
	if me.Uid == "0" { // where sshd gives its rights up; Debian's service makes it
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(sshd, "-D", "-e", "-f", filepath.Join(dir, "sshd_config"))
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewReader(said)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("sshd ended: %s", line)
		}
		if strings.Contains(line, "Server listening") {
			break
		}
	}
	go io.Copy(io.Discard, lines)
	return dir
}

// A tunnel through a real sshd reaches what listens there, beside a port that is taken here; ssh sees no secret; Ctrl-C
// ends both, and the end of ssh ends minibot with its exit code.
func TestTunnel(t *testing.T) {
	dir := loopbackSSH(t)
	there, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	go func() {
		for {
			conn, err := there.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "from there")
			conn.Close()
		}
	}()
	spec := filepath.Join(dir, "minibot.hcl")
	text := fmt.Sprintf(tunnelSpec, there.Addr().(*net.TCPAddr).Port)
	if err := os.WriteFile(spec, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const value = "canary-of-the-tunnel"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := func() *exec.Cmd {
		cmd := exec.CommandContext(ctx, "minibot", "tunnel", "-f", spec)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "MINIBOT_SECRET_TOKEN="+value, "MINIBOT_AGE_KEY="+value)
		return cmd
	}

	cmd := command()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	shown := bufio.NewReader(stdout)
	screen := ""
	for !strings.Contains(screen, "is taken") {
		line, err := shown.ReadString('\n')
		if screen += line; err != nil {
			t.Fatalf("%v\n%s%s", err, screen, &stderr)
		}
	}
	local := regexp.MustCompile(`db is at (127\.0\.0\.1:\d+)\.`).FindStringSubmatch(screen)
	if local == nil || local[1] == there.Addr().String() {
		t.Fatalf("the port here is taken, and minibot says\n%s", screen)
	}
	if got := firstAnswer(ctx, t, local[1]); got != "from there" {
		t.Errorf("the tunnel says %q", got)
	}
	environ, err := os.ReadFile(filepath.Join(dir, "environ"))
	if err != nil || !bytes.Contains(environ, []byte("PATH=")) || bytes.Contains(environ, []byte(value)) {
		t.Errorf("ssh's environment (%v):\n%s", err, environ)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := exitOf(t, cmd.Wait()); code != exitInterrupted {
		t.Errorf("exit code %d after Ctrl-C\n%s", code, &stderr)
	}
	if conn, err := net.Dial("tcp", local[1]); err == nil {
		conn.Close()
		t.Error("the tunnel is still there after Ctrl-C")
	}

	// A key that the server does not take: ssh says so, and minibot what to do.
	if err := os.WriteFile(filepath.Join(dir, "user.pub"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command().CombinedOutput()
	if code := exitOf(t, err); code != exitError || !bytes.Contains(out, []byte("Permission denied")) || !bytes.Contains(out, []byte("Make this work first: ssh ")) || !bytes.Contains(out, []byte("ssh ended with exit code 255")) {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

const tunnelSpec = `
name = "box"
network "box-net" {}
remote "ssh" { destination = "mini" }
service "db" {
  image = "db:1"
  bind { port = %d }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
}
`

// firstAnswer is what an address says once somebody listens there.
func firstAnswer(ctx context.Context, t *testing.T, addr string) string {
	t.Helper()
	for again := time.NewTicker(20 * time.Millisecond); ; {
		if conn, err := net.Dial("tcp", addr); err == nil {
			defer conn.Close()
			answer, err := io.ReadAll(conn)
			if err != nil {
				t.Fatal(err)
			}
			return string(answer)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("nobody ever listened on %s", addr)
		}
	}
}

func exitOf(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return 0
}
