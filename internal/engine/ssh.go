package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/docker/docker/client"
)

// StartFunc starts a program on another machine; the connection is its standard input and output. Reading ends
// with an error where the program failed, and not with io.EOF.
type StartFunc func(ctx context.Context, argv []string) (net.Conn, error)

// SSH reports whether the engine is reached by logging in on its machine.
func (e Endpoint) SSH() bool { return strings.HasPrefix(e.Host, "ssh://") }

// optionsSSH make connections of docker's own program for that (docker 18.09 and later).
func (e Endpoint) optionsSSH() ([]client.Opt, error) {
	if e.Start == nil {
		return nil, errors.New("ssh is not available here")
	}
	if _, err := url.Parse(e.Host); err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return e.Start(ctx, e.program()) }
	const anyHost = "http://docker.example.com" // nobody is asked for it
	return []client.Opt{client.WithHost(anyHost), client.WithDialContext(dial), client.WithAPIVersionNegotiation()}, nil
}

// program is what connects to the engine over there: at the socket that is the path of the URL, if it has one.
func (e Endpoint) program() []string {
	if at, err := url.Parse(e.Host); err == nil && strings.Trim(at.Path, "/") != "" {
		return []string{"docker", "--host=unix://" + at.Path, "system", "dial-stdio"}
	}
	return []string{"docker", "system", "dial-stdio"}
}

// reason says why there is no connection: what the program over there said of it, in whose place the client puts
// words of its own.
func (e Endpoint) reason(ctx context.Context, err error) error {
	conn, failed := e.Start(ctx, e.program())
	if failed != nil {
		return failed
	}
	defer conn.Close()
	if input, ok := conn.(interface{ CloseWrite() error }); ok && input.CloseWrite() == nil {
		if _, failed := io.Copy(io.Discard, conn); failed != nil {
			return failed
		}
	}
	return err
}
