package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// behind starts a server on a unix socket and a proxy before it, and returns the proxy and a client of it.
func behind(t *testing.T, engine http.HandlerFunc, decide func(Call) Verdict) (*Proxy, *http.Client) {
	t.Helper()
	dir, err := os.MkdirTemp("", "minibot-") // a test's own may be too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "engine.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: engine, ErrorLog: log.New(io.Discard, "", 0)}}
	server.Start()
	p, err := NewProxy(socket, decide)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(); server.Close() })
	return p, clientOf(p)
}

// clientOf returns a client that keeps no connections, so that nothing is sent twice.
func clientOf(p *Proxy) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", p.socket())
		},
	}}
}

// answer makes a call and returns what the client gets: status and body, or "cut".
func answer(t *testing.T, cli *http.Client, method, path string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://docker"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := cli.Do(request)
	if err != nil {
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s %s: %v, want an answer or the end of the connection", method, path, err)
		}
		return "cut"
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
	}
	return response.Status + " " + string(body)
}

// happenings notes what happens, in its order, by whatever goroutine.
type happenings struct {
	mu   sync.Mutex
	list []string
}

func (h *happenings) note(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, what)
}

func (h *happenings) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.list, " ")
}

// TestProxyVerdicts holds, for each verdict, what the client gets, and in which order the call is decided on, heard
// and finished by the engine, and reported to the hook.
func TestProxyVerdicts(t *testing.T) {
	const fault = `{"message":"a fault for the test: POST /containers/create fails, `
	for name, test := range map[string]struct {
		verdict Verdict
		order   string
		want    string // how the client's answer begins
	}{
		"pass":           {Pass, "decided heard finished answered", "201 Created made"},
		"fail":           {Fail500, "decided", "500 Internal Server Error " + fault + "it was not passed on"},
		"fail after":     {FailAfter500, "decided heard finished answered", "500 Internal Server Error " + fault + "it was carried out"},
		"cut":            {Cut, "decided", "cut"},
		"cut after":      {CutAfter, "decided heard finished answered", "cut"},
		"engine is gone": {Pass, "decided heard", "cut"},
	} {
		t.Run(name, func(t *testing.T) {
			var happened happenings
			p, cli := behind(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "GET" {
					return
				}
				happened.note("heard")
				if name == "engine is gone" {
					panic(http.ErrAbortHandler)
				}
				w.WriteHeader(http.StatusCreated)
				if _, err := io.WriteString(w, "made"); err != nil {
					return
				}
				if test.verdict != Pass { // the status is long before the end, as a pull's is
					if _, err := w.Write(make([]byte, 8<<20)); err != nil {
						return
					}
				}
				happened.note("finished")
			}, func(c Call) Verdict {
				if c.Write != 1 {
					return Pass
				}
				happened.note("decided")
				return test.verdict
			})
			p.Answered(func(c Call) {
				if c.Write == 1 {
					happened.note("answered")
				}
			})
			if got := answer(t, cli, "GET", "/v1.41/info"); got != "200 OK " {
				t.Errorf("the call before: %q", got)
			}
			if got := answer(t, cli, "POST", "/v1.41/containers/create?name=a"); !strings.HasPrefix(got, test.want) {
				t.Errorf("the client gets %q, want %q", got, test.want)
			}
			if got := happened.String(); got != test.order {
				t.Errorf("order %q, want %q", got, test.order)
			}
			if got, want := p.Calls()[1], (Call{N: 2, Write: 1, Method: "POST", Path: "/containers/create", Query: "name=a"}); got != want {
				t.Errorf("the second call is %+v, want %+v", got, want)
			}
		})
	}
}

// TestProxyCutsEarly holds that the engine has the whole call when its client loses the connection, and ends it
// without.
func TestProxyCutsEarly(t *testing.T) {
	var happened happenings
	cut, answered := make(chan struct{}), make(chan struct{})
	p, cli := behind(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		<-cut
		happened.note(fmt.Sprintf("%s %v", body, err))
		if r.Context().Err() != nil {
			happened.note("without a proxy")
		}
	}, func(Call) Verdict { return CutEarly })
	p.Heard(func(Call) { happened.note("heard") })
	p.Answered(func(Call) { happened.note("answered"); close(answered) })
	response, err := cli.Post("http://docker/v1.41/containers/a/stop", "text/plain", strings.NewReader("all of it"))
	if err == nil {
		response.Body.Close()
		t.Error("the call was answered")
	}
	happened.note("cut")
	close(cut)
	<-answered
	if got, want := happened.String(), "heard cut all of it <nil> answered"; got != want {
		t.Errorf("order %q, want %q", got, want)
	}
}

