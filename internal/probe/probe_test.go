package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"minibot/internal/secret"
)

// server is a listener on loopback that speaks what its test says.
type server struct {
	addr        string
	connections atomic.Int32
	listener    net.Listener
	open        sync.WaitGroup
}

// finish waits until all connections have been handled. Their clients must be done with them.
func (s *server) finish() {
	s.listener.Close()
	s.open.Wait()
}

// serve starts a server whose every connection is given to handle, and closed after it. The test's end closes
// what is still open and waits for the handlers.
func serve(t testing.TB, handle func(net.Conn)) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: listener.Addr().String(), listener: listener}
	var mu sync.Mutex
	var conns []net.Conn
	s.open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			s.open.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for _, conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		s.open.Wait()
	})
	return s
}

// record collects what a server heard.
type record[T any] struct {
	mu   sync.Mutex
	list []T
}

func (r *record[T]) add(item T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, item)
}

func (r *record[T]) all() []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// closedPort returns an address where nobody listens.
func closedPort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// soon is a context whose deadline is a matter of milliseconds, for a server that says nothing.
func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

const thePassword = "Correct-Horse-7"

func password(text string) secret.Value { return secret.NewValue([]byte(text)) }

// expect compares an answer's state, and demands that an error comes with no answer at all.
func expect(t testing.TB, got Answer, err error, want State) {
	t.Helper()
	if err != nil {
		t.Fatalf("error: %v", err)
	}
	if diff := cmp.Diff(want, got.State); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	checkText(t, got.Detail)
}

func expectError(t testing.TB, got Answer, err, want error) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, but %+v", got)
	}
	if want != nil && !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
	if diff := cmp.Diff(Answer{}, got); diff != "" {
		t.Errorf("an answer beside the error (-want +got):\n%s", diff)
	}
	checkText(t, err.Error())
	checkText(t, fmt.Sprintf("%+v", err))
}

// checkText demands one line without the password.
func checkText(t testing.TB, text string) {
	t.Helper()
	if strings.Contains(text, thePassword) {
		t.Errorf("the password stands in %q", text)
	}
	if text == "" || strings.ContainsAny(text, "\n\r\x1b") {
		t.Errorf("not one printable line: %q", text)
	}
}

// everyProbe is each probe and each login, for what is asked of all of them.
func everyProbe() map[string]func(context.Context, string) (Answer, error) {
	return map[string]func(context.Context, string) (Answer, error){
		"postgres":    func(ctx context.Context, addr string) (Answer, error) { return Postgres(ctx, addr, "u", "d") },
		"replication": func(ctx context.Context, addr string) (Answer, error) { return PostgresReplication(ctx, addr, "u") },
		"redis":       Redis,
		"mongo":       Mongo,
		"openclaw":    OpenClaw,
		"postgres login": func(ctx context.Context, addr string) (Answer, error) {
			return PostgresLogin(ctx, addr, "u", "d", password(thePassword))
		},
		"redis login": func(ctx context.Context, addr string) (Answer, error) {
			return RedisLogin(ctx, addr, "", password(thePassword))
		},
		"mongo login": func(ctx context.Context, addr string) (Answer, error) {
			return MongoLogin(ctx, addr, "u", password(thePassword))
		},
		"openclaw login": func(ctx context.Context, addr string) (Answer, error) {
			return OpenClawLogin(ctx, addr, password(thePassword))
		},
	}
}

// What is no service of the protocol never gets an answer, whatever it does, and never gets the password into
// an error by throwing it back.
func TestNoAnswerFromStrangeServers(t *testing.T) {
	servers := map[string]func(net.Conn){
		"silent":   func(conn net.Conn) { io.Copy(io.Discard, conn) },
		"hangs up": func(net.Conn) {},
		"hangs up after a request": func(conn net.Conn) {
			conn.Read(make([]byte, 1))
		},
		"echo": func(conn net.Conn) { io.Copy(conn, conn) },
		"echo of the password": func(conn net.Conn) {
			conn.Read(make([]byte, 1))
			fmt.Fprintf(conn, "-%[1]s %[1]s\r\n%[1]s\r\n", thePassword)
		},
		"garbage": func(conn net.Conn) {
			io.WriteString(conn, "\x00\x01\x02\x03\x1b[2J\xff\xfe\r\n"+strings.Repeat("\x00", 64))
			io.Copy(io.Discard, conn)
		},
		"ssh": func(conn net.Conn) {
			io.WriteString(conn, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
			io.Copy(io.Discard, conn)
		},
		"endless": func(conn net.Conn) {
			block := []byte(strings.Repeat("+a-R", 4096))
			for {
				if _, err := conn.Write(block); err != nil {
					return
				}
			}
		},
	}
	for probeName, probe := range everyProbe() {
		for serverName, handle := range servers {
			if serverName == "echo of the password" && !strings.HasSuffix(probeName, "login") {
				continue // it could not know one
			}
			t.Run(probeName+"/"+serverName, func(t *testing.T) {
				t.Parallel()
				answer, err := probe(soon(t), serve(t, handle).addr)
				if serverName == "silent" {
					expectError(t, answer, err, context.DeadlineExceeded)
				} else {
					expectError(t, answer, err, nil)
				}
			})
		}
		t.Run(probeName+"/nobody", func(t *testing.T) {
			answer, err := probe(t.Context(), closedPort(t))
			expectError(t, answer, err, nil)
			var refused *net.OpError
			if !errors.As(err, &refused) {
				t.Errorf("not the network's error: %v", err)
			}
		})
		t.Run(probeName+"/cancelled", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := serve(t, func(conn net.Conn) {
				conn.Read(make([]byte, 1))
				cancel()
				io.Copy(io.Discard, conn)
			})
			answer, err := probe(ctx, s.addr)
			expectError(t, answer, err, context.Canceled)
		})
	}
}

func TestLoginsSendNothingWithoutAPassword(t *testing.T) {
	s := serve(t, func(net.Conn) {})
	for name, login := range map[string]func() (Answer, error){
		"postgres": func() (Answer, error) { return PostgresLogin(t.Context(), s.addr, "u", "d", secret.Value{}) },
		"redis":    func() (Answer, error) { return RedisLogin(t.Context(), s.addr, "u", secret.Value{}) },
		"mongo":    func() (Answer, error) { return MongoLogin(t.Context(), s.addr, "u", secret.Value{}) },
		"openclaw": func() (Answer, error) { return OpenClawLogin(t.Context(), s.addr, secret.Value{}) },
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := login()
			expectError(t, answer, err, ErrNoSecret)
		})
	}
	if n := s.connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestWithDeadline(t *testing.T) {
	ctx, cancel := withDeadline(t.Context())
	defer cancel()
	deadline, ok := ctx.Deadline()
	if left := time.Until(deadline); !ok || left > DefaultTimeout || left < DefaultTimeout/2 {
		t.Errorf("deadline in %v", left)
	}
	far, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	ctx, cancel = withDeadline(far)
	defer cancel()
	if deadline, _ := ctx.Deadline(); time.Until(deadline) < time.Minute {
		t.Error("the caller's deadline was not kept")
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                    "plain",
		"  a\x1b[31mb\r\nc\x00 ":   "a [31mb  c",
		"größe\u202e":              "größe",
		strings.Repeat("é", 200):   strings.Repeat("é", 160) + "…",
		"\xff\xfe broken encoding": "�� broken encoding",
	} {
		if diff := cmp.Diff(want, clean(in)); diff != "" {
			t.Errorf("clean(%q) (-want +got):\n%s", in, diff)
		}
	}
}
