package main

import (
	"bufio"
	"bytes"
	"cmp"
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
	"sync/atomic"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"minibot/internal/testbed"
)

// fault is what happens at one write call of minibot to the engine.
type fault struct {
	name    string
	verdict testbed.Verdict
	// kill is when minibot is killed with kill -9: never, before the engine hears of the call,
	// while it is at it, or once it has answered.
	kill when
	// long says that it happens only at calls which take the engine a while.
	long bool
	// strike is what befalls the engine before the call is dealt with.
	strike func()
	// over waits until that is over.
	over func(t *testing.T)
}

type when int

const (
	never when = iota
	before
	meanwhile
	after
)

// faults are all of them. Each happens at every write call of every scenario.
var faults = []fault{
	{name: "answered 500", verdict: testbed.Fail500},
	{name: "answered 500 when done", verdict: testbed.FailAfter500},
	{name: "cut", verdict: testbed.Cut},
	{name: "cut meanwhile", verdict: testbed.CutEarly, long: true},
	{name: "cut when done", verdict: testbed.CutAfter},
	{name: "killed", verdict: testbed.Cut, kill: before},
	{name: "killed meanwhile", verdict: testbed.CutEarly, kill: meanwhile, long: true},
	{name: "killed when done", verdict: testbed.Pass, kill: after},
}

// scenario is something that minibot does, to be disturbed.
type scenario struct {
	name string
	// ready brings about what is there before; for all but the cold start that is a stack that
	// is what its spec says.
	ready func(*disturbed)
	// args are what minibot is asked for, and code is how that ends undisturbed.
	args []string
	code int
	// may says that a service may be left without a container, because that is what is asked for.
	may bool
	// roams says that a service changes from one network to another.
	roams bool
	// then is what is done after the fault; nothing but one apply if it is nil.
	then func(*disturbed)
}

var scenarios = []scenario{
	{name: "rotation", args: []string{"secret", "rotate", "PASSWORD", "-y"}},
	{name: "cold start", args: []string{"apply", "-y"}, ready: (*disturbed).raze, may: true},
	{name: "failing successor", args: []string{"apply", "-y"}, code: exitUnhealthy, ready: func(d *disturbed) { d.describe("nonsense yes", 0) }, then: (*disturbed).again},
	{name: "failing successor, taken back", args: []string{"apply", "-y"}, code: exitUnhealthy, ready: func(d *disturbed) { d.describe("nonsense yes", 0) }},
	{name: "replace one", args: []string{"apply", "-y"}, ready: func(d *disturbed) { d.describe([]string{"loglevel notice", "loglevel warning"}[d.turn%2], 0) }},
	{name: "destroy", args: []string{"destroy", "-y"}, may: true},
	{name: "in place", roams: true, args: []string{"apply", "-y"}, ready: func(d *disturbed) { d.describe("", d.turn%2) }},
}

// Whatever happens to minibot or its connection at whichever write call: one apply brings
// everything to what the spec says, and on the way no volume is removed, no two containers of
// a service run at once, and none that had one is left without.
func TestFaults(t *testing.T) {
	t.Parallel()
	private := quiet(t)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var met, survived atomic.Int64
			t.Cleanup(func() { t.Logf("%s: survived %d of %d faults", s.name, survived.Load(), met.Load()) })
			for _, f := range faults {
				t.Run(f.name, func(t *testing.T) {
					t.Parallel()
					d := newDisturbed(t, private, s, f)
					defer func() { // a fault that it does not survive ends the test
						if t.Failed() {
							met.Add(1)
						}
					}()
					for call := 1; d.disturb(s, call); call++ {
						met.Add(1)
						survived.Add(1)
					}
				})
			}
		})
	}
}

