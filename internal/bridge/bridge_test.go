package bridge

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// local is a program that runs on this machine, in a process group of its own.
type local struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.ReadCloser
	stderr *syncBuffer
}

func (l *local) Read(p []byte) (int, error)  { return l.stdout.Read(p) }
func (l *local) Write(p []byte) (int, error) { return l.stdin.Write(p) }
func (l *local) CloseWrite() error           { return l.stdin.Close() }
func (l *local) Complaint() string           { return l.stderr.String() }
func (l *local) Close() error                { return errors.Join(l.stdin.Close(), l.stdout.Close()) }

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// machine starts programs here, and knows whether any is left.
type machine struct {
	t      *testing.T
	mu     sync.Mutex
	groups []int
}

func (m *machine) start(_ context.Context, argv []string) (Process, error) {
	if _, err := exec.LookPath(argv[0]); err != nil {
		return nil, err
	}
	l := &local{cmd: exec.Command(argv[0], argv[1:]...), stderr: &syncBuffer{}}
	l.cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"}
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	l.cmd.Stderr = l.stderr
	var err error
	if l.stdin, err = l.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	r, w := io.Pipe() // closing it does not end the program: the engine's does not either
	l.stdout, l.cmd.Stdout = r, w
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.groups = append(m.groups, l.cmd.Process.Pid)
	go func() { l.cmd.Wait(); w.Close() }()
	return l, nil
}

// empty waits until no process is left, for a while.
func (m *machine) empty() {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, group := range m.groups {
		for begun := time.Now(); syscall.Kill(-group, 0) == nil; time.Sleep(10 * time.Millisecond) {
			if time.Since(begun) > 10*time.Second {
				left, _ := exec.Command("ps", "-o", "pid,ppid,stat,args", "-g", strconv.Itoa(group)).CombinedOutput()
				m.t.Errorf("processes of group %d are left:\n%s", group, left)
				syscall.Kill(-group, syscall.SIGKILL)
				break
			}
		}
	}
}

// each runs a test with every program that this machine has. The others run in containers
// (see internal/engine).
func each(t *testing.T, test func(*testing.T, *Bridge)) {
	all := programs
	ran := 0
	for _, p := range all {
		t.Run(p.name, func(t *testing.T) {
			m := &machine{t: t}
			b, err := openOnly(t, m, p.name)
			if errors.Is(err, ErrNoProgram) {
				t.Skipf("SKIPPED, this machine has none: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			ran++
			test(t, b)
			b.Close()
			m.empty()
		})
	}
	if ran == 0 {
		t.Error("no program ran")
	}
}

func openOnly(t *testing.T, m *machine, name string) (*Bridge, error) {
	return Open(t.Context(), time.Minute, func(ctx context.Context, argv []string) (Process, error) {
		for _, p := range programs {
			if p.name == name && p.argv[2] == argv[2] {
				return m.start(ctx, argv)
			}
		}
		return nil, exec.ErrNotFound
	})
}

// serve answers each connection by a function, and returns the address.
func serve(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); answer(c) }()
		}
	}()
	return l.Addr().String()
}

func echo(c net.Conn) { io.Copy(c, c) }

