package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"minibot/internal/testbed"
)

// Twenty services with a port each.
const twenty = 20

// twentySpec is a spec in which every service has the word in its environment. The last one
// publishes the port.
func twentySpec(stack, image, word string, ports []int) string {
	var out strings.Builder
	fmt.Fprintf(&out, "name = %q\n\nnetwork \"%s-net\" { subnet = \"10.213.7.0/24\" }\n", stack, stack)
	for i, port := range ports {
		fmt.Fprintf(&out, `
service "s%02d" {
  image   = %q
  user    = "999:999"
  command = ["redis-server", "--save", ""]
  env     = { WORD = %q }
  tmpfs   = ["/data"]
  limits {
    memory = "32MB"
    cpus   = 0.25
  }
  bind {
    port      = 6379
    published = %d
  }
}
`, i, image, word, port)
	}
	return out.String()
}

// Where docker compose leaves all of twenty services down: killed in the middle of replacing
// them, and with a port taken that one of them was to have. One apply ends the first, and the
// second touches none.
func TestTwenty(t *testing.T) {
	shared, refs := testbed.Require(t)
	c := newComposed(t, composedSpec, refs.Redis)
	// Engine 20.10 can lose count of a network's endpoints when a client dies while it starts
	// containers, and then never removes that network again: this one is thrown away.
	private := testbed.RequirePrivate(t)
	if err := private.Load(t.Context(), shared, refs.Redis); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_HOST", private.Host)
	c.engine = private.Engine
	var ports []int
	for range twenty {
		ports = append(ports, freePort(t))
	}
	write := func(word string, ports []int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(c.dir, "minibot.hcl"), []byte(twentySpec(c.stack, refs.Redis, word, ports)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first", ports)
	c.must("apply", "-y")
	names := func() []string {
		out := strings.Fields(c.mustRun("docker", "ps", "--filter", "name="+c.stack, "--format", "{{.Names}}"))
		slices.Sort(out)
		return out
	}
	all := names()
	if len(all) != twenty {
		t.Fatalf("%d containers run", len(all))
	}

	for i, line := range []int{1, 9, 17, 30} {
		write(fmt.Sprint("killed ", i), ports)
		cmd := c.command("minibot", "--secret-store", "file", "apply", "-y")
		said, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(said); line > 0 && lines.Scan(); line-- {
		}
		_ = cmd.Process.Kill()
		_, _ = io.Copy(io.Discard, said)
		_ = cmd.Wait()
		c.must("apply", "-y")
		c.must("plan", "--detailed-exitcode")
		if now := names(); !slices.Equal(all, now) {
			t.Errorf("after a kill: %v", now)
		}
	}

	before := c.ids()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	moved := slices.Clone(ports)
	moved[twenty-1] = taken.Addr().(*net.TCPAddr).Port
	write("second", moved)
	out, err := c.command("minibot", "--secret-store", "file", "apply", "-y").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is held by another program") {
		t.Errorf("%v\n%s", err, out)
	}
	for service, id := range c.ids() {
		if before[service] != id {
			t.Errorf("%s was touched", service)
		}
	}
	if now := names(); !slices.Equal(all, now) {
		t.Errorf("with a port taken: %v", now)
	}
	write("second", ports)
	c.must("apply", "-y")
}