// An engine that is restarted, or whose machine loses its power, in the middle of an apply: apply
// reports it, and the next one converges. What the engine starts by itself when it is back, as
// restart policies say, is never two containers of a service.
func TestEngineRestarted(t *testing.T) {
	t.Parallel()
	shared, refs := testbed.Require(t)
	for _, c := range []struct {
		name, policy string
		power        bool
		code         int
	}{
		{name: "restarted, always", policy: `restart = "always"`},
		{name: "without power, always", policy: `restart = "always"`, power: true},
		{name: "without power, always, failing successor", policy: `restart = "always"`, power: true, code: exitUnhealthy},
		{name: "without power, on-failure", policy: "restart = \"on-failure\"\n  stop_signal = \"SIGKILL\"", power: true}, // each stop is a failure
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			private := testbed.RequirePrivate(t)
			if err := private.Load(t.Context(), shared, refs.Redis); err != nil {
				t.Fatal(err)
			}
			d := &disturbed{T: t, engine: private, redis: refs.Redis, front: "volume \"front\" { target = \"/data\" }\n  " + c.policy}
			d.stack = private.Project(t)
			d.watch = newWatch(t, private.Engine, refs.Redis, d.stack)
			d.watch.ends = true
			back := make(chan error, 1)
			d.fault = fault{name: c.name, verdict: testbed.Cut}
			d.fault.strike = func() {
				if !c.power {
					go func() { back <- private.Restart(t.Context()) }()
					for _, err := private.Client.Ping(t.Context()); err == nil; _, err = private.Client.Ping(t.Context()) {
						time.Sleep(5 * time.Millisecond)
					}
					return
				}
				if err := private.Kill(); err != nil {
					t.Error(err)
				}
				go func() { back <- private.Start(t.Context()) }()
			}
			d.fault.over = func(t *testing.T) {
				t.Helper()
				if err := <-back; err != nil {
					t.Fatal(err)
				}
				d.watch.restarted()
			}
			d.begin()
			// A port would keep two from running, and let chance decide which does.
			replaceFront := scenario{args: []string{"apply", "-y"}, code: c.code, ready: func(d *disturbed) {
				if d.listen = fmt.Sprint(7000 + d.turn); c.code != exitDone {
					d.listen = "nonsense"
				}
				d.describe("", 0)
			}}
			survived := 0
			for d.disturb(replaceFront, survived+1) {
				survived++
			}
			t.Logf("%s: survived %d times", c.name, survived)
		})
	}
}

// quiet is an engine for tests that keep one busy for minutes, and whose events would make the
// shared one forget those of others.
func quiet(t *testing.T) *testbed.Private {
	t.Helper()
	shared, refs := testbed.Require(t)
	private := testbed.RequireQuick(t)
	if err := private.Load(t.Context(), shared, refs.Redis); err != nil {
		t.Fatal(err)
	}
	return private
}

func scenarioOf(t *testing.T, name string) scenario {
	t.Helper()
	i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })
	if i < 0 {
		t.Fatalf("no scenario %q", name)
	}
	return scenarios[i]
}

// disturbed is a stack whose minibot meets a fault.
type disturbed struct {
	*testing.T
	engine *testbed.Private
	proxy  *testbed.Proxy
	fault  fault
	watch  *watch
	stack  string
	dir    string
	port   int
	redis  string
	roams  bool   // its second service changes networks
	front  string // where its data goes, and when the engine starts it again; in memory if empty
	listen string // its port in the container; 6379 if empty
	turn   int
	seen   int    // calls that were looked at
	good   string // the spec that is in force when all is well

	mu    sync.Mutex
	left  int // write calls up to the one that the fault is for; 0 for none
	met   *testbed.Call
	cmd   *exec.Cmd
	ended chan struct{}
	dying bool          // no more writes reach the engine
	quiet chan struct{} // closed when the last write that it has heard of is answered
	under int           // writes under way
}

// The first service is read-only, with data, a secret in a file and a healthcheck; the other
// depends on it, and has none of these but the secret.
const disturbedSpec = `name = %[1]q

network "%[1]s-net" { subnet = %[7]q }
%[8]s

secret "PASSWORD" {}

service "store" {
  image     = %[2]q
  user      = "999:999"
  read_only = true
  networks  = ["%[1]s-net"]
  command   = ["redis-server", "/run/secrets/redis.conf"]
  file "/run/secrets/redis.conf" {
    content = "requirepass ${secret.PASSWORD.value}\ndir /data\nappendonly yes\nappendfsync always\n%[4]s\n"
  }
  volume "data" { target = "/data" }
  bind {
    port      = 6379
    published = %[3]d
  }
  limits {
    memory = %[5]q
    cpus   = 1
  }
  tmpfs = ["/tmp"]
  healthcheck { # soon, and then no more for a while
    test     = ["CMD-SHELL", "test -e /tmp/well && exec sleep 60; redis-cli ping | grep -qE 'PONG|NOAUTH' && touch /tmp/well"]
    interval = "100ms"
    timeout  = "90s"
    retries  = 30
  }
  auth "redis" { password = secret.PASSWORD.value }
}

service "front" {
  image    = %[2]q
  user     = "999:999"
  networks = [%[6]s]
  command  = ["redis-server", "--save", "", "--port", %[10]q]
  env      = { PASSWORD_FILE = secret.PASSWORD.file }
  %[9]s
  limits {
    memory = %[5]q
    cpus   = 1
  }
  depends_on "store" { restart = true }
}
`

