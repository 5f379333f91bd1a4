package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// pidPath is our daemon's pid file. Its name on a dockerd's command line is how we know that daemon for ours.
func pidPath(state string) string { return filepath.Join(state, "dockerd.pid") }

func execRoot(state string) string { return filepath.Join(state, "exec") }

// removeStale removes the pid files of a daemon that was killed, or ended with its machine. While they name any
// process at all, a zombie or a stranger's included, dockerd refuses to start, or waits for a containerd that does
// not run: containerd is started so that it dies with its dockerd. The caller knows that no dockerd runs.
func removeStale(state string) error {
	for _, path := range []string{pidPath(state), filepath.Join(execRoot(state), "containerd", "containerd.pid")} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("stale pid file: %w", err)
		}
	}
	return nil
}

// daemonPID returns the process id of our daemon, or 0 if it does not run. A pid file that outlived its
// daemon names nobody, or a process of another's.
func daemonPID(state string) int {
	text, err := os.ReadFile(pidPath(state))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || !isDockerd(pid, "--pidfile="+pidPath(state)) {
		return 0
	}
	return pid
}

// dockerdHere returns the id of a dockerd process in our network namespace, or 0.
func dockerdHere() int {
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return 0
	}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || !isDockerd(pid, "") {
			continue
		}
		if theirs, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid)); theirs == ours {
			return pid
		}
	}
	return 0
}

// isDockerd tells whether that process is a dockerd which was given the flag. A zombie has no command line.
func isDockerd(pid int, flag string) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	argv := strings.Split(string(text), "\x00")
	if filepath.Base(argv[0]) != "dockerd" {
		return false
	}
	for _, arg := range argv {
		if flag == "" || arg == flag {
			return true
		}
	}
	return false
}
