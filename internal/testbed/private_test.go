package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/docker/go-connections/nat"
)

// TestPrivate runs Redis in an engine of its own through an orderly restart and a power cut. Each time it comes
// back, with its data, on its port; after a power cut nothing else is there in between; at the end nothing at all.
func TestPrivate(t *testing.T) {
	shared, refs := Require(t)
	p := RequirePrivate(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := p.Load(ctx, shared, refs.Redis); err != nil {
		t.Fatal(err)
	}
	const address = "127.0.0.1:6379" // whoever else listens there on this machine
	id := runRedis(t, p, refs.Redis, address)
	waitFor(t, "Redis", func() error { return says(ctx, p, address, "SET power on", "+OK") })

	if err := p.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "Redis after a restart", func() error { return says(ctx, p, address, "GET power", "on") })
	state, err := p.Client.ContainerInspect(ctx, id)
	if err != nil || state.RestartCount != 0 {
		t.Errorf("the container has ended by itself %v times, %v, want it ended by the engine", state.RestartCount, err)
	}

	family := descendants(p.dockerd.Process.Pid)
	if !slices.ContainsFunc(family, func(pid int) bool { return strings.HasPrefix(cmdline(pid), "redis-server") }) {
		t.Errorf("no redis-server among the engine's processes: %q", cmdlines(family))
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if alive := cmdlines(family); len(alive) > 0 {
		t.Errorf("after the power cut these run: %q", alive)
	}
	if _, err := p.Client.Ping(ctx); !client.IsErrConnectionFailed(err) {
		t.Errorf("after the power cut the engine answers: %v", err)
	}
	if err := p.Inside(func() error { return nil }); err == nil {
		t.Error("after the power cut there is a network")
	}
	if err := p.Start(ctx); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "Redis after a power cut", func() error { return says(ctx, p, address, "GET power", "on") })
	if err := p.Start(ctx); err == nil {
		t.Error("started twice")
	}

	// A program inside sees the port as well; here outside nobody does, but for the shared engine's own.
	const connect = "exec 3<>/dev/tcp/127.0.0.1/6379 && echo PING >&3 && read -r said <&3 && echo $said"
	var out []byte
	err = p.Inside(func() (err error) {
		out, err = exec.CommandContext(ctx, "bash", "-c", connect).CombinedOutput()
		return
	})
	if !strings.HasPrefix(string(out), "+PONG") || err != nil {
		t.Errorf("a program inside gets %q, %v, want PONG", out, err)
	}
	if list, err := shared.Client.ContainerInspect(ctx, id); err == nil {
		t.Errorf("the shared engine has the container %s too", list.Name)
	}

	family = descendants(p.dockerd.Process.Pid)
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if alive := cmdlines(family); len(alive) > 0 {
		t.Errorf("after the end these run: %q", alive)
	}
	nothingLeft(t, p.dir)
}

// TestPrivateEndsWithItsProcess kills a process that has a private engine: the engine ends with it, and the next one
// clears away what is left on disk.
func TestPrivateEndsWithItsProcess(t *testing.T) {
	const child = "MINIBOT_TESTBED_CHILD"
	if os.Getenv(child) == "1" {
		p := RequirePrivate(t)
		fmt.Printf("child %s %d\n", p.dir, p.dockerd.Process.Pid)
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent kills us, or ends itself
		return
	}
	RequirePrivate(t) // or skip
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPrivateEndsWithItsProcess$")
	cmd.Env = append(os.Environ(), child+"=1")
	cmd.Stderr = os.Stderr
	out, outErr := cmd.StdoutPipe()
	if _, err := cmd.StdinPipe(); err != nil || outErr != nil {
		t.Fatal(err, outErr)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	var pid int
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		fmt.Sscanf(lines.Text(), "child %s %d", &dir, &pid)
	}
	family := descendants(pid)
	if len(family) < 3 {
		t.Errorf("the child's engine has the processes %q, want a shell, dockerd and containerd", cmdlines(family))
	}
	cmd.Process.Kill()
	cmd.Wait()
	waitFor(t, "the end of the engine", func() error {
		if alive := cmdlines(family); len(alive) > 0 {
			return fmt.Errorf("these run: %q", alive)
		}
		return nil
	})
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the killed process has cleaned up: %v", err)
	}
	RequirePrivate(t)
	nothingLeft(t, dir)
}

