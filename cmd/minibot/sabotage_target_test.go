package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/client"

	"minibot/internal/testbed"
	"minibot/verify"
)

// machine is an engine on a machine of its own, with a neighbour on its LAN.
type machine struct {
	*testbed.Private
	neighbour *testbed.Neighbour
	shared    *testbed.Engine // which has the images
	refs      testbed.Refs
	networks  sync.RWMutex // held by who makes networks, and shared by who verifies
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	shared, refs := testbed.Require(t)
	m := &machine{Private: testbed.RequirePrivate(t), shared: shared, refs: refs}
	var err error
	if m.neighbour, err = m.Neighbour(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.neighbour.Close)
	if err := m.Load(t.Context(), shared, refs.Redis); err != nil {
		t.Fatal(err)
	}
	return m
}

// target is a live stack that is what its spec says.
type target struct {
	testing.TB
	ctx     context.Context
	machine *machine
	api     *client.Client
	host    string // of its engine
	stack   string
	image   string // of its redis, a tag of its own
	port    string // of its redis, on 127.0.0.1
	dir     string
	vars    []string
	looks   []string // more arguments of minibot verify
	wrap    []string // program and arguments that start minibot, if it is not started by itself
	clean   verify.Report
}

// boxSpec is a stack as small as can be: one Redis, with all that the reference has but a healthcheck, for which
// nobody has to wait then.
const boxSpec = `name = %[1]q

network "%[1]s-net" { masquerade = false }

secret "PASSWORD" {}

service "redis" {
  image     = %[2]q
  user      = "999:999"
  command   = ["redis-server", "/run/secrets/redis.conf"]
  read_only = true
  tmpfs     = ["/tmp"]
  bind {
    port      = 6379
    published = %[3]s
  }
  limits {
    memory = "64MB"
    cpus   = 0.5
    pids   = 64
  }
  file "/run/secrets/redis.conf" { content = "requirepass ${secret.PASSWORD.value}\ndir /data\n" }
  volume "data" { target = "/data" }
  auth "redis" { password = secret.PASSWORD.value }
}

accept "stack.service.healthy" {
  service = "redis"
  reason  = "it is sabotaged too often to wait for its health"
}

host {
  updates    = false # of the machine that the tests run on
  min_engine = "20.10.0"
  min_runc   = "1.1.0"
}

remote "tailscale" { required = false }
`

// box brings up the i-th small stack.
func (m *machine) box(t testing.TB, i int) *target {
	t.Helper()
	x := m.target(t, fmt.Sprintf("box%d", i))
	x.image = x.stack + ".test/redis:7"
	x.must(x.api.ImageTag(x.ctx, m.refs.Redis, x.image))
	x.port = fmt.Sprint(7100 + i)
	x.spec(fmt.Sprintf(boxSpec, x.stack, x.image, x.port))
	x.minibot(exitDone, "", "apply", "-y")
	x.begin()
	return x
}

// reference describes the example's stack as it is, but that the health of those that are made anew is asked for more
// often, and brings it up.
func (m *machine) reference(t testing.TB) *target {
	t.Helper()
	x := m.target(t, "minibot")
	x.image, x.port, x.vars = m.refs.Redis, "6379", []string{"-var", "trial=true"}
	x.must(m.Load(x.ctx, m.shared, m.refs.Postgres, m.refs.Mongo, m.refs.OpenClaw))
	example, err := os.ReadFile(filepath.Join("..", "..", "minibot.hcl.example"))
	x.must(err)
	often := regexp.MustCompile(`interval( +)= "5s"`).ReplaceAllString(string(example), `interval$1= "1s"`)
	x.spec(regexp.MustCompile(`retries( +)= \d+`).ReplaceAllString(often, `retries$1= 90`))
	for name, ref := range map[string]string{"postgres": m.refs.Postgres, "redis": m.refs.Redis, "mongo": m.refs.Mongo, "openclaw": m.refs.OpenClaw} {
		x.vars = append(x.vars, "-var", name+"_image="+ref)
	}
	for _, name := range []string{"ANTHROPIC_API_KEY", "TELEGRAM_BOT_TOKEN"} {
		x.minibot(exitDone, "nobody-is-called-with-this", "secret", "set", name)
	}
	x.minibot(exitDone, "", "apply", "-y")
	x.ready()
	return x
}

