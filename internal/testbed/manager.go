package testbed

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
)

// envSystemd is 1 where there must be a systemd, and a test that needs one may not be skipped.
const envSystemd = "MINIBOT_TEST_SYSTEMD"

// Manager is a user manager of systemd of a test's own: as if the user had just logged in on a machine that systemd
// has booted. It has its own home, mounts, processes and cgroup; no other manager notices it.
type Manager struct {
	// Home is the user's.
	Home string
	pid  string // of the first process in its namespaces, as it is seen from outside
}

// bootManager leaves the cgroup of its caller, makes /run look as systemd wants it, and starts the manager there. The
// end of its input ends it.
const bootManager = `
set -e
for top in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
	if [ -e $top/cgroup.procs ]; then mkdir $top/$NAME; echo 0 >$top/$NAME/cgroup.procs; fi
done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
/lib/systemd/systemd --user --log-target=console &
until [ -S "$XDG_RUNTIME_DIR/systemd/private" ]; do kill -0 $!; sleep 0.05; done
echo up
read -r _ || true
systemctl --user exit
wait`

// RequireManager returns one that is gone at the end of the test. It skips the test where there can be none: it needs
// Linux, root and systemd. If MINIBOT_TEST_SYSTEMD is 1 the test fails there.
func RequireManager(t testing.TB) *Manager {
	t.Helper()
	if why := noManager(); why != "" && os.Getenv(envSystemd) == "1" {
		t.Fatalf("%s=1, but %s", envSystemd, why)
	} else if why != "" {
		t.Skipf("SKIPPED, needs a user manager of systemd, but %s", why)
	}
	m := &Manager{Home: filepath.Join(t.TempDir(), "home")}
	if err := os.MkdirAll(m.Home, 0o700); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("minibot-test-manager-%d", os.Getpid())
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", bootManager)
	cmd.Env = append(m.environ(), "NAME="+name)
	var said bytes.Buffer
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("the user manager (%v) said:\n%s", err, &said)
		}
		if err := removeCgroups(name); err != nil {
			t.Error(err)
		}
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "up\n" {
		t.Fatalf("the user manager does not start (%v)", err)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
	if m.pid = strings.TrimSpace(string(children)); err != nil || m.pid == "" || strings.Contains(m.pid, " ") {
		t.Fatalf("the user manager's processes are %q (%v)", children, err)
	}
	return m
}

// noManager is why there can be none; empty if there can.
func noManager() string {
	for _, needed := range []string{"/lib/systemd/systemd", "systemctl", "unshare", "nsenter"} {
		if _, err := exec.LookPath(needed); err != nil {
			return "there is no " + needed
		}
	}
	if os.Geteuid() != 0 {
		return "this is not root"
	}
	return ""
}

// Command is a program beside the manager, in a folder, as the user's shell would start it.
func (m *Manager) Command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	enter := []string{"--target", m.pid, "--mount", "--pid", "--", "sh", "-c", `cd "$0" && exec "$@"`, dir}
	cmd := exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
	cmd.Env = m.environ()
	return cmd
}

func (m *Manager) environ() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + m.Home, "XDG_RUNTIME_DIR=/run/user/0", "LC_ALL=C"}
}
