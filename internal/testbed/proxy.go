package testbed

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/docker/docker/client"
)

// Proxy stands between a client and an engine. It counts calls and makes some of them fail, in ways that a
// healthy engine never shows. All it passes on it streams unchanged: events, pulls, copies, and connections
// that are upgraded, such as an exec's. A client that is behind it can tell only from the faults.
type Proxy struct {
	dir    string
	decide func(Call) Verdict
	server *http.Server
	ctx    context.Context    // of every call
	cut    context.CancelFunc // ends it

	mu                    sync.Mutex
	heard, answered       func(Call)
	calls                 []Call
	writes                int
	inFlight, maxInFlight int
}

// NewProxy returns a proxy that listens on a socket of its own, for the engine at upstream: the path of a unix
// socket, or what DOCKER_HOST holds (unix:// or tcp:// without TLS).
//
// Decide is asked about each call before anything is passed on, by several goroutines at once if calls come at
// once; nil passes all. It may take its time and do things, such as killing the client or the engine: that is
// the hook before a call. The one after it is Answered.
func NewProxy(upstream string, decide func(Call) Verdict) (*Proxy, error) {
	network, address := "unix", upstream
	if strings.Contains(upstream, "://") {
		host, err := client.ParseHostURL(upstream)
		if err != nil {
			return nil, fmt.Errorf("proxy: %w", err)
		}
		network, address = host.Scheme, host.Host
	}
	if network != "unix" && network != "tcp" {
		return nil, fmt.Errorf("proxy: an engine at %s:// is out of its reach", network)
	}
	if decide == nil {
		decide = func(Call) Verdict { return Pass }
	}
	dir, err := os.MkdirTemp("", "minibot-") // not a test's own directory: a socket's path has at most 104 bytes
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	p := &Proxy{dir: dir, decide: decide}
	transport := &http.Transport{
		DisableCompression: true,
		DisableKeepAlives:  true, // one kept from before the engine was restarted would fail the first call after
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	listener, err := net.Listen("unix", p.socket())
	if err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("proxy: %w", err)
	}
	if err := os.Chmod(p.socket(), 0o660); err != nil { // as an engine's
		listener.Close()
		os.RemoveAll(dir)
		return nil, fmt.Errorf("proxy: %w", err)
	}
	p.ctx, p.cut = context.WithCancel(context.Background())
	silent := log.New(io.Discard, "", 0) // what goes wrong here shows at the client
	p.server = &http.Server{
		ErrorLog:    silent,
		BaseContext: func(net.Listener) context.Context { return p.ctx },
		Handler: p.handler(&httputil.ReverseProxy{
			Transport: transport, FlushInterval: -1, ErrorLog: silent,
			Rewrite: func(r *httputil.ProxyRequest) {
				r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine"
				r.Out.URL.RawQuery = r.In.URL.RawQuery
				r.Out.Host = r.In.Host
			},
			ModifyResponse: p.modify,
			ErrorHandler:   fail,
		}),
	}
	go p.server.Serve(listener)
	return p, nil
}

func (p *Proxy) socket() string { return filepath.Join(p.dir, "docker.sock") }

// Host returns the address of the proxy, for DOCKER_HOST.
func (p *Proxy) Host() string { return "unix://" + p.socket() }

// Answered sets the hook that is called when the engine has answered a call that was passed on, before the client
// hears of it. With FailAfter500 and CutAfter the engine has then said its last word; with Pass its status, which
// for what streams is the first. Set it before the calls it is for.
func (p *Proxy) Answered(hook func(Call)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered = hook
}

// Heard sets the hook that is called with CutEarly when the engine has the call, before the client's connection is
// closed. Set it before the calls it is for.
func (p *Proxy) Heard(hook func(Call)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = hook
}

// Calls returns all calls so far, in the order in which they came.
func (p *Proxy) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Call(nil), p.calls...)
}

// Writes returns the number of writes so far: see Call.
func (p *Proxy) Writes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.writes
}

// MaxInFlight returns how many calls were under way at once at most, from a call's arrival to the end of the
// engine's answer, which the client has not seen yet: one call after the other is never two. GET /events does not count: it lasts as long as somebody listens.
func (p *Proxy) MaxInFlight() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.maxInFlight
}

// Close ends the proxy and cuts every connection, the upgraded ones and the hanging ones included.
func (p *Proxy) Close() error {
	p.cut()
	err := p.server.Close()
	return cmp.Or(err, os.RemoveAll(p.dir))
}

// enter notes a call. Leave is to be called, once or more, before the client can see the end of its answer.
func (p *Proxy) enter(r *http.Request) (call Call, leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	call = newCall(r)
	call.N = len(p.calls) + 1
	if call.writes() {
		p.writes++
		call.Write = p.writes
	}
	p.calls = append(p.calls, call)
	if call.Path == "/events" {
		return call, func() {}
	}
	p.inFlight++
	p.maxInFlight = max(p.maxInFlight, p.inFlight)
	return call, sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.inFlight--
	})
}
