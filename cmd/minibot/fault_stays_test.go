package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// What keeps a new container from working leaves the old one answering, to a client that
// knocks all the time, and is said in one screen.
func TestOldServiceStays(t *testing.T) {
	t.Parallel()
	private := quiet(t)
	for _, c := range []struct {
		name     string
		old, new string // what changes in the spec
		code     int
		says     string
		swapped  bool // the old container is stopped for the new one, and comes back
		full     bool // the disk is full when an image comes
	}{
		{name: "bad image", old: "image     = $IMAGE", new: `image = "127.0.0.1:1/nobody/nothing:1"`, code: exitError, says: "pull 127.0.0.1:1/nobody/nothing:1: "},
		{name: "full disk", old: "image     = $IMAGE", new: `image = "127.0.0.1:1/nobody/nothing:1"`, code: exitError, says: "no space left on device", full: true},
		{name: "crashing command", old: `["redis-server", "/run/secrets/redis.conf"]`, new: `["sh", "-c", "echo it cannot work >&2; exit 3"]`, code: exitUnhealthy, says: "it cannot work", swapped: true},
		{name: "health check that never passes", old: "redis-cli ping | grep -qE 'PONG|NOAUTH' && touch /tmp/well", new: "seq 50; echo never well; exit 1", code: exitUnhealthy, says: "never well", swapped: true},
		{name: "port taken", old: "published = $PORT", new: "published = $TAKEN", code: exitError, says: "is held by another program"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDisturbed(t, private, scenario{}, fault{})
			var taken net.Listener
			if err := private.Inside(func() (err error) {
				taken, err = net.Listen("tcp", "127.0.0.1:0")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			defer taken.Close()
			values := strings.NewReplacer("$IMAGE", fmt.Sprintf("%q", d.redis), "$PORT", fmt.Sprint(d.port), "$TAKEN", fmt.Sprint(taken.Addr().(*net.TCPAddr).Port))
			d.good = strings.Replace(d.good, "{ restart = true }", "{}", 1) // one service at a time fits on a screen
			d.write(d.good)
			if c.swapped { // soon
				d.write(strings.Replace(d.good, "retries  = 30", "retries  = 2", 1))
				d.watch.phase(t, "fewer tries", true, func() { d.must("apply", "-y") })
			}
			old := d.spec()
			bad := strings.Replace(old, values.Replace(c.old), values.Replace(c.new), 1)
			if bad == old {
				t.Fatalf("the spec does not say %s", c.old)
			}
			d.write(bad)
			host := d.engine.Host
			if c.full {
				host = fullDisk(t, host)
			}
			before, away := d.containers(), d.knock()
			var said string
			d.watch.phase(t, c.name, true, func() {
				cmd := d.command(host, "apply", "-y")
				said = d.said(cmd)
				if got := cmd.ProcessState.ExitCode(); got != c.code {
					t.Errorf("exit code %d, want %d", got, c.code)
				}
			})
			d.holds()
			refused, out := away()
			if refused > 0 && !c.swapped {
				t.Errorf("it did not answer %d times, for %s", refused, out)
			}
			t.Logf("nobody answered for at most %s", out.Round(10*time.Millisecond))
			if !strings.Contains(said, c.says) {
				t.Errorf("it does not say %q", c.says)
			}
			if lines := strings.Count(said, "\n"); lines > 24 {
				t.Errorf("it says it in %d lines", lines)
			}
			d.watch.check(t)
			d.looked()
			d.write(old)
			d.must("plan", "--detailed-exitcode")
			if t.Failed() {
				t.Logf("minibot said:\n%s\nbefore:\n%s\nafter:\n%s", said, before, d.containers())
			}
		})
	}
}

// knock asks the store for its data again and again. What it returns ends that, and tells how
// often it did not answer, and for how long at most.
func (d *disturbed) knock() func() (refused int, away time.Duration) {
	ctx, cancel := context.WithCancel(d.Context())
	password := d.password()
	var knocking sync.WaitGroup
	var refused int
	var away time.Duration
	knocking.Go(func() {
		for last := time.Now(); ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			if answer, err := d.ask(password, "GET answer"); err != nil || answer != "$2 42" {
				refused++
				continue
			}
			away, last = max(away, time.Since(last)), time.Now()
		}
	})
	return func() (int, time.Duration) {
		cancel()
		knocking.Wait()
		return refused, away
	}
}

// fullDisk stands before an engine that can store no image, and returns its host.
func fullDisk(t *testing.T, upstream string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "minibot-") // a test's own may be too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "docker.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	engine := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine" },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", strings.TrimPrefix(upstream, "unix://"))
		}},
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/images/create") {
			engine.ServeHTTP(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"status":"Pulling fs layer","progressDetail":{},"id":"4abcf2066143"}`+"\n"+
			`{"errorDetail":{"message":"write /var/lib/docker/tmp/GetImageBlob1: no space left on device"},"error":"write /var/lib/docker/tmp/GetImageBlob1: no space left on device"}`+"\n")
	})}}
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return "unix://" + socket
}
