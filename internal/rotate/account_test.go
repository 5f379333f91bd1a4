package rotate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"minibot/internal/probe"
	"minibot/internal/secret"
)

func value(text string) secret.Value { return secret.NewValue([]byte(text)) }

func TestLive(t *testing.T) {
	for kind, want := range map[string]bool{"postgres": true, "redis": true, "mongo": true, "openclaw": false, "": false, "http": false} {
		if got := (Account{Kind: kind}).Live(); got != want {
			t.Errorf("%q: %t", kind, got)
		}
	}
}

// What is wrong with the question itself is said without a connection.
func TestNothingIsSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Error("a connection")
			conn.Close()
		}
	}()
	for name, test := range map[string]struct {
		kind     string
		old, new string
		want     string
	}{
		"no old password": {"redis", "", "new-canary", "empty"},
		"no new password": {"redis", "old-canary", "", "empty"},
		"the same":        {"redis", "new-canary", "new-canary", "is the old one"},
		"openclaw":        {"openclaw", "old-canary", "new-canary", "cannot change it while it runs"},
		"an unknown kind": {"http", "old-canary", "new-canary", "no kind"},
		"a kind left out": {"", "old-canary", "new-canary", "no kind"},
	} {
		t.Run(name, func(t *testing.T) {
			account := Account{Service: "box", Kind: test.kind, Addr: listener.Addr().String(), User: "u"}
			err := account.Change(t.Context(), value(test.old), value(test.new))
			if err == nil || errors.Is(err, ErrRefused) || !strings.HasPrefix(err.Error(), "box: ") ||
				!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%v", err)
			}
		})
	}
	if accepted, err := (Account{Kind: "redis", Addr: listener.Addr().String()}).Accepts(t.Context(), value("")); accepted || !errors.Is(err, probe.ErrNoSecret) {
		t.Errorf("%t, %v", accepted, err)
	}
}

// gateway answers as an OpenClaw does whose password is right, and counts the passwords it was sent.
func gateway(t *testing.T, right string, locked bool) (addr string, tried *int) {
	tried = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bearer, sent := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if sent {
			*tried++
		}
		switch {
		case sent && locked:
			w.WriteHeader(http.StatusTooManyRequests)
		case !sent && right != "", bearer != right && right != "":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"error":{"type":"invalid_request"}}`)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), tried
}

func TestAcceptsOpenClaw(t *testing.T) {
	for name, test := range map[string]struct {
		right  string
		locked bool
		want   bool
		err    bool
		tried  int
	}{
		"right":      {right: "canary", want: true, tried: 1},
		"wrong":      {right: "other", tried: 1},
		"locked out": {right: "canary", locked: true, err: true, tried: 1},
		"open":       {err: true},
	} {
		t.Run(name, func(t *testing.T) {
			addr, tried := gateway(t, test.right, test.locked)
			accepted, err := Account{Service: "box", Kind: "openclaw", Addr: addr}.Accepts(t.Context(), value("canary"))
			if accepted != test.want || (err != nil) != test.err || *tried != test.tried {
				t.Errorf("%t, %v, %d tries", accepted, err, *tried)
			}
			if test.locked != errors.Is(err, probe.ErrRateLimited) {
				t.Error(err)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	for kind := range doors {
		account := Account{Service: "box", Kind: kind, Addr: listener.Addr().String(), User: "u", Database: "d"}
		if accepted, err := account.Accepts(t.Context(), value("canary")); err == nil || accepted {
			t.Errorf("%s: %t, %v", kind, accepted, err)
		}
		if err := account.Change(t.Context(), value("canary"), value("other")); err == nil || errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// A server that takes the connection and says nothing is not waited for beyond the context.
func TestSilence(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for kind := range doors {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if conn, err := listener.Accept(); err == nil {
				cancel()
				t.Cleanup(func() { conn.Close() })
			}
		}()
		account := Account{Service: "box", Kind: kind, Addr: listener.Addr().String(), User: "u", Database: "d"}
		if _, err := account.Accepts(ctx, value("canary")); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// No server's words stand in an error once it has seen a secret.
func TestRedisThrowsItBack(t *testing.T) {
	for name, reply := range map[string]string{
		"an error":       "-ERR Error in ACL SETUSER modifier '" + hashed(value("new-canary")) + "'\r\n",
		"a long code":    "-" + strings.Repeat("new-canary", 20) + "\r\n",
		"no error":       "+new-canary\r\n",
		"no rights":      "-NOPERM new-canary\r\n",
		"no RESP at all": "new-canary\r\n",
		"hangs up":       "",
	} {
		t.Run(name, func(t *testing.T) {
			addr := scriptedRedis(t, reply)
			err := Account{Service: "box", Kind: "redis", Addr: addr}.Change(t.Context(), value("old-canary"), value("new-canary"))
			if err == nil || errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "canary") ||
				strings.Contains(err.Error(), hashed(value("new-canary"))[:16]) {
				t.Error(err)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	network := &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	for _, test := range []struct {
		got  error
		want string
	}{
		{postgresFailure(t.Context(), &pgconn.PgError{Code: "25006", Message: "canary"}), "SQLSTATE 25006"},
		{postgresFailure(t.Context(), &pgconn.PgError{Code: "canary"}), "not heard"},
		{postgresFailure(t.Context(), fmt.Errorf("canary: %w", network)), "reset by peer"},
		{postgresFailure(ended, errors.New("canary")), "not heard: context canceled"},
		{mongoFailure(t.Context(), mongo.CommandError{Code: 13, Message: "canary"}), "13 Unauthorized"},
		{mongoFailure(t.Context(), mongo.CommandError{Code: 11, Message: "canary"}), "code 11"},
		{mongoFailure(t.Context(), mongo.CommandError{Message: "canary"}), "not heard"},
	} {
		if text := test.got.Error(); !strings.Contains(text, test.want) || strings.Contains(fmt.Sprintf("%+v %#v", test.got, test.got), "canary") {
			t.Errorf("%q, want %q", text, test.want)
		}
	}
}

// scriptedRedis asks strangers for a password, takes any, and answers ACL with reply.
func scriptedRedis(t *testing.T, reply string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				member, buffer := false, make([]byte, 4096)
				for {
					n, err := conn.Read(buffer)
					if err != nil {
						return
					}
					switch text := string(buffer[:n]); {
					case strings.Contains(text, "AUTH"):
						member = true
						io.WriteString(conn, "+OK\r\n")
					case strings.Contains(text, "ACL"):
						io.WriteString(conn, reply)
						return
					case member:
						io.WriteString(conn, "+PONG\r\n")
					default:
						io.WriteString(conn, "-NOAUTH Authentication required.\r\n")
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}
