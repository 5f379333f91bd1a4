package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/google/go-cmp/cmp"

	"minibot/internal/testbed"
)

// composed is a folder with a spec, minibot and docker compose.
type composed struct {
	*testing.T
	engine              *testbed.Engine
	dir, compose, stack string
	host                string // the engine's for minibot, if it is another one than for the test
}

func newComposed(t *testing.T, spec string, refs ...any) *composed {
	t.Helper()
	engine, _ := testbed.Require(t)
	compose, err := testbed.Compose(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	c := &composed{T: t, engine: engine, dir: t.TempDir(), compose: compose, stack: engine.Project(t)}
	text := fmt.Sprintf(spec, append([]any{c.stack}, refs...)...)
	if err := os.WriteFile(filepath.Join(c.dir, "minibot.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// must runs minibot, which must succeed, and returns all that it said.
func (c *composed) must(args ...string) string {
	c.Helper()
	return c.mustRun("minibot", append([]string{"--secret-store", "file"}, args...)...)
}

// composeUp runs docker compose on the rendered file, with the secrets in its environment.
func (c *composed) composeUp(args ...string) string {
	c.Helper()
	c.must("render", "-o", "docker-compose.yml")
	return c.must(append([]string{"run", "--", c.compose, "--progress", "plain", "up", "-d", "--wait"}, args...)...)
}

// composeQuiet runs docker compose on the rendered file, as a command that only asks must do.
func (c *composed) composeQuiet(args ...string) string {
	c.Helper()
	said := c.must(append([]string{"run", "--", c.compose, "--progress", "plain"}, args...)...)
	if strings.Contains(said, "level=warning") || strings.Contains(said, "doesn't match configuration") {
		c.Errorf("docker compose %s warns:\n%s", strings.Join(args, " "), said)
	}
	return said
}

func (c *composed) mustRun(name string, args ...string) string {
	c.Helper()
	var out bytes.Buffer
	cmd := c.command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		c.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, &out)
	}
	return out.String()
}

func (c *composed) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.Context(), name, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "MINIBOT_SECRETS_DIR="+filepath.Join(c.dir, "secrets"))
	if c.host != "" {
		cmd.Env = append(cmd.Env, "DOCKER_HOST="+c.host)
	}
	return cmd
}

// containers are the stack's, by service.
func (c *composed) containers() map[string]container.Summary {
	c.Helper()
	list, err := c.engine.Client.ContainerList(c.Context(), container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", "com.docker.compose.project="+c.stack)),
	})
	if err != nil {
		c.Fatal(err)
	}
	all := map[string]container.Summary{}
	for _, one := range list {
		all[one.Labels["com.docker.compose.service"]] = one
	}
	if len(all) != len(list) {
		c.Errorf("%d containers for %d services", len(list), len(all))
	}
	return all
}

// ids tell whether a container was made anew, by service.
func (c *composed) ids() map[string]string {
	c.Helper()
	ids := map[string]string{}
	for service, one := range c.containers() {
		ids[service] = one.ID
	}
	return ids
}

// composeLabels are all that compose keeps in the stack's labels, but for where the file lies.
func (c *composed) composeLabels() map[string]map[string]string {
	c.Helper()
	all := map[string]map[string]string{}
	keep := func(name string, labels map[string]string) {
		all[name] = map[string]string{}
		for label, value := range labels {
			if strings.HasPrefix(label, "com.docker.compose.") && !strings.HasPrefix(label, "com.docker.compose.project.") {
				all[name][label] = value
			}
		}
	}
	for service, one := range c.containers() {
		keep("service "+service, one.Labels)
	}
	ours := filters.NewArgs(filters.Arg("label", "com.docker.compose.project="+c.stack))
	networks, err := c.engine.Client.NetworkList(c.Context(), network.ListOptions{Filters: ours})
	if err != nil {
		c.Fatal(err)
	}
	for _, n := range networks {
		keep("network "+n.Name, n.Labels)
	}
	volumes, err := c.engine.Client.VolumeList(c.Context(), volume.ListOptions{Filters: ours})
	if err != nil {
		c.Fatal(err)
	}
	for _, v := range volumes.Volumes {
		keep("volume "+v.Name, v.Labels)
		delete(all["volume "+v.Name], "com.docker.compose.config-hash") // compose's alone, see networkHash
	}
	return all
}

