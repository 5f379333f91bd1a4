package secret

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keybase/dbus"
	"golang.org/x/sys/unix"
)

// patience is how long a test waits for a real program that has no reason to be late.
const patience = 30 * time.Second

// testBus is a session bus of the test's own, with a home of its own. All that runs on it ends with the test.
type testBus struct {
	t       testing.TB
	dir     string // HOME and XDG_RUNTIME_DIR; short, since the paths of sockets are
	address string
	daemon  *exec.Cmd
}

// needPrograms skips the test if one is missing, and fails it where CI has promised them.
func needPrograms(t testing.TB, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		text := "NOT TESTED: there is no " + program + "; apt-get install gnome-keyring dbus libsecret-tools"
		if os.Getenv("MINIBOT_TEST_KEYRING") == "1" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
}

// newBus starts a bus, which can start the services named (of /usr/share/dbus-1/services), and makes it that of this
// process. dbus-run-session would do the same, and not say which processes to end.
func newBus(t testing.TB, services ...string) *testBus {
	t.Helper()
	needPrograms(t, "dbus-daemon", "gnome-keyring-daemon")
	dir, err := os.MkdirTemp("", "minibot-bus")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if len(services) > 0 { // what the bus starts becomes nobody's child; then it is ours to reap
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
	}
	for _, service := range services {
		text, err := os.ReadFile("/usr/share/dbus-1/services/" + service + ".service")
		if err != nil {
			t.Fatal(err)
		}
		const start = "\nExec="
		text = bytes.Replace(text, []byte(start), fmt.Appendf(nil, "%s/bin/sh %s/wrap %s/%s.started ", start, dir, dir, service), 1)
		if err := os.WriteFile(filepath.Join(dir, service+".service"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "wrap"), []byte(": >\"$1\"\nshift\nexec \"$@\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "bus.conf")
	err = os.WriteFile(config, fmt.Appendf(nil, `<busconfig><type>session</type><listen>unix:path=%[1]s/bus</listen>
<servicedir>%[1]s</servicedir><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy><limit name="max_connections_per_user">100000</limit></busconfig>`, dir), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	b := &testBus{t: t, dir: dir}
	b.daemon = b.command("dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile", "--print-address")
	output, err := b.daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.start(b.daemon)
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	b.address = strings.TrimSpace(address)
	t.Setenv(busVariable, b.address)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("HOME", dir)
	return b
}

// command prepares a program in the home of the test, without a display.
func (b *testBus) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "XDG_RUNTIME_DIR=" + b.dir, "LC_ALL=C"}
	if b.address != "" {
		cmd.Env = append(cmd.Env, busVariable+"="+b.address)
	}
	return cmd
}

// start starts a program and ends it with the test.
func (b *testBus) start(cmd *exec.Cmd) {
	b.t.Helper()
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { b.stop(cmd) })
}

func (b *testBus) stop(cmd *exec.Cmd) {
	cmd.Process.Kill()
	cmd.Wait()
}

// connect is a connection of the test itself.
func (b *testBus) connect() *dbus.Conn {
	b.t.Helper()
	conn, err := dbus.Connect(b.address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	return conn
}

// keyring starts GNOME Keyring and waits until it has the name. With a password it is unlocked, or made; without, or
// with a wrong one, it stays locked.
func (b *testBus) keyring(password string) *exec.Cmd {
	b.t.Helper()
	conn := b.connect()
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	if err := conn.AddMatchSignal(dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, serviceName)); err != nil {
		b.t.Fatal(err)
	}
	args := []string{"--foreground", "--components=secrets", "--control-directory=" + filepath.Join(b.dir, "control")}
	if password != "" {
		args = append(args, "--unlock")
	}
	cmd := b.command("gnome-keyring-daemon", args...)
	cmd.Stdin = strings.NewReader(password)
	b.start(cmd)
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case s := <-signals:
			if s.Name == "org.freedesktop.DBus.NameOwnerChanged" && s.Body[0] == serviceName && s.Body[2] != "" {
				return cmd
			}
		case <-late.C:
			b.t.Fatal("gnome-keyring-daemon did not take its name on the bus")
		}
	}
}

// lock locks the default keyring.
func (b *testBus) lock() {
	b.t.Helper()
	collections := []dbus.ObjectPath{"/org/freedesktop/secrets/aliases/default"}
	call := b.connect().Object(serviceName, "/org/freedesktop/secrets").Call("org.freedesktop.Secret.Service.Lock", 0, collections)
	if call.Err != nil {
		b.t.Fatal(call.Err)
	}
}

// started reports whether the bus had to start that service.
func (b *testBus) started(service string) bool {
	_, err := os.Stat(filepath.Join(b.dir, service+".started"))
	return err == nil
}

// owner returns the process that has a name on the bus, 0 if none.
func (b *testBus) owner(name string) int {
	b.t.Helper()
	var pid uint32
	err := b.connect().BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, name).Store(&pid)
	if err != nil && !strings.Contains(err.Error(), "no such name") {
		b.t.Fatal(err)
	}
	return int(pid)
}

// endOwner ends a service that the bus started, which is nobody's child, and waits until it is gone.
func (b *testBus) endOwner(name string) {
	b.t.Helper()
	pid := b.owner(name)
	if pid == 0 {
		return
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		b.t.Fatal(err)
	}
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != 1 {
			b.t.Errorf("%s, pid %d, does not end: %v", name, pid, err)
		}
		unix.Wait4(pid, nil, unix.WNOHANG, nil) // an error if the bus is its parent
		return
	}
}

// secretTool runs secret-tool, a client that is not ours.
func (b *testBus) secretTool(input string, args ...string) string {
	b.t.Helper()
	needPrograms(b.t, "secret-tool")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	plain := b.command("secret-tool", args...)
	cmd := exec.CommandContext(ctx, plain.Path, args...)
	cmd.Env, cmd.Stdin = plain.Env, strings.NewReader(input)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	output, err := cmd.Output()
	if err != nil {
		b.t.Fatalf("secret-tool %v: %v: %s", args, err, messages.Bytes())
	}
	return string(output)
}

// newServiceStore is what Open returns, with a limit and a person or none.
func newServiceStore(stack string, attended bool) (Store, *serviceStore) {
	bare := &serviceStore{stack: stack, wait: patience, attended: attended}
	return guarded{"secret-service", bare}, bare
}
