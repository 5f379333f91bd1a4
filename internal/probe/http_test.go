package probe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// web starts an HTTP server of the handler and returns its host:port.
func web(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestHTTPSendsTheRequestAsItStands(t *testing.T) {
	type seen struct{ Method, Path, Query, Host, Key, Agent, Encoding, Body string }
	var requests record[seen]
	addr := web(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests.add(seen{r.Method, r.URL.Path, r.URL.RawQuery, r.Host, r.Header.Get("X-Key"),
			r.UserAgent(), r.Header.Get("Accept-Encoding"), string(body)})
		w.Header().Set("X-Answer", "42")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "short and stout")
	})
	header := http.Header{"X-Key": {"k"}, "Host": {"mini.local"}}
	got, err := HTTP(t.Context(), Request{"PUT", "http://" + addr + "/a/b?c=d", header, []byte("body")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]seen{{"PUT", "/a/b", "c=d", "mini.local", "k", "minibot-verify", "", "body"}}, requests.all()); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if got.Status != http.StatusTeapot || got.Header.Get("X-Answer") != "42" || string(got.Body) != "short and stout" || got.Truncated {
		t.Errorf("response %+v", got)
	}
	if diff := cmp.Diff(http.Header{"X-Key": {"k"}, "Host": {"mini.local"}}, header); diff != "" {
		t.Errorf("the caller's header changed (-want +got):\n%s", diff)
	}
}

func TestHTTPFollowsNothing(t *testing.T) {
	proxy := serve(t, func(net.Conn) {})
	t.Setenv("HTTP_PROXY", "http://"+proxy.addr)
	t.Setenv("http_proxy", "http://"+proxy.addr)
	var paths record[string]
	addr := web(t, func(w http.ResponseWriter, r *http.Request) {
		paths.add(r.URL.Path + r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	for range 2 {
		got, err := HTTP(t.Context(), Request{URL: "http://" + addr + "/here"})
		if err != nil || got.Status != http.StatusFound || got.Header.Get("Location") != "/elsewhere" {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if diff := cmp.Diff([]string{"/here", "/here"}, paths.all()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if n := proxy.connections.Load(); n != 0 {
		t.Errorf("%d connections to the proxy of the environment", n)
	}
}

func TestHTTPCapsTheBody(t *testing.T) {
	for size, truncated := range map[int]bool{replyLimit - 1: false, replyLimit: false, replyLimit + 1: true, replyLimit << 4: true} {
		addr := web(t, func(w http.ResponseWriter, r *http.Request) { w.Write(bytes.Repeat([]byte("x"), size)) })
		got, err := HTTP(t.Context(), Request{URL: "http://" + addr})
		if err != nil || len(got.Body) != min(size, replyLimit) || got.Truncated != truncated {
			t.Errorf("of %d bytes: %d, truncated %v, %v", size, len(got.Body), got.Truncated, err)
		}
	}
}

func TestHTTPErrorsQuoteNothing(t *testing.T) {
	query := "/?key=" + thePassword
	strange := serve(t, func(conn net.Conn) {
		conn.Read(make([]byte, 1))
		io.WriteString(conn, thePassword+"\r\n\r\n")
	})
	headers := serve(t, func(conn net.Conn) {
		conn.Read(make([]byte, 1))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat(thePassword, 1<<14)+"\r\n\r\n")
	})
	silent := serve(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	stalls := serve(t, func(conn net.Conn) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
		io.Copy(io.Discard, conn)
	})
	breaks := serve(t, func(conn net.Conn) {
		http.ReadRequest(newReader(conn))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
	})
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	for name, test := range map[string]struct {
		url  string
		want error
	}{
		"not HTTP":            {"http://" + strange.addr + query, ErrUnknownReply},
		"a heap of headers":   {"http://" + headers.addr + query, ErrUnknownReply},
		"silence":             {"http://" + silent.addr + query, context.DeadlineExceeded},
		"stalls in the body":  {"http://" + stalls.addr + query, context.DeadlineExceeded},
		"breaks off":          {"http://" + breaks.addr + query, io.ErrUnexpectedEOF},
		"nobody":              {"http://" + closedPort(t) + query, nil},
		"no such scheme":      {"gopher://127.0.0.1" + query, nil},
		"no host":             {"http:" + query, nil},
		"no URL":              {"http://[" + thePassword, nil},
		"unknown certificate": {secure.URL + query, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if errors.Is(test.want, context.DeadlineExceeded) {
				ctx = soon(t)
			}
			got, err := HTTP(ctx, Request{URL: test.url})
			if got.Status != 0 || got.Body != nil {
				t.Errorf("a response beside the error: %+v", got)
			}
			expectError(t, Answer{}, err, test.want)
		})
	}
}