const composedSpec = `name = %[1]q

network "%[1]s-net" {}

secret "PASSWORD" {}

service "redis" {
  # No user: compose asks engines before 21 for the user's name, and they know none for a number.
  image      = %[2]q
  entrypoint = ["redis-server", "/etc/redis.conf"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  file "/etc/redis.conf" { content = "requirepass ${secret.PASSWORD.value}\ndir /data\n" }
  env = { PASSWORD_FILE = secret.PASSWORD.file }
  volume "data" { target = "/data" }
  healthcheck {
    test     = ["CMD-SHELL", "redis-cli ping | grep -qE 'PONG|NOAUTH'"]
    interval = "1s"
  }
}
`

// The rendered file works with plain docker compose, when minibot run puts the secrets into
// its environment.
func TestRunCompose(t *testing.T) {
	_, refs := testbed.Require(t)
	c := newComposed(t, composedSpec, refs.Redis)
	c.must("secret", "generate")
	c.composeUp()
	lines := strings.Fields(c.must("run", "--", "printenv", "PASSWORD")) // after the warnings
	value := lines[len(lines)-1]
	got := c.mustRun("docker", "exec", c.stack+"-redis", "sh", "-c", `cat "$PASSWORD_FILE"; stat -c ' %u:%g %a' "$PASSWORD_FILE"; redis-cli ping; cat /etc/redis.conf`)
	want := value + " 0:0 400\nNOAUTH Authentication required.\n\nrequirepass " + value + "\ndir /data\n"
	if got != want {
		t.Errorf("compose delivered\n%s", strings.ReplaceAll(got, value, "VALUE"))
	}
	if inspected := c.mustRun("docker", "inspect", c.stack+"-redis"); strings.Contains(inspected, value) {
		t.Error("docker inspect shows the value")
	}
	if text, err := os.ReadFile(filepath.Join(c.dir, "docker-compose.yml")); err != nil || bytes.Contains(text, []byte(value)) {
		t.Errorf("the rendered file holds the value (%v)", err)
	}
}

// interopSpec has all that docker compose looks at when it decides whether to leave a container alone.
const interopSpec = `name = %[1]q

network "%[1]s-net" {}
network "%[1]s-back" { internal = true }

secret "PASSWORD" {}

service "cache" {
  # No user: compose asks engines before 21 for the user's name, and they know none for a number.
  image      = %[2]q
  entrypoint = ["redis-server", "/etc/redis.conf"]
  networks   = ["%[1]s-net", "%[1]s-back"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  bind {
    port      = 6379
    published = %[3]d
  }
  file "/etc/redis.conf" { content = "requirepass ${secret.PASSWORD.value}\ndir /data\n" }
  env = {
    PASSWORD_FILE = secret.PASSWORD.file
    PRICE         = "5$ $${HOME} <&>"
  }
  labels = { team = "a$b" }
  volume "data" { target = "/data" }
  ulimit "nofile" {
    soft = 1024
    hard = 2048
  }
  extra_hosts       = ["b.internal:127.0.0.1", "a.internal:127.0.0.2"]
  hostname          = "cache"
  stop_grace_period = "5s"
  healthcheck {
    test     = ["CMD-SHELL", "redis-cli ping | grep -qE 'PONG|NOAUTH'"]
    interval = "1s"
  }
}

service "vault" {
  image      = %[2]q
  user       = "999:999"
  entrypoint = ["redis-server", "/run/secrets/redis.conf"]
  networks   = ["%[1]s-back"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  read_only = true
  init      = true
  tmpfs     = ["/data:uid=999,gid=999,mode=0700"]
  file "/run/secrets/redis.conf" { content = "requirepass ${secret.PASSWORD.value}\ndir /data\n" }
  env = { PASSWORD_FILE = secret.PASSWORD.file }
  depends_on "cache" {}
}
`