func TestProxyHangs(t *testing.T) {
	for name, end := range map[string]func(p *Proxy, leave context.CancelFunc){
		"until the client leaves":   func(_ *Proxy, leave context.CancelFunc) { leave() },
		"until the proxy is closed": func(p *Proxy, _ context.CancelFunc) { p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			reached := make(chan struct{})
			p, cli := behind(t, func(http.ResponseWriter, *http.Request) { t.Error("the engine was called") }, func(Call) Verdict {
				close(reached)
				return Hang
			})
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			request, err := http.NewRequestWithContext(ctx, "POST", "http://docker/images/load", strings.NewReader("a body"))
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() {
				response, err := cli.Do(request)
				if err == nil {
					response.Body.Close()
				}
				ended <- err
			}()
			<-reached
			end(p, leave)
			if err := <-ended; err == nil {
				t.Error("the call was answered")
			}
			gone, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := poll(gone, func() (bool, error) {
				p.mu.Lock()
				defer p.mu.Unlock()
				return p.inFlight == 0, nil
			}); err != nil {
				t.Errorf("the proxy still holds the call: %v", err)
			}
		})
	}
}

func TestProxyCounts(t *testing.T) {
	p, cli := behind(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }, nil)
	for _, call := range []string{
		"HEAD /_ping", "GET /v1.41/containers/json", "POST /v1.41/containers/create", "POST /v1.41/containers/abc/start",
		"POST /v1.41/containers/abc/wait", "POST /v1.41/containers/abc/exec", "POST /v1.41/exec/def/start",
		"DELETE /v1.41/containers/abc", "PUT /v1.41/containers/abc/archive", "GET /v1.41/containers/abc/archive",
	} {
		method, path, _ := strings.Cut(call, " ")
		answer(t, cli, method, path)
	}
	var got []string
	for i, c := range p.Calls() {
		if c.N != i+1 {
			t.Errorf("call %d has number %d", i+1, c.N)
		}
		if c.Write > 0 {
			got = append(got, c.String())
			if c.Write != len(got) {
				t.Errorf("write %d has number %d", len(got), c.Write)
			}
		}
	}
	want := []string{
		"POST /containers/create", "POST /containers/abc/start", "POST /containers/abc/exec", "POST /exec/def/start",
		"DELETE /containers/abc", "PUT /containers/abc/archive",
	}
	if !slices.Equal(got, want) || p.Writes() != len(want) {
		t.Errorf("%d writes %q, want %q", p.Writes(), got, want)
	}
	for range 300 { // in some, the client would be faster than the proxy's end of the call
		answer(t, cli, "GET", "/v1.41/info")
	}
	if got := p.MaxInFlight(); got != 1 {
		t.Errorf("%d in flight, one after the other, want 1", got)
	}
}

func TestProxyMaxInFlight(t *testing.T) {
	const together = 5
	var there sync.WaitGroup
	there.Add(together)
	p, cli := behind(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			<-r.Context().Done()
			return
		}
		there.Done()
		there.Wait() // each answers when all are there
	}, nil)
	events, hangUp := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		request, _ := http.NewRequestWithContext(events, "GET", "http://docker/events", nil)
		if response, err := cli.Do(request); err == nil {
			response.Body.Close()
		}
	})
	var calls sync.WaitGroup
	for range together {
		calls.Go(func() { answer(t, cli, "POST", "/containers/create") })
	}
	calls.Wait()
	hangUp()
	all.Wait()
	if got := p.MaxInFlight(); got != together {
		t.Errorf("%d in flight, want %d: the event stream does not count", got, together)
	}
}

// TestProxyStreams holds that a line is handed on before the next one is written, both ways.
func TestProxyStreams(t *testing.T) {
	_, cli := behind(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		control.EnableFullDuplex()
		control.Flush() // an engine's event stream begins with a status and no event
		for in := bufio.NewScanner(r.Body); in.Scan(); {
			io.WriteString(w, strings.ToUpper(in.Text())+"\n")
			control.Flush()
		}
	}, nil)
	cli.Transport.(*http.Transport).DisableKeepAlives = false // a server reads all input first if the connection is to be kept
	body, input := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), "POST", "http://docker/images/load", body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := cli.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	out := bufio.NewReader(response.Body)
	for _, line := range []string{"one\n", "two\n"} {
		io.WriteString(input, line)
		if got, err := out.ReadString('\n'); got != strings.ToUpper(line) || err != nil {
			t.Errorf("%q comes back as %q, %v", line, got, err)
		}
	}
	input.Close()
	if rest, err := io.ReadAll(out); len(rest) > 0 || err != nil {
		t.Errorf("then %q, %v, want the end", rest, err)
	}
}
