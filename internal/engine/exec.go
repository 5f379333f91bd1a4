package engine

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// Process is a program that runs in a container beside its own, by the engine's exec. It ends by itself: the engine
// can start one and cannot stop it. When the connection to the engine ends, for whatever reason, so does the
// program's standard input.
type Process struct {
	engine *Engine
	id     string
	stream types.HijackedResponse
	output *io.PipeReader
	stderr complaint
}

// quiet keeps what a service sets for its own programs out of others, and their messages in one language.
var quiet = []string{"LC_ALL=C", "NODE_OPTIONS=", "BASH_ENV=", "ENV=", "PERL5OPT=", "PYTHONSTARTUP="}

// Start starts a program in a running container, as the container's user, with its standard streams attached. A
// program that is not there is no error: it says so where its output should be, as the engine tells no other way.
func (e *Engine) Start(ctx context.Context, containerID string, argv []string) (*Process, error) {
	made, err := e.api.ContainerExecCreate(ctx, containerID, container.ExecOptions{
		Cmd: argv, Env: quiet, AttachStdin: true, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return nil, wrap("exec", err)
	}
	stream, err := e.attach(ctx, made.ID)
	if err != nil {
		return nil, wrap("exec", err)
	}
	output, w := io.Pipe()
	p := &Process{engine: e, id: made.ID, stream: stream, output: output}
	go func() {
		_, err := stdcopy.StdCopy(w, &p.stderr, stream.Reader)
		w.CloseWithError(err)
	}()
	return p, nil
}

// attach starts what was made, and ends with ctx. The client does not by itself: once it is connected, it waits for the
// engine's answer for ever. A late one is hung up on.
func (e *Engine) attach(ctx context.Context, id string) (types.HijackedResponse, error) {
	type answer struct {
		stream types.HijackedResponse
		err    error
	}
	answered := make(chan answer, 1)
	go func() {
		stream, err := e.api.ContainerExecAttach(ctx, id, container.ExecAttachOptions{})
		answered <- answer{stream, err}
	}()
	select {
	case a := <-answered:
		return a.stream, a.err
	case <-ctx.Done():
		go func() {
			if a := <-answered; a.err == nil {
				a.stream.Close()
			}
		}()
		return types.HijackedResponse{}, context.Cause(ctx)
	}
}

// Read reads what the program writes to its standard output.
func (p *Process) Read(b []byte) (int, error) { return p.output.Read(b) }

// Write writes to its standard input.
func (p *Process) Write(b []byte) (int, error) { return p.stream.Conn.Write(b) }

// CloseWrite ends its standard input.
func (p *Process) CloseWrite() error { return p.stream.CloseWrite() }

// Close gives up the streams, which ends its standard input too.
func (p *Process) Close() error {
	p.stream.Close()
	return p.output.Close()
}

// Complaint is what it has written to its standard error, 4 KiB at most.
func (p *Process) Complaint() string { return p.stderr.String() }

// ExitCode is that of a program that has ended.
func (p *Process) ExitCode(ctx context.Context) (int, error) {
	state, err := p.engine.api.ContainerExecInspect(ctx, p.id)
	if err != nil {
		return 0, wrap("exec", err)
	}
	if state.Running {
		return 0, fmt.Errorf("exec: the program still runs")
	}
	return state.ExitCode, nil
}

// complaint keeps the beginning of what is written.
type complaint struct {
	mu   sync.Mutex
	text strings.Builder
}

func (c *complaint) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	const most = 4 << 10
	c.text.Write(b[:min(len(b), most-min(most, c.text.Len()))])
	return len(b), nil
}

func (c *complaint) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}