// Docker compose, run on the rendered file after minibot, changes nothing, and its other commands see
// a project of its own.
func TestComposeAfterApply(t *testing.T) {
	_, refs := testbed.Require(t)
	c := newComposed(t, interopSpec, refs.Redis, freePort(t))
	c.must("apply", "-y")
	c.must("render", "-o", "docker-compose.yml")
	before, labels := c.ids(), c.composeLabels()
	proxy, err := testbed.NewProxy(c.engine.Host, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	t.Setenv("DOCKER_HOST", proxy.Host())
	c.composeQuiet("up", "-d")
	c.composeQuiet("up", "-d", "--wait")
	if proxy.Writes() > 0 || len(proxy.Calls()) == 0 {
		t.Errorf("compose up wrote: %v", proxy.Calls())
	}
	t.Setenv("DOCKER_HOST", c.engine.Host)
	if diff := cmp.Diff(before, c.ids()); diff != "" {
		t.Errorf("containers (-before +after compose up):\n%s", diff)
	}

	got := c.composeQuiet("ps", "--format", "{{.Service}} is {{.State}} {{.Health}}.")
	if !strings.Contains(got, "cache is running healthy.") || !strings.Contains(got, "vault is running .") {
		t.Errorf("ps: %s", got)
	}
	// It warns of every container in the engine that does not say where its file lies.
	if got := c.must("run", "--", c.compose, "ls", "--filter", "name="+c.stack); !strings.Contains(got, "running(2)") {
		t.Errorf("ls: %s", got)
	}
	if got := c.composeQuiet("logs"); !strings.Contains(got, "-cache  |") || !strings.Contains(got, "-vault  |") {
		t.Errorf("logs: %s", got)
	}

	c.composeQuiet("stop")
	for service, one := range c.containers() {
		if one.State != "exited" {
			t.Errorf("after compose stop %s is %s", service, one.State)
		}
	}
	if got := c.must("plan"); !strings.Contains(got, "2 to start") {
		t.Errorf("after compose stop:\n%s", got)
	}
	// With the file at hand compose would deliver the files again, and it refuses to where a root file
	// system is read-only. By the project's name it only starts what is there.
	c.mustRun(c.compose, "--project-directory", t.TempDir(), "-p", c.stack, "start")
	if got := c.must("plan"); !strings.Contains(got, "No changes") {
		t.Errorf("after compose stop and start:\n%s", got)
	}
	if diff := cmp.Diff(before, c.ids()); diff != "" {
		t.Errorf("containers (-before +after compose stop and start):\n%s", diff)
	}

	c.composeQuiet("down")
	left := c.composeLabels()
	for name := range left {
		if !strings.HasPrefix(name, "volume ") {
			t.Errorf("compose down left %s", name)
		}
	}
	if len(left) != 2 {
		t.Errorf("%d volumes after compose down, want 2", len(left))
	}

	c.composeQuiet("down", "--volumes")
	c.composeQuiet("up", "--no-start") // all by itself: it starts nothing, and so delivers nothing
	if diff := cmp.Diff(c.composeLabels(), labels); diff != "" {
		t.Errorf("labels (-docker compose +minibot):\n%s", diff)
	}
	c.must("destroy", "-y")
}

// What docker compose made minibot takes for what it is: another's, as the spec says in all that can
// be seen. It is left alone.
func TestPlanAfterCompose(t *testing.T) {
	_, refs := testbed.Require(t)
	c := newComposed(t, composedSpec, refs.Redis)
	c.must("apply", "-y")
	first := c.ids()
	file := filepath.Join(c.dir, "minibot.hcl")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "env = {", `env = { PRICE = "5$",`, 1)
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	c.composeUp()
	second := c.ids()
	if first["redis"] == second["redis"] {
		t.Fatal("compose up left the container alone, and the service had changed")
	}
	for _, path := range c.causes() {
		if path != "labels.dev.minibot.applied" {
			t.Errorf("the plan after compose up names %s", path)
		}
	}
	c.must("apply", "-y")
	if diff := cmp.Diff(second, c.ids()); diff != "" {
		t.Errorf("containers (-before +after minibot apply):\n%s", diff)
	}
}

// causes are the paths of all that the plan gives as a reason.
func (c *composed) causes() []string {
	c.Helper()
	out, err := c.command("minibot", "--secret-store", "file", "plan", "--json").Output()
	if err != nil {
		c.Fatalf("minibot plan: %v", err)
	}
	var plan struct {
		Steps []struct{ Causes []struct{ Path string } }
	}
	if err := json.Unmarshal(out, &plan); err != nil {
		c.Fatalf("minibot plan: %v\n%s", err, out)
	}
	var paths []string
	for _, step := range plan.Steps {
		for _, cause := range step.Causes {
			paths = append(paths, cause.Path)
		}
	}
	return paths
}
