package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"minibot/internal/testbed"
)

// composed is a folder with a spec, minibot and docker compose.
type composed struct {
	*testing.T
	dir, compose, stack string
}

func newComposed(t *testing.T, spec string, refs ...any) *composed {
	t.Helper()
	engine, _ := testbed.Require(t)
	compose, err := testbed.Compose(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	c := &composed{T: t, dir: t.TempDir(), compose: compose, stack: engine.Project(t)}
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

func (c *composed) mustRun(name string, args ...string) string {
	c.Helper()
	cmd := exec.CommandContext(c.Context(), name, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "MINIBOT_SECRETS_DIR="+filepath.Join(c.dir, "secrets"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		c.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, &out)
	}
	return out.String()
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
