package engine

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/google/go-cmp/cmp"

	"minibot/internal/bridge"
	"minibot/internal/plan"
	"minibot/internal/testbed"
)

// neighbours are containers on one network: a Redis, and one of each image that has other programs to dial with.
type neighbours struct {
	*Engine
	t   *testing.T
	ids map[string]string
}

func newNeighbours(t *testing.T) *neighbours {
	bed, refs := testbed.Require(t)
	e, err := Connect(t.Context(), Endpoint{Host: bed.Host, Source: "the test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	n := &neighbours{Engine: e, t: t, ids: map[string]string{}}
	project := bed.Project(t)
	pids := int64(77)
	labels := map[string]string{"com.docker.compose.project": project}
	net, err := e.api.NetworkCreate(t.Context(), project, network.CreateOptions{Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]*container.Config{
		"redis": {Image: refs.Redis, User: "999:999", Cmd: []string{"redis-server", "--requirepass", "s3same"}},
		"node":  {Image: refs.OpenClaw, Entrypoint: []string{"sleep", "600"}},
		"bare":  {Image: refs.Redis, Entrypoint: []string{"/bin/sleep", "600"}, Env: []string{"PATH=/nowhere"}},
		"bash":  {Image: refs.OpenClaw, Entrypoint: []string{"sleep", "600"}, Env: []string{"PATH=/usr/bin:/bin"}},
	} {
		config.Labels = labels
		made, err := e.api.ContainerCreate(t.Context(), config, &container.HostConfig{
			NetworkMode: container.NetworkMode(project), ReadonlyRootfs: true, CapDrop: []string{"ALL"},
			Resources: container.Resources{Memory: 64 << 20, PidsLimit: &pids},
		},
			&network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{project: {NetworkID: net.ID, Aliases: []string{name}}}}, nil, project+"-"+name)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.api.ContainerStart(t.Context(), made.ID, container.StartOptions{}); err != nil {
			t.Fatal(err)
		}
		n.ids[name] = made.ID
	}
	return n
}

// processes are the command lines in a container.
func (n *neighbours) processes(name string) []string {
	n.t.Helper()
	top, err := n.api.ContainerTop(n.t.Context(), n.ids[name], []string{"-eo", "pid,stat,args"})
	if err != nil {
		n.t.Fatal(err)
	}
	var all []string
	for _, process := range top.Processes {
		state := process[1]
		if !strings.HasPrefix(state, "Z") { // whether it runs or sleeps is chance; that it is dead is not
			state = "alive"
		}
		all = append(all, state+" "+strings.Join(process[2:], " "))
	}
	return all
}

func (n *neighbours) open(name string) *bridge.Bridge {
	n.t.Helper()
	b, err := bridge.Open(n.t.Context(), 10*time.Second, func(ctx context.Context, argv []string) (bridge.Process, error) {
		return n.Start(ctx, n.ids[name], argv)
	})
	if err != nil {
		n.t.Fatalf("%s: %v", name, err)
	}
	return b
}

// ping sends a PING to the Redis and returns the answer.
func ping(ctx context.Context, b *bridge.Bridge) (string, error) {
	conn, err := b.DialContext(ctx, "tcp", "redis:6379")
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

// From inside a container a neighbour is reached by its name, whichever program the image has; afterwards the container
// has the processes that it had, and no zombie.
func TestBridge(t *testing.T) {
	n := newNeighbours(t)
	for name, program := range map[string]string{"redis": "nc", "node": "node", "bash": "bash"} {
		t.Run(program, func(t *testing.T) {
			before := n.processes(name)
			b := n.open(name)
			if b.Program != program {
				t.Errorf("the program is %s", b.Program)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			for range 3 {
				if said, err := ping(ctx, b); !strings.HasPrefix(said, "-NOAUTH") || err != nil {
					t.Errorf("redis said %q, %v", said, err)
				}
			}
			if _, err := b.DialContext(ctx, "tcp", "redis:6380"); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%v, want a refusal", err)
			}
			var unknown *net.DNSError
			if _, err := b.DialContext(ctx, "tcp", "nobody.invalid:80"); !errors.As(err, &unknown) {
				t.Errorf("%v, want a name that does not resolve", err)
			}
			b.Close()
			if after := n.processes(name); !slices.Equal(after, before) {
				t.Errorf("processes before: %q, after: %q", before, after)
			}
		})
	}
	t.Run("killed", n.killed)
}

// killed drops the connections to the engine, as the death of minibot does.
func (n *neighbours) killed(t *testing.T) {
	for _, name := range []string{"redis", "node", "bash"} {
		before := n.processes(name)
		var streams []*Process
		b, err := bridge.Open(t.Context(), 10*time.Second, func(ctx context.Context, argv []string) (bridge.Process, error) {
			p, err := n.Start(ctx, n.ids[name], argv)
			streams = append(streams, p)
			return p, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.DialContext(t.Context(), "tcp", "redis:6379"); err != nil {
			t.Fatal(err)
		}
		if slices.Equal(before, n.processes(name)) {
			t.Errorf("%s: no process to lose", name)
		}
		for _, stream := range streams {
			stream.stream.Conn.Close()
		}
		for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			after := n.processes(name)
			if slices.Equal(before, after) {
				break
			}
			if time.Since(begun) > 5*time.Second {
				t.Errorf("%s: processes before: %q, after: %q", name, before, after)
				break
			}
		}
	}
}

func TestExec(t *testing.T) {
	n := newNeighbours(t)
	p, err := n.Start(t.Context(), n.ids["redis"], []string{"sh", "-c", "cat; echo oops >&2; exit 3"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	io.WriteString(p, "hello")
	p.CloseWrite()
	said, err := io.ReadAll(p)
	code, err2 := p.ExitCode(t.Context())
	if string(said) != "hello" || p.Complaint() != "oops\n" || code != 3 || errors.Join(err, err2) != nil {
		t.Errorf("%q, %q, %d, %v", said, p.Complaint(), code, errors.Join(err, err2))
	}
}

func TestRun(t *testing.T) {
	n := newNeighbours(t)
	for name, test := range map[string]struct {
		argv []string
		want plan.Output
	}{
		"ends well": {[]string{"sh", "-c", "echo out; echo err >&2"}, plan.Output{Stdout: "out\n", Stderr: "err\n"}},
		"ends ill":  {[]string{"sh", "-c", "exit 3"}, plan.Output{Code: 3}},
		"is not there": {[]string{"no-such-program"}, plan.Output{
			Stderr: "sh: exec: line 0: no-such-program: not found\n", Code: 127, Missing: true,
		}},
		"reads":    {[]string{"cat"}, plan.Output{}},
		"too slow": {[]string{"sh", "-c", "echo begun; exec sleep 30"}, plan.Output{Stdout: "begun\n", Code: 137, Killed: true}},
	} {
		t.Run(name, func(t *testing.T) {
			limit := 10 * time.Second
			if test.want.Killed {
				limit = time.Second
			}
			got, err := n.Run(t.Context(), n.ids["redis"], test.argv, limit)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	// A shell that is not there is told from a program that is not: Run starts the program without it then.
	got, err := n.run(t.Context(), n.ids["redis"], []string{"/nowhere/sh"}, 10*time.Second, n.guard)
	if !got.Missing || !strings.Contains(got.Stdout, "/nowhere/sh") || err != nil {
		t.Errorf("without a shell: %+v, %v", got, err)
	}
	if left := n.processes("redis"); len(left) != 1 {
		t.Errorf("processes are left: %q", left)
	}
}
