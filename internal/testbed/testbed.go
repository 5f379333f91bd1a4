// Package testbed gives tests, the demo and CI a real Docker Engine and the four images of the reference
// stack, on a machine that may have neither Docker nor an image registry. It finds an engine or starts
// Debian's, pulls the official images where a registry answers and otherwise builds stand-ins that behave
// alike: PostgreSQL and Redis from Debian's packages, FerretDB for MongoDB from its Go module, OpenClaw from
// npm. What it makes is kept, so that the next call takes well under a second.
//
// It may not stop a daemon, or remove a container, network or volume, that it or the calling test did not
// make; it never starts a second engine beside a running one, unless in a network of its own (see Private), and
// nothing outside tests, the demo and CI may import it.
package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/docker/docker/client"
)

// ErrNoEngine says that no Docker Engine answers at DOCKER_HOST, or at the default socket if that is unset.
var ErrNoEngine = errors.New("no docker engine answers")

// Engine is a Docker Engine that answered a ping.
type Engine struct {
	Host   string         // for DOCKER_HOST, e.g. unix:///var/run/docker.sock
	Owned  bool           // this very call of Start started it, so its caller is the one to Stop it
	Client *client.Client // with a negotiated API version
	log    io.Writer
}

// Close closes the client's idle connections. The engine keeps running.
func (e *Engine) Close() error { return e.Client.Close() }

// Find returns the engine that answers at DOCKER_HOST, or at the default socket if that is unset. It starts
// nothing; the error wraps ErrNoEngine if none answers within five seconds.
func Find(ctx context.Context) (*Engine, error) {
	cli, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fmt.Errorf("docker client: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := cli.Ping(ctx); err != nil {
		cli.Close()
		return nil, fmt.Errorf("%w at %s: %w", ErrNoEngine, cli.DaemonHost(), err)
	}
	return &Engine{Host: cli.DaemonHost(), Client: cli, log: io.Discard}, nil
}

// Start returns the engine that Find finds. If there is none, it starts Debian's as a daemon that outlives
// this process, installing it first if need be; that needs Linux and root, and elsewhere the error says how
// to start Docker. What it started, then or before, it closes to neighbours on the LAN by packet filter rules, until
// Stop; another's engine it leaves as it is. Progress goes to log, one line for each finished part; log may be nil.
func Start(ctx context.Context, log io.Writer) (*Engine, error) {
	out := &lines{to: log}
	engine, err := Find(ctx)
	if errors.Is(err, ErrNoEngine) {
		engine, err = startDaemon(ctx, out)
	}
	if err != nil {
		return nil, err
	}
	engine.log = out
	if err := wallOurs(ctx, engine); err != nil {
		return nil, err
	}
	return engine, nil
}
