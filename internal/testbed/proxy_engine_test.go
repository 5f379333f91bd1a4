package testbed

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
)

// TestProxyBeforeEngine runs a container through the proxy: events come while they happen, and an exec's connection
// carries input, its end, and output.
func TestProxyBeforeEngine(t *testing.T) {
	engine, refs := Require(t)
	p, err := NewProxy(engine.Host, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	cli, err := client.NewClientWithOpts(client.WithHost(p.Host()), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cli.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	happened, failed := cli.Events(ctx, events.ListOptions{})

	project := engine.Project(t)
	created, err := cli.ContainerCreate(ctx, &container.Config{
		Image: refs.Redis, Labels: map[string]string{labelProject: project}, Entrypoint: []string{"sleep", "600"},
	}, &container.HostConfig{Init: new(true)}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for seen := false; !seen; {
		select {
		case event := <-happened:
			seen = event.Actor.ID == created.ID && event.Action == events.ActionCreate
		case err := <-failed:
			t.Fatal(err)
		}
	}
	if err := cli.ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	sorted := attach(t, cli, created.ID, "sort")
	io.WriteString(sorted.Conn, "b\na\n")
	sorted.CloseWrite() // it answers only now
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, sorted.Reader); err != nil || out.String() != "a\nb\n" {
		t.Errorf("sort says %q, %v", out.String(), err)
	}
	if got := p.Writes(); got != 4 {
		t.Errorf("%d writes, want 4: create, start, exec, its start\n%v", got, p.Calls())
	}

	cat := attach(t, cli, created.ID, "cat")
	p.Close()
	cat.Conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := cat.Reader.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the proxy is closed, and an exec's connection still open: %v", err)
	}
}

// attach starts a program in a container and returns the connection with its input and output.
func attach(t *testing.T, cli *client.Client, id string, argv ...string) types.HijackedResponse {
	t.Helper()
	exec, err := cli.ContainerExecCreate(t.Context(), id, container.ExecOptions{
		Cmd: argv, AttachStdin: true, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	attached, err := cli.ContainerExecAttach(t.Context(), exec.ID, container.ExecAttachOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(attached.Close)
	return attached
}
