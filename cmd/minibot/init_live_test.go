package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/internal/testbed"
)

// Of two services one has all that a container of minibot has, and the other what compose gives by itself.
const adoptedCompose = `
services:
  cache:
    image: $REDIS
    command: ["redis-server", "--save", "", "--requirepass", "c4nary-Redis9"]
    ports: ["127.0.0.1:$PORT:6379"]
    security_opt: ["no-new-privileges:true"]
    ulimits: { core: 0 }
    mem_limit: 64m
    memswap_limit: 64m
    cpus: 0.5
    pids_limit: 256
    logging: { driver: json-file, options: { max-size: 10m, max-file: "3" } }
    volumes: [cache:/data]
    networks: [safe]
    environment: { APP_TOKEN: "c4nary-Token$$9", GREETING: "5$$", KEY_FILE: /run/secrets/app_key }
    secrets: [app_key]
    healthcheck: { test: ["CMD-SHELL", "redis-cli ping | grep -q NOAUTH"], interval: 1s, retries: 20 }
  db:
    image: $POSTGRES
    environment: { POSTGRES_PASSWORD: c4nary-Pg99, POSTGRES_USER: app }
    volumes: [db:/var/lib/postgresql/data]
    depends_on: [cache]
    networks: [safe, default]
    healthcheck: { test: ["CMD", "pg_isready", "-U", "app", "-h", "127.0.0.1"], interval: 1s, retries: 30 }
networks:
  safe:
    driver_opts: { com.docker.network.bridge.host_binding_ipv4: 127.0.0.1 }
volumes:
  cache:
  db:
secrets:
  app_key: { environment: APP_KEY }
`

// A project that docker compose made is adopted: what fits is left alone, what does not is said and keeps its data.
func TestAdopt(t *testing.T) {
	_, refs := testbed.Require(t)
	c := newComposed(t, "# to be written, for %[1]q\n")
	spec := filepath.Join(c.dir, "minibot.hcl")
	if err := os.Remove(spec); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("$REDIS", refs.Redis, "$POSTGRES", refs.Postgres, "$PORT", fmt.Sprint(freePort(t))).Replace(adoptedCompose)
	if err := os.WriteFile(filepath.Join(c.dir, "docker-compose.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	up := c.command(c.compose, "-p", c.stack, "--progress", "plain", "up", "-d", "--wait")
	up.Env = append(up.Env, "APP_KEY=c4nary-Key9")
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("compose up: %v\n%s", err, out)
	}
	c.mustRun("docker", "exec", c.stack+"-db-1", "psql", "-h", "127.0.0.1", "-U", "app", "-c", "CREATE TABLE kept (x int)")
	before := c.ids()

	said := c.must("init", "--from-live", c.stack)
	for _, want := range []string{
		"replace; the old one is kept until the new one is healthy", "security_opt", "Made anew, each with a short stop: db.",
		"sed -n 's/^APP_TOKEN=//p' | minibot secret set APP_TOKEN",
		"docker cp " + c.stack + "-cache-1:/run/secrets/app_key - | tar -xO | minibot secret set app_key",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("init does not say %q:\n%s", want, said)
		}
	}
	written, err := os.ReadFile(spec)
	if err != nil || strings.Contains(string(written)+said, "c4nary") {
		t.Errorf("a secret's value is written (%v):\n%s\n%s", err, written, said)
	}
	c.must("validate")
	if diff := cmp.Diff(before, c.ids()); diff != "" {
		t.Errorf("init touched containers (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"create network " + c.stack + "-net", "replace service db"}, c.steps()); diff != "" {
		t.Errorf("the plan (-want +got):\n%s", diff)
	}

	// What it says to do is done as it says it.
	set := 0
	for _, command := range c.nextOf(said) {
		if strings.Contains(command, "|") {
			c.shell(strings.Replace(command, "minibot secret", "minibot --secret-store file secret", 1))
			set++
		}
	}
	if set != 3 {
		t.Errorf("%d commands take a secret out of a container, want 3:\n%s", set, said)
	}
	c.shell("printf c4nary-Redis9 | minibot --secret-store file secret set CACHE_REQUIREPASS")
	c.must("apply", "-y")
	after := c.ids()
	if after["cache"] != before["cache"] || after["db"] == before["db"] {
		t.Errorf("before %v, after %v: want the same cache and another db", before, after)
	}
	if got := c.mustRun("docker", "exec", c.stack+"-db-1", "psql", "-h", "127.0.0.1", "-U", "app", "-tc", "SELECT count(*) FROM kept"); !strings.Contains(got, "0") {
		t.Errorf("the data of db: %s", got)
	}
	if got := c.steps(); len(got) > 0 {
		t.Errorf("after apply: %v", got)
	}

	// Made anew by minibot, the other one gets the same secrets.
	c.must("apply", "-y", "--replace", "cache")
	if got := c.mustRun("docker", "exec", c.stack+"-cache-1", "sh", "-c", `cat "$KEY_FILE"; echo; echo "$APP_TOKEN $GREETING"`); got != "c4nary-Key9\nc4nary-Token$9 5$\n" {
		t.Errorf("cache has %q", got)
	}
	if said, err := c.command("minibot", "init", "--from-live", c.stack, "-f", "again.hcl").CombinedOutput(); err == nil || !strings.Contains(string(said), "minibot made it") {
		t.Errorf("a stack of minibot's own: %v\n%s", err, said)
	}
	if said, err := c.command("minibot", "init", "--from-live", "nobody", "-f", "again.hcl").CombinedOutput(); err == nil || !strings.Contains(string(said), `there is no compose project "nobody" with containers; there are `) {
		t.Errorf("a project that there is not: %v\n%s", err, said)
	}
}

// steps are what apply would do.
func (c *composed) steps() []string {
	c.Helper()
	out, err := c.command("minibot", "--secret-store", "file", "plan", "--json").Output()
	if err != nil {
		c.Fatalf("minibot plan: %v", err)
	}
	var plan struct {
		Steps []struct{ Kind, Object, Name string }
	}
	if err := json.Unmarshal(out, &plan); err != nil {
		c.Fatal(err)
	}
	var all []string
	for _, step := range plan.Steps {
		all = append(all, step.Kind+" "+step.Object+" "+step.Name)
	}
	return all
}

// nextOf are the commands that init lists, each on one line or on two.
func (c *composed) nextOf(said string) []string {
	_, list, _ := strings.Cut(said, "\nNext:\n")
	var all []string
	for line := range strings.Lines(list) {
		command := strings.TrimSpace(strings.Split(line, " # ")[0])
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "#"):
		case strings.HasPrefix(line, "    ") && len(all) > 0:
			all[len(all)-1] += " " + command
		default:
			all = append(all, command)
		}
	}
	return all
}

func (c *composed) shell(line string) {
	c.Helper()
	if out, err := c.command("sh", "-c", line).CombinedOutput(); err != nil {
		c.Fatalf("%s: %v\n%s", line, err, out)
	}
}
