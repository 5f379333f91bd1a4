package probe

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"minibot/internal/secret"
)

// The frames of a real gateway (2026.9.6), shortened.
const (
	challengeFrame = `{"type":"event","event":"connect.challenge","payload":{"nonce":"n","ts":1}}`
	helloFrame     = `{"type":"res","id":"1","ok":true,"payload":{"type":"hello-ok","protocol":4,"auth":{"method":"password","scopes":[]}}}`
)

func refusalFrame(code, detail string) string {
	return `{"type":"res","id":"1","ok":false,"error":{"code":"` + code + `","message":"m","details":{"code":"` + detail + `"}}}`
}

// socketGateway answers a connect with frames, after looking at it.
func socketGateway(t *testing.T, look func(header http.Header, request map[string]any), frames ...string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		conn.Write(r.Context(), websocket.MessageText, []byte(challengeFrame))
		_, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		var request map[string]any
		if err := json.Unmarshal(message, &request); err != nil {
			t.Errorf("%s: %v", message, err)
		}
		if look != nil {
			look(r.Header, request)
		}
		for _, frame := range frames {
			conn.Write(r.Context(), websocket.MessageText, []byte(frame))
		}
		conn.Close(websocket.StatusPolicyViolation, "")
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestOpenClawSocket(t *testing.T) {
	for name, test := range map[string]struct {
		frames []string
		want   State
		err    error
	}{
		"no device":         {frames: []string{refusalFrame("NOT_PAIRED", "DEVICE_IDENTITY_REQUIRED")}, want: Refuses},
		"password missing":  {frames: []string{refusalFrame("INVALID_REQUEST", "AUTH_PASSWORD_MISSING")}, want: Refuses},
		"open":              {frames: []string{`{"type":"event","event":"tick"}`, helloFrame}, want: Open},
		"locked out":        {frames: []string{refusalFrame("INVALID_REQUEST", "AUTH_RATE_LIMITED")}, err: ErrRateLimited},
		"starting":          {frames: []string{`{"type":"res","id":"1","ok":false,"error":{"code":"UNAVAILABLE","message":"gateway starting; retry shortly","retryable":true,"retryAfterMs":500,"details":{"reason":"startup-sidecars"}}}`}, err: ErrStarting},
		"another protocol":  {frames: []string{refusalFrame("PROTOCOL_MISMATCH", "")}, err: ErrUnknownReply},
		"ok without hello":  {frames: []string{`{"type":"res","id":"1","ok":true,"payload":{}}`}, err: ErrUnknownReply},
		"refusal of nobody": {frames: []string{`{"type":"res","id":"1","ok":false}`}, err: ErrUnknownReply},
		"not JSON":          {frames: []string{"hello"}, err: ErrUnknownReply},
		"nothing":           {err: ErrUnknownReply},
		"talks without end": {frames: strings.Split(strings.Repeat(challengeFrame+"\n", 40), "\n")[:39], err: ErrUnknownReply},
	} {
		t.Run(name, func(t *testing.T) {
			addr := socketGateway(t, func(header http.Header, request map[string]any) {
				params := request["params"].(map[string]any)
				if params["device"] != nil || params["auth"] != nil || header.Get("Origin") != "" || request["method"] != "connect" {
					t.Errorf("a stranger sent %v, origin %q", request, header.Get("Origin"))
				}
			}, test.frames...)
			answer, err := OpenClawSocket(t.Context(), addr)
			if answer.State != test.want || !errors.Is(err, test.err) {
				t.Errorf("%v, %v; want %q, %v", answer, err, test.want, test.err)
			}
		})
	}
}

func TestOpenClawSocketLogin(t *testing.T) {
	const password = "s3same-s3same"
	for name, test := range map[string]struct {
		frame string
		want  State
		err   error
	}{
		"right":         {frame: helloFrame, want: Accepts},
		"wrong":         {frame: refusalFrame("INVALID_REQUEST", "AUTH_PASSWORD_MISMATCH"), want: Rejects},
		"locked out":    {frame: refusalFrame("INVALID_REQUEST", "AUTH_RATE_LIMITED"), err: ErrRateLimited},
		"pairing":       {frame: refusalFrame("NOT_PAIRED", "PAIRING_REQUIRED"), err: ErrUnknownReply},
		"tells it back": {frame: refusalFrame(password, password), err: ErrUnknownReply},
	} {
		t.Run(name, func(t *testing.T) {
			addr := socketGateway(t, func(_ http.Header, request map[string]any) {
				params := request["params"].(map[string]any)
				if auth, _ := params["auth"].(map[string]any); auth["password"] != password || params["device"] != nil {
					t.Errorf("the login sent %v", params)
				}
			}, test.frame)
			answer, err := OpenClawSocketLogin(t.Context(), addr, secret.NewValue([]byte(password)))
			if answer.State != test.want || !errors.Is(err, test.err) {
				t.Errorf("%v, %v; want %q, %v", answer, err, test.want, test.err)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
	if _, err := OpenClawSocketLogin(t.Context(), "127.0.0.1:1", secret.Value{}); !errors.Is(err, ErrNoSecret) {
		t.Errorf("%v, want ErrNoSecret", err)
	}
}

// What is no gateway, or says nothing, is an error.
func TestOpenClawSocketElsewhere(t *testing.T) {
	page := httptest.NewServer(http.NotFoundHandler())
	defer page.Close()
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	defer busy.Close()
	for name, test := range map[string]struct {
		addr string
		err  error
	}{
		"a page":     {page.Listener.Addr().String(), ErrUnknownReply},
		"locked out": {busy.Listener.Addr().String(), ErrRateLimited},
		"no HTTP":    {serve(t, func(c net.Conn) { c.Write([]byte("-ERR what\r\n")) }).addr, ErrUnknownReply},
	} {
		if answer, err := OpenClawSocket(t.Context(), test.addr); !errors.Is(err, test.err) || answer.State != "" {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
	}
	mute := serve(t, func(c net.Conn) { c.Read(make([]byte, 1)); time.Sleep(100 * time.Millisecond) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := OpenClawSocket(ctx, mute.addr); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the end of the context", err)
	}
}
