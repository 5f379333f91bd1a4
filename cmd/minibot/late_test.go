package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"minibot/internal/plan"
	"minibot/internal/testbed"
)

// The second service takes its time to stop. Both are well as long as there is a file.
const lateSpec = `name = %[1]q

network "%[1]s-net" { subnet = %[4]q }

service "base" {
  image   = %[2]q
  user    = "999:999"
  command = ["redis-server", "--save", ""]
  env     = { WORD = "one" } # base
  tmpfs   = ["/data"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
}

service "slow" {
  image   = %[2]q
  user    = "999:999"
  command = ["sh", "-c", "trap 'sleep 3; exit 0' TERM; while :; do sleep 0.1; done"]
  env     = { WORD = "one" } # slow
  tmpfs   = ["/data"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  mount {
    source    = %[3]q
    target    = "/signs"
    read_only = true
  }
  healthcheck {
    test     = ["CMD", "test", "-e", "/signs/well"]
    interval = "200ms"
    retries  = 1
  }
  depends_on "base" {
    condition = "service_started"
    restart   = true
  }
}
`

// late is a stack whose engine is still busy with something when nobody waits for it any more.
type late struct {
	*composed
	image, signs string
}

func newLate(t *testing.T, spec, image string) *late {
	t.Helper()
	l := &late{image: image, signs: t.TempDir()}
	port := freePort(t) - 20000
	l.composed = newComposed(t, spec, image, l.signs, fmt.Sprintf("10.%d.%d.%d/28", 208+port>>12, port>>4&0xff, port<<4&0xff))
	l.well(true)
	return l
}

// well makes the healthcheck pass, or fail.
func (l *late) well(well bool) {
	l.Helper()
	sign := filepath.Join(l.signs, "well")
	var err error
	if err = os.Remove(sign); well {
		err = os.WriteFile(sign, nil, 0o644)
	}
	if err != nil {
		l.Fatal(err)
	}
}

// A container that is still being stopped when minibot was killed, and looks as if it ran, does
// not slip past the next apply: one is enough.
func TestLateStop(t *testing.T) {
	t.Parallel()
	_, refs := testbed.Require(t)
	base, slow := [][]string{{`"one" } # base`, `"two" } # base`}}, [][]string{{`"one" } # slow`, `"two" } # slow`}}
	for _, c := range []struct {
		name   string
		down   bool       // the stack is not there before
		change [][]string // of the spec
		sick   bool       // until minibot is killed
		args   []string
		stops  int        // the stop of the slow service at which it is killed
		then   [][]string // a change of the spec after that
		noise  bool       // the engine forgets what happened
	}{
		{name: "of a restart", change: base, args: []string{"apply", "-y"}, stops: 1},
		{name: "of a replaced container", change: slow, args: []string{"apply", "-y"}, stops: 1},
		{name: "of a replaced container that is wanted again", change: slow, args: []string{"apply", "-y"}, stops: 1, then: [][]string{{slow[0][1], slow[0][0]}}},
		{name: "of a successor that failed", change: slow, sick: true, args: []string{"apply", "-y"}, stops: 2},
		{name: "of a first container that failed", down: true, sick: true, args: []string{"apply", "-y"}, stops: 1},
		{name: "of one to be destroyed", args: []string{"destroy", "-y"}, stops: 1},
		{name: "that the engine has forgotten", args: []string{"destroy", "-y"}, stops: 1, noise: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLate(t, lateSpec, refs.Redis)
			if !c.down {
				l.must("apply", "-y")
			}
			l.edit(c.change)
			l.well(!c.sick)
			stopped := l.atStop("slow", c.stops, c.args...)
			if c.noise {
				l.noise()
			}
			l.edit(c.then)
			l.well(true)
			l.oneApply(stopped)
		})
	}
}

// oneApply is enough, whatever the engine was still doing; that has ended when over returns.
func (l *late) oneApply(over func()) {
	l.Helper()
	said := l.must("apply", "-y")
	over()
	l.must("plan", "--detailed-exitcode")
	for service, one := range l.containers() {
		if one.State != "running" {
			l.Errorf("%s is %s; minibot said:\n%s", service, one.State, said)
		}
	}
}

// edit replaces what stands once in the spec.
func (l *late) edit(changes [][]string) {
	l.Helper()
	file := filepath.Join(l.dir, "minibot.hcl")
	text, err := os.ReadFile(file)
	if err != nil {
		l.Fatal(err)
	}
	spec := string(text)
	for _, change := range changes {
		if n := strings.Count(spec, change[0]); n != 1 {
			l.Fatalf("%q stands %d times in the spec", change[0], n)
		}
		spec = strings.Replace(spec, change[0], change[1], 1)
	}
	if err := os.WriteFile(file, []byte(spec), 0o600); err != nil {
		l.Fatal(err)
	}
}