// TestPrivateHoldsNothingOfOthers holds that another engine's container, running when the private one starts, can be
// unmounted and removed as ever.
func TestPrivateHoldsNothingOfOthers(t *testing.T) {
	shared, refs := Require(t)
	start(t, shared, refs.Redis, hardened{memory: 64 << 20, port: "6379/tcp", volumes: []string{"/data"}})
	here, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || !strings.Contains(string(here), "/merged ") {
		t.Skipf("SKIPPED, the shared engine's containers are not mounted here: %v", err)
	}
	p := RequirePrivate(t)
	there, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", p.dockerd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(there)) {
		if strings.Contains(line, "/merged ") || strings.Contains(line, " nsfs ") {
			t.Errorf("it holds the mount %s", line)
		}
	}
}

// TestPrivateBehindProxy has the engine die under a call. The same proxy serves the client once it is back.
func TestPrivateBehindProxy(t *testing.T) {
	p := RequirePrivate(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	proxy, err := NewProxy(p.Host, func(c Call) Verdict {
		if c.Write == 2 {
			if err := p.Kill(); err != nil {
				t.Error(err)
			}
		}
		return Pass
	})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	cli, err := client.NewClientWithOpts(client.WithHost(proxy.Host()), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	defer cli.Close()
	if _, err := cli.VolumeCreate(ctx, volume.CreateOptions{Name: "before"}); err != nil {
		t.Fatal(err)
	}
	if _, err := cli.VolumeCreate(ctx, volume.CreateOptions{Name: "under"}); err == nil {
		t.Error("an engine that is dead has made a volume")
	}
	if err := p.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := cli.VolumeCreate(ctx, volume.CreateOptions{Name: "after"}); err != nil {
		t.Errorf("the engine is back: %v", err)
	}
	list, err := cli.VolumeList(ctx, volume.ListOptions{})
	var names []string
	for _, v := range list.Volumes {
		names = append(names, v.Name)
	}
	slices.Sort(names)
	if want := []string{"after", "before"}; !slices.Equal(names, want) || err != nil {
		t.Errorf("volumes %q, %v, want %q", names, err, want)
	}
}

// nothingLeft fails the test if there is a trace of the private engine that had this directory.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory is there: %v", err)
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), dir) {
		t.Errorf("its mounts are there, %v:\n%s", err, mounts)
	}
	if cgroups, err := filepath.Glob("/sys/fs/cgroup/*/" + filepath.Base(dir)); err != nil || len(cgroups) > 0 {
		t.Errorf("its cgroups are there: %q, %v", cgroups, err)
	}
}

// runRedis starts a Redis that writes all it is told to a volume, and comes back unless somebody stops it.
func runRedis(t *testing.T, p *Private, ref, address string) (id string) {
	t.Helper()
	host, port, _ := strings.Cut(address, ":")
	created, err := p.Client.ContainerCreate(t.Context(),
		&container.Config{Image: ref, Cmd: []string{"redis-server", "--appendonly", "yes", "--appendfsync", "no"}, ExposedPorts: nat.PortSet{"6379/tcp": {}}},
		&container.HostConfig{
			RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyUnlessStopped},
			PortBindings:  nat.PortMap{"6379/tcp": {{HostIP: host, HostPort: port}}},
			Mounts:        []mount.Mount{{Type: mount.TypeVolume, Source: "data", Target: "/data"}},
			Resources:     container.Resources{Memory: 64 << 20},
		}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Client.ContainerStart(t.Context(), created.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	return created.ID
}

// says gives a Redis a command and returns an error unless a line of its answer is the one wanted.
func says(ctx context.Context, p *Private, address, command, want string) error {
	conn, err := p.Dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := fmt.Fprintf(conn, "%s\r\nQUIT\r\n", command); err != nil {
		return err
	}
	var got []string
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		got = append(got, lines.Text())
	}
	if !slices.Contains(got, want) {
		return fmt.Errorf("%s: %q, want %q", command, got, want)
	}
	return nil
}

// waitFor fails the test unless try succeeds within 30 s.
func waitFor(t *testing.T, what string, try func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var last error
	if err := poll(ctx, func() (bool, error) { last = try(); return last == nil, nil }); err != nil {
		t.Fatalf("%s: %v: %v", what, err, last)
	}
}

// descendants returns that process and all that it and they have started.
func descendants(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			for _, child := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(child); err == nil {
					all = append(all, pid)
				}
			}
		}
	}
	return all
}

// cmdline returns the words of a process, or nothing if it has ended.
func cmdline(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " "))
}

// cmdlines returns the words of those processes that run.
func cmdlines(pids []int) (running []string) {
	for _, pid := range pids {
		if words := cmdline(pid); words != "" {
			running = append(running, words)
		}
	}
	return running
}
