package probe

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// talker greets, answers the first message with it and a number of words more, and hangs up.
func talker(t *testing.T, words ...string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/live" {
			http.NotFound(w, r)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		conn.Write(r.Context(), websocket.MessageText, []byte("greetings"))
		_, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		for _, word := range append([]string{string(message)}, words...) {
			conn.Write(r.Context(), websocket.MessageText, []byte(word))
		}
		conn.Close(websocket.StatusNormalClosure, "")
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestWebSocket(t *testing.T) {
	addr := talker(t, "one", "two")
	for name, test := range map[string]struct {
		send, expect string
		want         bool
	}{
		"the handshake":     {want: true},
		"the greeting":      {expect: "^greet", want: true},
		"the echo":          {send: "hello", expect: "^hello$", want: true},
		"the last word":     {send: "hello", expect: "two", want: true},
		"what is not said":  {send: "hello", expect: "three"},
		"nothing was asked": {expect: "^hello$"}, // the talker waits: the context ends it
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			var expect *regexp.Regexp
			if test.expect != "" {
				expect = regexp.MustCompile(test.expect)
			}
			got, err := WebSocket(ctx, addr, "/live", test.send, expect)
			if got != test.want || (err != nil) != (name == "nothing was asked") {
				t.Errorf("%t, %v; want %t", got, err, test.want)
			}
		})
	}
	if _, err := WebSocket(t.Context(), addr, "/elsewhere", "", nil); !errors.Is(err, ErrUnknownReply) {
		t.Errorf("%v, want ErrUnknownReply", err)
	}
	if _, err := WebSocket(t.Context(), closedPort(t), "/", "", nil); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v, want a refusal", err)
	}
	if _, err := WebSocket(t.Context(), serve(t, func(net.Conn) {}).addr, "/", "", nil); !errors.Is(err, ErrUnknownReply) {
		t.Errorf("%v, want ErrUnknownReply", err)
	}
}