// atStop runs minibot and kills it once the engine has sent the n-th signal to containers of a
// service. What it returns waits until the container has ended.
func (l *late) atStop(service string, n int, args ...string) (stopped func()) {
	l.Helper()
	happens, failed := l.engine.Client.Events(l.Context(), events.ListOptions{Filters: filters.NewArgs(
		filters.Arg("label", plan.LabelProject+"="+l.stack), filters.Arg("label", plan.LabelService+"="+service),
		filters.Arg("event", "kill"), filters.Arg("event", "die"),
	)})
	cmd := l.command("minibot", args...)
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	next := func() events.Message {
		l.Helper()
		select {
		case event := <-happens:
			return event
		case err := <-failed:
			l.Fatalf("the engine's events: %v", err)
		case err := <-ended:
			l.Fatalf("minibot ended before: %v", err)
		case <-time.After(time.Minute):
			l.Fatal("nothing happens")
		}
		panic("not reached")
	}
	var hit events.Message
	for ; n > 0; n-- {
		for hit = next(); hit.Action != events.ActionKill; hit = next() {
		}
	}
	_ = cmd.Process.Kill()
	l.killed(<-ended)
	return func() {
		l.Helper()
		for event := next(); event.Actor.ID != hit.Actor.ID || event.Action != events.ActionDie; event = next() {
		}
	}
}

// noise makes more events than an engine remembers.
func (l *late) noise() {
	l.Helper()
	client := l.engine.Client
	noisy, err := client.ContainerCreate(l.Context(), &container.Config{Image: l.image}, &container.HostConfig{NetworkMode: "none", Tmpfs: map[string]string{"/data": ""}}, nil, nil, l.stack+"-noise")
	if err != nil {
		l.Fatal(err)
	}
	for i := range 300 {
		if err := client.ContainerRename(l.Context(), noisy.ID, fmt.Sprintf("%s-noise-%d", l.stack, i)); err != nil {
			l.Fatal(err)
		}
	}
	if err := client.ContainerRemove(l.Context(), noisy.ID, container.RemoveOptions{}); err != nil {
		l.Fatal(err)
	}
}

func (l *late) killed(err error) {
	l.Helper()
	if err == nil || !strings.Contains(err.Error(), "killed") {
		l.Fatalf("minibot is not killed: %v", err)
	}
}

// What an engine makes or removes after minibot was killed is in nobody's way.
func TestLateCalls(t *testing.T) {
	t.Parallel()
	_, refs := testbed.Require(t)
	slow := [][]string{{`"one" } # slow`, `"two" } # slow`}}
	for _, c := range []struct {
		name   string
		spec   string // lateSpec if empty
		up     bool   // the stack is there before
		change [][]string
		args   []string
		call   string // at which it is killed
		held   bool   // the engine gets the call only when the next apply has looked
		alive  bool   // minibot is not killed, and only loses its connection
		then   [][]string
	}{
		{name: "a container in the making", spec: bigSpec, args: []string{"apply", "-y"}, call: "POST /containers/create"},
		{name: "a container in the making, no more wanted", spec: bigSpec, up: true, change: [][]string{{`"one" } # big`, `"two" } # big`}, {`volume "big"`, `volume "big2"`}},
			args: []string{"apply", "-y"}, call: "POST /containers/create", then: [][]string{{`"two" } # big`, `"one" } # big`}, {`volume "big2"`, `volume "big"`}}},
		{name: "an old container going", spec: bigSpec, up: true, change: [][]string{{`"one" } # big`, `"two" } # big`}}, args: []string{"apply", "-y"}, call: "DELETE /containers/"},
		{name: "a container going", spec: bigSpec, up: true, args: []string{"destroy", "-y"}, call: "DELETE /containers/"},
		{name: "a network made", args: []string{"apply", "-y"}, call: "POST /networks/create", held: true},
		{name: "a network going", up: true, args: []string{"destroy", "-y"}, call: "DELETE /networks/", held: true},
		{name: "a stop, with minibot alive", up: true, change: slow, args: []string{"apply", "-y"}, call: "POST /containers/SLOW/stop", alive: true, then: [][]string{{slow[0][1], slow[0][0]}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var l *late
			if c.spec == "" {
				l = newLate(t, lateSpec, refs.Redis)
			} else {
				l = newLate(t, c.spec, bigImage(t, refs.Redis))
			}
			if c.up {
				l.must("apply", "-y")
				c.call = strings.ReplaceAll(c.call, "SLOW", l.ids()["slow"])
			}
			l.edit(c.change)
			answered, release := l.atCall(c.call, c.held, c.alive, c.args...)
			l.edit(c.then)
			if c.held {
				l.releases(release, answered)
			}
			l.oneApply(func() { <-answered })
		})
	}
}