// ready waits until OpenClaw has started up. That it is live it says earlier, and then it may not answer for seconds. Not
// /readyz: that waits for Telegram, which is not there.
func (x *target) ready() {
	x.Helper()
	web := http.Client{Transport: &http.Transport{DialContext: x.machine.Dial, DisableKeepAlives: true}}
	x.until("OpenClaw has started up", func() bool {
		answer, err := web.Get("http://127.0.0.1:18789/startupz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

func (m *machine) target(t testing.TB, stack string) *target {
	t.Helper()
	return &target{TB: t, ctx: t.Context(), machine: m, api: m.Client, host: m.Host, stack: stack, dir: t.TempDir()}
}

// in is the stack for a test within the one that brought it up.
func (x *target) in(t testing.TB) *target {
	within := *x
	within.TB, within.ctx = t, t.Context()
	return &within
}

func (x *target) spec(text string) {
	x.Helper()
	x.must(os.WriteFile(filepath.Join(x.dir, "minibot.hcl"), []byte(text), 0o600))
}

func (x *target) must(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// begin remembers what verify says when nothing is wrong.
func (x *target) begin() {
	x.Helper()
	x.clean = x.verify()
	for _, r := range x.clean.Results {
		if r.Status == verify.Fail && r.Accepted == "" || r.Status == verify.Error {
			x.Errorf("nothing is wrong, but: %s", line(r))
		}
	}
}

// minibot runs the program on the engine's machine. It must end with that code.
func (x *target) minibot(code int, stdin string, args ...string) []byte {
	x.Helper()
	out, got := x.exec(stdin, args...)
	if got != code {
		x.Fatalf("minibot %s: exit code %d, want %d", strings.Join(args, " "), got, code)
	}
	return out
}

func (x *target) exec(stdin string, args ...string) (stdout []byte, code int) {
	x.Helper()
	argv := slices.Concat(x.wrap, []string{"minibot", "--secret-store", "file"}, x.vars, args)
	cmd := exec.CommandContext(x.ctx, argv[0], argv[1:]...)
	cmd.Dir = x.dir
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+x.host, "MINIBOT_SECRETS_DIR="+filepath.Join(x.dir, "secrets"))
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &said
	err := x.machine.Inside(cmd.Run)
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		x.Fatalf("minibot %s: %v", strings.Join(args, " "), err)
	} else if ok && exit.ExitCode() != exitDiffers {
		x.Logf("minibot %s: %v\n%s", strings.Join(args, " "), err, &said)
	}
	return out.Bytes(), cmd.ProcessState.ExitCode()
}

// verify is what minibot verify reports. Its exit code must be as the report says.
func (x *target) verify() verify.Report {
	x.Helper()
	report, code := x.report()
	want := exitDone
	switch {
	case report.Failed():
		want = exitDiffers
	case report.Incomplete():
		want = exitError
	}
	if code != want {
		x.Errorf("verify: exit code %d with %+v", code, report.Summary)
	}
	return report
}

// report runs minibot verify on a machine that has no way to the internet.
func (x *target) report() (report verify.Report, code int) {
	x.Helper()
	x.machine.networks.RLock()
	defer x.machine.networks.RUnlock()
	out, code := x.look()
	if err := json.Unmarshal(out, &report); err != nil {
		x.Fatalf("verify: %v\n%s", err, out)
	}
	return report, code
}

// look is report as it is printed. Tests run side by side: a service may be slow.
func (x *target) look() (printed []byte, code int) {
	x.Helper()
	return x.exec("", append([]string{"verify", "--json", "--offline", "--probe-timeout", "10s"}, x.looks...)...)
}
