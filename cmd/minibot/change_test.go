package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minibot/golden"
	"minibot/internal/plan"
	"minibot/internal/testbed"
)

const changeSpec = `name = %[1]q

network "%[1]s-net" {}

network "%[1]s-other" {}

secret "PASSWORD" {}

secret "OTHER" {}

service "web" {
  image    = %[2]q # image
  user     = "999:999" # user
  command  = ["redis-server", "--save", ""] # command
  networks = ["%[1]s-net"] # networks
  tmpfs    = ["/data"] # tmpfs
  limits {
    memory = "64MB" # memory
    cpus   = 0.5 # cpus
  }
  file "/etc/web.conf" {
    content = "one"
    # file
  }
  env = {
    PASSWORD_FILE = secret.PASSWORD.file
    # env
  }
  bind {
    port      = 6379
    published = %[3]d # published
    # bind
  }
  # more
}

service "other" {
  image    = %[2]q
  user     = "999:999"
  command  = ["redis-server", "--save", ""]
  networks = ["%[1]s-net"]
  tmpfs    = ["/data"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
}
`

// changes says for every attribute of a service what becomes of a running container when it
// changes: nothing, an update in place, or a replacement. Where old is empty, new is added.
var changes = map[string]struct {
	old, new string
	kind     plan.Kind
}{
	"bind.host_ip":         {`# bind`, `host_ip = "127.0.0.2"`, plan.Replace},
	"bind.port":            {`port      = 6379`, `port      = 6380`, plan.Replace},
	"bind.protocol":        {`# bind`, `protocol = "udp"`, plan.Replace},
	"bind.published":       {`PORT # published`, `PORT2`, plan.Replace},
	"cap_add":              {"", `cap_add = ["CHOWN"]`, plan.Replace},
	"cap_drop":             {"", `cap_drop = ["NET_RAW"]`, plan.Replace},
	"command":              {`""] # command`, `"60 1"]`, plan.Replace},
	"container_name":       {"", `container_name = "STACK-renamed"`, plan.Update},
	"depends_on.condition": {"", `depends_on "other" { condition = "service_started" }`, ""},
	"depends_on.restart":   {"", `depends_on "other" { restart = true }`, ""},
	"dns":                  {"", `dns = ["127.0.0.11"]`, plan.Replace},
	"entrypoint":           {"", `entrypoint = ["env"]`, plan.Replace},
	"env":                  {`# env`, `MORE = "1"`, plan.Replace},
	"extra_hosts":          {"", `extra_hosts = ["db:10.0.0.1"]`, plan.Replace},
	"file.content":         {`content = "one"`, `content = "two"`, plan.Replace},
	"file.gid":             {`# file`, `gid = 33`, plan.Replace},
	"file.mode":            {`# file`, `mode = "0440"`, plan.Replace},
	"file.uid": {`# file`, `uid = 33
    mode = "0444"`, plan.Replace},
	"group_add":                {"", `group_add = ["33"]`, plan.Replace},
	"healthcheck.interval":     {"", "healthcheck {\n    test = [\"CMD\", \"true\"]\n    interval = \"1s\"\n  }", plan.Replace},
	"healthcheck.retries":      {"", "healthcheck {\n    test = [\"CMD\", \"true\"]\n    interval = \"1s\"\n    retries = 7\n  }", plan.Replace},
	"healthcheck.start_period": {"", "healthcheck {\n    test = [\"CMD\", \"true\"]\n    interval = \"1s\"\n    start_period = \"2s\"\n  }", plan.Replace},
	"healthcheck.test":         {"", "healthcheck {\n    test = [\"CMD\", \"redis-cli\", \"ping\"]\n    interval = \"1s\"\n  }", plan.Replace},
	"healthcheck.timeout":      {"", "healthcheck {\n    test = [\"CMD\", \"true\"]\n    interval = \"1s\"\n    timeout = \"3s\"\n  }", plan.Replace},
	"hostname":                 {"", `hostname = "somewhere"`, plan.Replace},
	"image":                    {`IMAGE # image`, `OTHERIMAGE`, plan.Replace},
	"init":                     {"", `init = true`, plan.Replace},
	"labels":                   {"", `labels = { colour = "red" }`, plan.Replace},
	"limits.cpus":              {`0.5 # cpus`, `0.25`, plan.Update},
	"limits.memory":            {`"64MB" # memory`, `"96MB"`, plan.Update},
	"limits.pids": {`0.5 # cpus`, `0.5
    pids   = 100`, plan.Update},
	"logging.driver":  {"", `logging { driver = "none" }`, plan.Replace},
	"logging.options": {"", "logging {\n    driver = \"json-file\"\n    options = { max-size = \"5m\" }\n  }", plan.Replace},
	"mount.read_only": {"", "mount {\n    source = \"DIR\"\n    target = \"/zones\"\n    read_only = true\n  }", plan.Replace},
	"mount.source":    {"", "mount {\n    source = \"DIR\"\n    target = \"/zones\"\n  }", plan.Replace},
	"mount.target":    {"", "mount {\n    source = \"DIR\"\n    target = \"/elsewhere\"\n  }", plan.Replace},
	"networks":        {`["STACK-net"] # networks`, `["STACK-net", "STACK-other"]`, plan.Update},
	"platform":        {"", `platform = "linux/amd64"`, plan.Replace},
	"pull_policy":     {``, `pull_policy = "never"`, ""},
	"read_only": {`file "/etc/web.conf" {
    content = "one"
    # file
  }`, `read_only = true`, plan.Replace},
	"restart":     {"", `restart = "on-failure:3"`, plan.Update},
	"secret.env":  {`# env`, `PASSWORD = secret.OTHER.value`, plan.Replace},
	"secret.file": {"secret.PASSWORD.file", "secret.OTHER.file", plan.Replace},
	"secret.read_only": {`file "/etc/web.conf" {
    content = "one"
    # file
  }`, `read_only = true`, plan.Replace},
	"shm_size":          {"", `shm_size = "128MB"`, plan.Replace},
	"stop_grace_period": {"", `stop_grace_period = "3s"`, plan.Replace},
	"stop_signal":       {"", `stop_signal = "SIGINT"`, plan.Replace},
	"tmpfs":             {`["/data"] # tmpfs`, `["/data", "/tmp"]`, plan.Replace},
	"ulimit.core":       {"", `ulimit "core" { soft = 1000 }`, plan.Replace},
	"ulimit.hard":       {"", "ulimit \"nofile\" {\n    soft = 1000\n    hard = 2000\n  }", plan.Replace},
	"ulimit.soft":       {"", `ulimit "nofile" { soft = 1000 }`, plan.Replace},
	"user":              {`"999:999" # user`, `"998:998"`, plan.Replace},
	"volume.read_only":  {"", "volume \"more\" {\n    target = \"/more\"\n    read_only = true\n  }", plan.Replace},
	"volume.target":     {"", `volume "more" { target = "/more" }`, plan.Replace},
	"working_dir":       {"", `working_dir = "/usr"`, plan.Replace},
}