// bigSpec has a container that takes a while to be made, for the engine copies many files into
// its volume, and one to be removed.
const bigSpec = `name = %[1]q

network "%[1]s-net" { subnet = %[4]q }

service "big" {
  image      = %[2]q
  entrypoint = ["sh", "-c"]
  command    = ["mkdir -p /many; cd /many; i=0; while [ $i -lt 20000 ]; do : > $i; i=$((i+1)); done; touch /tmp/done; exec redis-server --save ''"]
  env        = { WORD = "one" } # big
  tmpfs      = ["/data", "/tmp"]
  volume "big" { target = "/big" }
  limits {
    memory = "128MB"
    cpus   = 1
  }
  healthcheck {
    test     = ["CMD", "test", "-e", "/tmp/done"]
    interval = "500ms"
    retries  = 60
  }
}
# %[3]s
`

// bigImage has many files in /big.
func bigImage(t *testing.T, image string) string {
	t.Helper()
	engine, _ := testbed.Require(t)
	ctx, name := t.Context(), engine.Project(t)
	t.Cleanup(func() {
		if err := sweep(engine, name); err != nil {
			t.Error(err)
		}
	})
	made, err := engine.Client.ContainerCreate(ctx, &container.Config{
		Image: image, Entrypoint: []string{"sh", "-c", "mkdir /big; cd /big; i=0; while [ $i -lt 10000 ]; do : > $i; i=$((i+1)); done"},
	}, &container.HostConfig{Tmpfs: map[string]string{"/data": ""}}, nil, nil, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Client.ContainerStart(ctx, made.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	ended, failed := engine.Client.ContainerWait(ctx, made.ID, container.WaitConditionNotRunning)
	select {
	case end := <-ended:
		if end.StatusCode != 0 {
			t.Fatalf("exit code %d", end.StatusCode)
		}
	case err := <-failed:
		t.Fatal(err)
	}
	if _, err := engine.Client.ContainerCommit(ctx, made.ID, container.CommitOptions{Reference: name + ":1"}); err != nil {
		t.Fatal(err)
	}
	return name + ":1"
}

// atCall runs minibot, and kills it or cuts its connection once the engine has a call, or, if it
// is held, just before. What it returns is closed when the engine has answered it.
func (l *late) atCall(call string, held, alive bool, args ...string) (answered, release chan struct{}) {
	l.Helper()
	answered, release = make(chan struct{}), make(chan struct{})
	var cmd *exec.Cmd
	var met atomic.Int64
	kill := func() {
		if !alive {
			_ = cmd.Process.Kill()
		}
	}
	proxy, err := testbed.NewProxy(l.engine.Host, func(c testbed.Call) testbed.Verdict {
		if !strings.HasPrefix(c.String(), call) || !met.CompareAndSwap(0, int64(c.N)) {
			return testbed.Pass
		}
		if held {
			kill()
			<-release
		}
		return testbed.CutEarly
	})
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { proxy.Close() })
	proxy.Heard(func(testbed.Call) { kill() })
	proxy.Answered(func(c testbed.Call) {
		if met.Load() == int64(c.N) {
			close(answered)
		}
	})
	cmd = l.command("minibot", args...)
	cmd.Env = append(cmd.Env, "DOCKER_HOST="+proxy.Host())
	said, err := cmd.CombinedOutput()
	switch {
	case met.Load() == 0:
		l.Fatalf("it never came to %s:\n%s", call, said)
	case !alive:
		l.killed(err)
	case cmd.ProcessState.ExitCode() != exitError || strings.Contains(string(said), "Not taken back"):
		l.Errorf("exit code %d:\n%s", cmd.ProcessState.ExitCode(), said)
	}
	return answered, release
}

// releases lets the engine have a held call when the next command is about to write.
func (l *late) releases(release, answered chan struct{}) {
	l.Helper()
	var once atomic.Bool
	proxy, err := testbed.NewProxy(l.engine.Host, func(c testbed.Call) testbed.Verdict {
		if c.Write > 0 && once.CompareAndSwap(false, true) {
			close(release)
			<-answered
		}
		return testbed.Pass
	})
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { proxy.Close() })
	l.host = proxy.Host()
}