// newDisturbed brings up a stack with something in it, and watches it.
func newDisturbed(t *testing.T, engine *testbed.Private, s scenario, f fault) *disturbed {
	t.Helper()
	_, refs := testbed.Require(t)
	d := &disturbed{T: t, engine: engine, fault: f, redis: refs.Redis, roams: s.roams}
	d.stack = engine.Project(t)
	d.watch = newWatch(t, engine.Engine, refs.Redis, d.stack)
	d.begin()
	return d
}

// begin brings up the stack behind a proxy.
func (d *disturbed) begin() {
	d.Helper()
	d.dir, d.port = d.TempDir(), freePort(d)
	var err error
	if d.proxy, err = testbed.NewProxy(d.engine.Host, d.decide); err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { d.proxy.Close() })
	d.proxy.Heard(d.heard)
	d.proxy.Answered(d.answered)
	d.describe("", 0)
	d.watch.phase(d.T, "setting up", false, func() { d.must("apply", "-y") })
	d.put()
	d.good = d.spec()
}

// describe writes the spec: a line of the store's file, and which of two variants of what can
// change in place.
func (d *disturbed) describe(line string, variant int) {
	d.Helper()
	memory, more, networks := []string{"128MB", "192MB"}[variant], "", fmt.Sprintf(`"%s-net"`, d.stack)
	if d.roams {
		for _, side := range []string{"left", "right"} {
			more += fmt.Sprintf("network \"%s-%s\" { subnet = %q }\n", d.stack, side, d.subnet(side))
		}
		networks += fmt.Sprintf(`, "%s-%s"`, d.stack, []string{"left", "right"}[variant])
	}
	text := fmt.Sprintf(disturbedSpec, d.stack, d.redis, d.port, line, memory, networks, d.subnet("net"), more, cmp.Or(d.front, `tmpfs = ["/data"]`), cmp.Or(d.listen, "6379"))
	d.write(text)
}

// subnet is one of the stack's own: the engine's choice is soon exhausted.
func (d *disturbed) subnet(name string) string {
	place := (d.port*3 + map[string]int{"net": 0, "left": 1, "right": 2}[name]) % (1 << 18)
	return fmt.Sprintf("10.%d.%d.%d/28", 212+place>>12, place>>4&0xff, place<<4&0xff)
}

func (d *disturbed) spec() string {
	d.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "minibot.hcl"))
	if err != nil {
		d.Fatal(err)
	}
	return string(text)
}

func (d *disturbed) write(spec string) {
	d.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, "minibot.hcl"), []byte(spec), 0o600); err != nil {
		d.Fatal(err)
	}
}

// command prepares minibot for an engine at a host.
func (d *disturbed) command(host string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(d.Context(), "minibot", append([]string{"--secret-store", "file"}, args...)...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+host, "MINIBOT_SECRETS_DIR="+filepath.Join(d.dir, "secrets"))
	return cmd
}