// The least step is taken for each attribute: what an engine can change in a running
// container is changed without a restart, the rest makes a new container, and afterwards
// nothing is left to do.
func TestEveryChange(t *testing.T) {
	t.Parallel()
	_, refs := testbed.Require(t)
	for _, c := range golden.Cases(t, "render") {
		if name, ok := strings.CutPrefix(c.Name, "service."); ok {
			if _, known := changes[name]; !known {
				t.Errorf("nothing says what a change of %s does to a running container: add it to changes", name)
			}
		}
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newComposed(t, changeSpec, refs.Redis, freePort(t))
			file := filepath.Join(c.dir, "minibot.hcl")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			base := string(text)
			_, after, _ := strings.Cut(base, "published = ")
			port, _, _ := strings.Cut(after, " ")
			fill := strings.NewReplacer("DIR", c.dir, "STACK", c.stack, "OTHERIMAGE", fmt.Sprintf("%q", c.stack+":other"), "IMAGE", fmt.Sprintf("%q", refs.Redis), "PORT2", fmt.Sprint(freePort(t)), "PORT", port)
			old, with := fill.Replace(change.old), fill.Replace(change.new)
			if old == "" {
				old = "# more"
			}
			if strings.Count(base, old) != 1 {
				t.Fatalf("%q stands %d times in the spec", old, strings.Count(base, old))
			}
			if name == "image" {
				c.mustRun("docker", "tag", refs.Redis, c.stack+":other")
				t.Cleanup(func() { _ = sweep(c.engine, c.stack) })
			}
			c.must("apply", "-y")
			before := c.mustRun("docker", "inspect", "-f", "{{.Id}} {{.State.StartedAt}}", c.stack+"-web")
			if err := os.WriteFile(file, []byte(strings.Replace(base, old, with, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := c.kindOf("web"); got != change.kind {
				t.Errorf("the plan says %q, want %q", got, change.kind)
			}
			c.must("apply", "-y")
			container := c.stack + "-web"
			if name == "container_name" {
				container = c.stack + "-renamed"
			}
			same := before == c.mustRun("docker", "inspect", "-f", "{{.Id}} {{.State.StartedAt}}", container)
			if same != (change.kind != plan.Replace) {
				t.Errorf("it is the same container, not restarted: %t", same)
			}
			c.must("plan", "--detailed-exitcode")
			c.must("destroy", "-y")
		})
	}
}

// kindOf is what the plan does with a service.
func (c *composed) kindOf(service string) plan.Kind {
	c.Helper()
	out, err := c.command("minibot", "--secret-store", "file", "plan", "--json").Output()
	if err != nil {
		c.Fatalf("plan: %v", err)
	}
	var p plan.Plan
	if err := json.Unmarshal(out, &p); err != nil {
		c.Fatal(err)
	}
	for _, step := range p.Steps {
		if step.Object == "service" && step.Name == service {
			return step.Kind
		}
	}
	return ""
}
