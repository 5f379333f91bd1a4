// Package engine is the adapter to the Docker Engine API: Observe reads what the engine
// holds into a plan.Live, Stack.Do carries out one action of a plan.
//
// It is the only package that knows the Docker client. It decides nothing: what is to be
// done, and in which order, comes from internal/plan. It never removes a volume, and
// secrets pass through it only on their way into a container.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/docker/docker/client"

	"minibot/internal/plan"
)

// ErrUnreachable says that no engine answered.
var ErrUnreachable = errors.New("no Docker Engine answers")

// UnreachableError tells which engine did not answer, and why. It is ErrUnreachable.
type UnreachableError struct {
	Endpoint Endpoint
	Err      error
}

func (e *UnreachableError) Error() string {
	text := fmt.Sprintf("no Docker Engine answers at %s (%s)", e.Endpoint.Host, e.Endpoint.Source)
	switch {
	case e.Endpoint.SSH():
	case errors.Is(e.Err, fs.ErrPermission):
		return text + ": permission denied"
	case client.IsErrConnectionFailed(e.Err):
		return text // the client's error says just that
	}
	return fmt.Sprintf("%s: %v", text, e.Err)
}

func (e *UnreachableError) Unwrap() []error { return []error{ErrUnreachable, e.Err} }

// Engine is a connection to one Docker Engine. It is safe for concurrent use.
type Engine struct {
	api      *client.Client
	Endpoint Endpoint
	about    plan.Engine
	images   known
	since    time.Time // when it was connected
}

// Connect finds the engine and asks for its version. The error is an *UnreachableError
// where none answers.
func Connect(ctx context.Context, endpoint Endpoint) (*Engine, error) {
	return connect(ctx, endpoint, nil)
}

// ConnectEager connects for who wants the list of all containers first: it takes no call of its own. The list is as
// old as the connection.
func ConnectEager(ctx context.Context, endpoint Endpoint) (*Engine, error) {
	return connect(ctx, endpoint, newEager)
}

func connect(ctx context.Context, endpoint Endpoint, outermost func(http.RoundTripper) http.RoundTripper) (*Engine, error) {
	options, err := endpoint.options()
	if err != nil {
		return nil, fmt.Errorf("docker endpoint %s (%s): %w", endpoint.Host, endpoint.Source, err)
	}
	api, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, fmt.Errorf("docker endpoint %s (%s): %w", endpoint.Host, endpoint.Source, err)
	}
	for _, wrap := range []func(http.RoundTripper) http.RoundTripper{endpoint.Wrap, tracing(endpoint.Trace), outermost} {
		if err := wrapped(api, wrap); err != nil {
			return nil, err
		}
	}
	begun := time.Now()
	ping, err := api.Ping(ctx)
	if err != nil {
		_ = api.Close()
		if endpoint.SSH() {
			err = endpoint.reason(ctx, err)
		}
		return nil, &UnreachableError{Endpoint: endpoint, Err: plainly(err)}
	}
	api.NegotiateAPIVersionPing(ping)
	return &Engine{api: api, Endpoint: endpoint, about: plan.Engine{API: api.ClientVersion()}, since: begun}, nil
}

// Close gives up the connections.
func (e *Engine) Close() error { return e.api.Close() }

// plainly takes the client's advice out of an error, and the request that got no answer;
// minibot gives its own.
func plainly(err error) error {
	text := err.Error()
	if request := (*url.Error)(nil); errors.As(err, &request) {
		text = request.Err.Error()
	}
	for _, advice := range []string{". Is the docker daemon running?", " Is the docker daemon running?"} {
		text = strings.ReplaceAll(text, advice, "")
	}
	text = strings.TrimPrefix(text, "Error response from daemon: ")
	if text == err.Error() {
		return err
	}
	return &plainError{text: text, err: err}
}

type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }
func (e *plainError) Unwrap() error { return e.err }

// drain reads to the end and closes, so that the connection can be used again.
func drain(r io.ReadCloser) {
	_, _ = io.Copy(io.Discard, r)
	_ = r.Close()
}