// ends runs minibot undisturbed; it must end with that code.
func (d *disturbed) ends(code int, args ...string) string {
	d.Helper()
	d.mu.Lock()
	d.dying = false
	d.mu.Unlock()
	cmd := d.command(d.proxy.Host(), args...)
	said := d.said(cmd)
	if got := cmd.ProcessState.ExitCode(); got != code {
		d.Errorf("minibot %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, said)
	}
	return said
}

// said runs a command, beside the engine, whose loopback is its own, and returns all that it says.
func (d *disturbed) said(cmd *exec.Cmd) string {
	d.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := d.engine.Inside(cmd.Start); err != nil {
		d.Fatal(err)
	}
	_ = cmd.Wait() // how it ended is for the caller to see
	return out.String()
}

func (d *disturbed) must(args ...string) { d.Helper(); d.ends(exitDone, args...) }

// disturb lets minibot meet the fault at one write call, and what is to happen then. False if
// it does not make so many.
func (d *disturbed) disturb(s scenario, call int) bool {
	d.Helper()
	d.turn = call
	if s.ready != nil {
		s.ready(d)
	}
	var said string
	var code int
	var met *testbed.Call
	d.watch.phase(d.T, fmt.Sprintf("%v with call %d %s", s.args, call, d.fault.name), !s.may, func() {
		said, code, met = d.meet(call, s.args)
		if met != nil && d.fault.over != nil {
			d.fault.over(d.T)
		}
	})
	what := fmt.Sprintf("no call %d", call)
	if met != nil {
		what = fmt.Sprintf("call %d, %s, %s", call, met, d.fault.name)
	}
	d.judge(s, met, said, code)
	if s.then != nil {
		d.watch.phase(d.T, "after "+what, true, func() { s.then(d) })
	}
	if s.code != exitDone {
		d.write(d.good)
	}
	d.watch.phase(d.T, "apply after "+what, !s.may, func() { said += "\nthen apply:\n" + d.ends(exitDone, "apply", "-y") })
	d.watch.phase(d.T, "look after "+what, true, func() { d.must("plan", "--detailed-exitcode") })
	d.inOrder(s)
	d.watch.check(d.T)
	d.looked()
	if d.Failed() {
		d.Fatalf("%s; minibot said:\n%s\n%s", what, said, d.containers())
	}
	return met != nil
}

// looked makes sure that minibot has asked for no removal of a volume.
func (d *disturbed) looked() {
	d.Helper()
	for _, c := range d.proxy.Calls()[d.seen:] {
		d.seen++
		if strings.HasPrefix(c.Path, "/volumes") && (c.Method == http.MethodDelete || strings.HasSuffix(c.Path, "/prune")) ||
			c.Method == http.MethodDelete && regexp.MustCompile(`(^|&)v=(1|true)`).MatchString(c.Query) {
			d.Errorf("it asked for %s?%s", c, c.Query)
		}
	}
}

// judge looks at how a run ended that met a fault.
func (d *disturbed) judge(s scenario, met *testbed.Call, said string, code int) {
	d.Helper()
	for _, trace := range []string{"panic:", "goroutine ", "runtime error"} {
		if strings.Contains(said, trace) {
			d.Errorf("it says %q", trace)
		}
	}
	switch {
	case met == nil && code != s.code:
		d.Errorf("undisturbed it ends with exit code %d, want %d", code, s.code)
	case met == nil:
	case d.fault.kill != never && code != -1:
		d.Errorf("killed, it ends with exit code %d", code)
	case d.fault.kill != never:
	case code == exitDone && s.args[0] == "apply":
		d.watch.phase(d.T, "look at once", true, func() { d.must("plan", "--detailed-exitcode") }) // the fault had no effect
	case code == exitDone:
		d.Errorf("it met a fault, and does not say so")
	case code != exitError && code != exitUnhealthy:
		d.Errorf("exit code %d", code)
	case d.fault.verdict == testbed.Fail500 && !strings.Contains(said, "a fault for the test"), !strings.Contains(said, "Error: ") && !strings.Contains(said, "✗"):
		d.Errorf("it does not say why")
	}
}

// again applies the spec that cannot work once more: the old container is to answer.
func (d *disturbed) again() {
	d.Helper()
	d.ends(exitUnhealthy, "apply", "-y")
	d.holds()
}

// inOrder makes sure that the data is there, for who has the password that is in the store.
func (d *disturbed) inOrder(s scenario) {
	d.Helper()
	if s.name == "cold start" {
		d.put()
	}
	d.holds()
	made, _ := time.Parse(time.RFC3339Nano, d.inspect("store").Created)
	if started, err := time.Parse(time.RFC3339Nano, d.inspect("front").State.StartedAt); err != nil || started.Before(made) {
		d.Errorf("front runs since %s (%v), and has not restarted with store, made at %s", started, err, made)
	}
}

func (d *disturbed) inspect(service string) container.InspectResponse {
	d.Helper()
	inspected, err := d.engine.Client.ContainerInspect(d.Context(), d.stack+"-"+service)
	if err != nil {
		d.Fatal(err)
	}
	return inspected
}

// raze removes all there is of the stack, secrets included.
func (d *disturbed) raze() {
	d.Helper()
	if err := d.engine.Cleanup(d.Context(), d.stack); err != nil {
		d.Fatal(err)
	}
	d.watch.caughtUp(d.T) // that these went is not minibot's doing
	if err := os.RemoveAll(filepath.Join(d.dir, "secrets")); err != nil {
		d.Fatal(err)
	}
}

// meet runs minibot, which meets the fault at a write call. The code is -1 if it was killed.
func (d *disturbed) meet(call int, args []string) (said string, code int, met *testbed.Call) {
	d.Helper()
	var out bytes.Buffer
	cmd := d.command(d.proxy.Host(), args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	d.mu.Lock()
	d.left, d.met, d.cmd, d.ended = call, nil, cmd, make(chan struct{})
	d.dying, d.under, d.quiet = false, 0, make(chan struct{})
	err := d.engine.Inside(cmd.Start)
	d.mu.Unlock()
	if err != nil {
		d.Fatal(err)
	}
	err = cmd.Wait()
	close(d.ended)
	d.mu.Lock()
	d.left, met, d.met = 0, d.met, nil
	d.mu.Unlock()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode(), met
}

// decide is the proxy's. Before a kill the engine answers what it has heard of, but for one
// that comes while it is at something.
func (d *disturbed) decide(call testbed.Call) testbed.Verdict {
	d.mu.Lock()
	switch {
	case call.Write == 0:
		d.mu.Unlock()
		return testbed.Pass
	case d.dying:
		d.mu.Unlock()
		return testbed.Cut
	}
	meets := false
	if d.left > 0 && (!d.fault.long || isLong(call)) {
		if d.left--; d.left == 0 {
			d.met, meets = &call, true
		}
	}
	if !meets || d.fault.kill == after {
		d.under++
	}
	d.mu.Unlock()
	switch {
	case !meets:
		return testbed.Pass
	case d.fault.kill == before:
		d.killIt()
	case d.fault.strike != nil:
		d.fault.strike()
	}
	return d.fault.verdict
}

// isLong reports whether a call takes the engine longer than it takes minibot to start again.
func isLong(call testbed.Call) bool {
	return call.Path == "/containers/create" || strings.HasSuffix(call.Path, "/start") || strings.HasSuffix(call.Path, "/stop") ||
		strings.HasPrefix(call.Path, "/networks/") || call.Method == http.MethodDelete
}

// heard and answered are the proxy's too.
func (d *disturbed) heard(testbed.Call) {
	if d.fault.kill == meanwhile {
		d.mu.Lock()
		d.dying = true
		d.mu.Unlock()
		_ = d.cmd.Process.Kill()
		<-d.ended
	}
}

func (d *disturbed) answered(call testbed.Call) {
	d.mu.Lock()
	meets := d.fault.kill == after && d.met != nil && call.Write == d.met.Write
	if call.Write != 0 && d.fault.kill != meanwhile {
		if d.under--; d.under == 0 && d.dying {
			close(d.quiet)
		}
	}
	d.mu.Unlock()
	if meets {
		d.killIt()
	}
}

func (d *disturbed) killIt() {
	d.mu.Lock()
	d.dying = true
	under := d.under
	d.mu.Unlock()
	if under > 0 {
		<-d.quiet
	}
	_ = d.cmd.Process.Kill()
	<-d.ended
}

// password is the store's value, read as a person would: by running a program with it.
func (d *disturbed) password() string {
	d.Helper()
	cmd := d.command(d.engine.Host, "run", "--", "printenv", "PASSWORD")
	lines := strings.Fields(d.said(cmd)) // after warnings
	if !cmd.ProcessState.Success() || len(lines) == 0 {
		d.Fatalf("there is no password: %v", cmd.ProcessState)
	}
	return lines[len(lines)-1]
}

func (d *disturbed) put() {
	d.Helper()
	if answer, err := d.ask(d.password(), "SET answer 42"); err != nil || answer != "+OK" {
		d.Errorf("put something into the store: %s, %v", answer, err)
	}
}

// holds waits until the store answers: one that was just started again may not listen yet.
func (d *disturbed) holds() {
	d.Helper()
	password := d.password()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		answer, err := d.ask(password, "GET answer")
		if err == nil && answer == "$2 42" {
			return
		}
		if time.Now().After(deadline) {
			d.Errorf("the store does not answer with its data: %s, %v", answer, err)
			return
		}
	}
}

// ask says something to the store, after the password.
func (d *disturbed) ask(password, command string) (string, error) {
	conn, err := d.engine.Dial(d.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", d.port))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(conn, "AUTH %s\r\n%s\r\n", password, command)
	answers := bufio.NewScanner(conn)
	var lines []string
	for len(lines) < 2 && answers.Scan() {
		lines = append(lines, answers.Text())
		if lines[0] != "+OK" {
			return lines[0], errors.New("the password is refused")
		}
	}
	if len(lines) == 2 && strings.HasPrefix(lines[1], "$") && answers.Scan() {
		lines[1] += " " + answers.Text()
	}
	return strings.Join(lines[min(1, len(lines)):], " "), answers.Err()
}

// containers are those of the stack, for messages.
func (d *disturbed) containers() string {
	out, _ := exec.Command("docker", "-H", d.engine.Host, "ps", "-a", "--filter", "label=com.docker.compose.project="+d.stack, "--format", "{{.Names}}\t{{.Status}}").CombinedOutput()
	return string(out)
}