func brief(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestBytes(t *testing.T) {
	addr := serve(t, echo)
	each(t, func(t *testing.T, b *Bridge) {
		conn, err := b.DialContext(brief(t, 5*time.Second), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		sent := make([]byte, 1<<20)
		random := rand.NewChaCha8([32]byte{})
		random.Read(sent)
		go conn.Write(sent)
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("a MiB comes back as another, %v", err)
		}
		if got := conn.RemoteAddr().String(); got != addr {
			t.Errorf("the remote address is %s, want %s", got, addr)
		}
	})
}

func TestEnds(t *testing.T) {
	gone := make(chan struct{}, 1)
	patient := serve(t, func(c net.Conn) {
		io.Copy(io.Discard, c)
		gone <- struct{}{}
	})
	curt := serve(t, func(c net.Conn) { io.WriteString(c, "bye") })
	each(t, func(t *testing.T, b *Bridge) {
		conn, err := b.DialContext(brief(t, 5*time.Second), "tcp", patient)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		select {
		case <-gone:
		case <-time.After(5 * time.Second):
			t.Error("the server does not learn that the connection is closed")
		}
		conn, err = b.DialContext(brief(t, 5*time.Second), "tcp", curt)
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(conn)
		if string(said) != "bye" || err != nil {
			t.Errorf("%q, %v from a server that says bye and hangs up", said, err)
		}
		conn.Close()
	})
}

func TestDeadline(t *testing.T) {
	addr := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	each(t, func(t *testing.T, b *Bridge) {
		conn, err := b.DialContext(brief(t, 5*time.Second), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Millisecond))
		var timeout net.Error
		if _, err := conn.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v, want a timeout", err)
		}
	})
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	each(t, func(t *testing.T, b *Bridge) {
		if _, err := b.DialContext(brief(t, 5*time.Second), "tcp", l.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%v, want a refusal", err)
		}
		var unknown *net.DNSError
		if _, err := b.DialContext(brief(t, 20*time.Second), "tcp", "a..b:80"); !errors.As(err, &unknown) {
			t.Errorf("%v, want a name that does not resolve", err)
		}
	})
}

// silent is an address whose machine does not answer: the queue of a listener that nobody serves is full.
func silent(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(bound.(*syscall.SockaddrInet4).Port))
	for range 8 {
		conn, err := net.DialTimeout("tcp", addr, 100*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("SKIPPED: this system answers for a listener whose queue is full")
	return ""
}

func TestSilence(t *testing.T) {
	addr := silent(t)
	each(t, func(t *testing.T, b *Bridge) {
		begun := time.Now()
		_, err := b.DialContext(brief(t, 300*time.Millisecond), "tcp", addr)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 2*time.Second {
			t.Errorf("%v after %s, want the end of the context", err, time.Since(begun))
		}
	})
}

func TestSideBySide(t *testing.T) {
	addr := serve(t, echo)
	flood := serve(t, func(c net.Conn) {
		for {
			if _, err := c.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	each(t, func(t *testing.T, b *Bridge) {
		unread, err := b.DialContext(brief(t, 5*time.Second), "tcp", flood)
		if err != nil {
			t.Fatal(err)
		}
		defer unread.Close()
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				conn, err := b.DialContext(brief(t, 20*time.Second), "tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				want := strings.Repeat(strconv.Itoa(i), 1000)
				go io.WriteString(conn, want)
				got := make([]byte, len(want))
				if _, err := io.ReadFull(conn, got); string(got) != want || err != nil {
					t.Errorf("connection %d heard %.10q…, %v", i, got, err)
				}
			})
		}
		all.Wait()
	})
}

// Whoever held the bridge may be killed: then nobody says good-bye.
func TestOrphans(t *testing.T) {
	addr := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			m := &machine{t: t}
			argv := p.argv
			if !p.many {
				host, port, _ := net.SplitHostPort(addr)
				argv = append(argv[:len(argv):len(argv)], host, port, "5")
			}
			process, err := m.start(t.Context(), argv)
			if err != nil {
				t.Skipf("SKIPPED, this machine has none: %v", err)
			}
			if _, err := process.Read(make([]byte, 1)); err != nil {
				t.Skipf("SKIPPED, it does not work here: %v, %s", err, process.Complaint())
			}
			process.CloseWrite()
			m.empty()
		})
	}
}

func TestNoProgram(t *testing.T) {
	_, err := Open(t.Context(), time.Minute, func(context.Context, []string) (Process, error) {
		return nil, errors.New("executable file not found in $PATH")
	})
	if !errors.Is(err, ErrNoProgram) || !strings.Contains(err.Error(), "perl: executable file not found") {
		t.Errorf("%v", err)
	}
	_, err = Open(t.Context(), 10*time.Millisecond, func(ctx context.Context, argv []string) (Process, error) {
		if argv[0] == "perl" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, errors.New("executable file not found in $PATH")
	})
	if errors.Is(err, ErrNoProgram) || !strings.Contains(err.Error(), "not ready in time (node: executable") || !strings.Contains(err.Error(), "perl: not ready in time, after 10ms") {
		t.Errorf("one never answers: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, time.Minute, (&machine{t: t}).start); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the end of the context", err)
	}
}
