package remote

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
)

// Process is a program on the other machine, with its streams. It is a [net.Conn] without deadlines.
type Process struct {
	machine string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	stdout  io.ReadCloser
	stderr  complaint
	wait    func() error
	over    chan struct{} // closed when ssh has ended
}

// Error says why a program on another machine ended, or never began.
type Error struct {
	Machine string
	// Status is ssh's: the program's, or 255 if ssh itself failed, or -1 if it was killed.
	Status int
	// Said is the last line that was written to standard error.
	Said string
}

func (e *Error) Error() string {
	if e.Status == sshFailed {
		return fmt.Sprintf("ssh %s: %s", e.Machine, strings.TrimPrefix(e.Said, "ssh: "))
	}
	return fmt.Sprintf("on %s: %s", e.Machine, e.Said)
}

// sshFailed is the status of an ssh that failed itself.
const sshFailed = 255

// start starts ssh, in a session of its own: an interrupt from the keyboard must reach minibot alone, which may have to
// take something back over there.
func start(machine string, env, args []string) (*Process, error) {
	p := &Process{machine: machine, cmd: exec.Command("ssh", args...), over: make(chan struct{})}
	p.cmd.Env, p.cmd.Stderr = env, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	p.cmd.WaitDelay = time.Second // for what holds its standard error open
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.wait = sync.OnceValue(func() error {
		defer close(p.over)
		return p.cmd.Wait()
	})
	return p, nil
}

// Read reads the program's standard output. At its end it is io.EOF if all went well, and else an *Error.
func (p *Process) Read(b []byte) (int, error) {
	n, err := p.stdout.Read(b)
	if err == io.EOF {
		err = p.outcome()
	}
	return n, err
}

// outcome waits for the end of a program whose output has ended.
func (p *Process) outcome() error {
	var exit *exec.ExitError
	switch err := p.wait(); {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return io.EOF
	case errors.As(err, &exit) && exit.ExitCode() == sshFailed:
		return &Error{Machine: p.machine, Status: sshFailed, Said: p.lastWord("the connection has ended")}
	case errors.As(err, &exit):
		return &Error{Machine: p.machine, Status: exit.ExitCode(), Said: p.lastWord(exit.String())}
	default:
		return &Error{Machine: p.machine, Status: -1, Said: err.Error()}
	}
}

// lastWord is the last line of its standard error, fit to be printed, or another text if it wrote none.
func (p *Process) lastWord(otherwise string) string {
	clean := strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, p.Complaint())
	lines := strings.Split(strings.TrimSpace(clean), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return last
	}
	return otherwise
}

// Write writes to the program's standard input.
func (p *Process) Write(b []byte) (int, error) { return p.stdin.Write(b) }

// CloseWrite ends its standard input.
func (p *Process) CloseWrite() error { return p.stdin.Close() }

// Complaint is the end of what it has written to its standard error.
func (p *Process) Complaint() string { return p.stderr.String() }

// Close gives the program up: its streams end, and so does its ssh. What it does about that over there is its own business.
func (p *Process) Close() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_, _ = p.stdin.Close(), p.stdout.Close()
	stuck := time.AfterFunc(3*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer stuck.Stop()
	_ = p.wait()
	return nil
}

func (p *Process) ended() bool {
	select {
	case <-p.over:
		return true
	default:
		return false
	}
}

// LocalAddr and RemoteAddr are the machine's name: there is no address.
func (p *Process) LocalAddr() net.Addr  { return addr(p.machine) }
func (p *Process) RemoteAddr() net.Addr { return addr(p.machine) }

// SetDeadline and its like do nothing.
func (p *Process) SetDeadline(time.Time) error      { return nil }
func (p *Process) SetReadDeadline(time.Time) error  { return nil }
func (p *Process) SetWriteDeadline(time.Time) error { return nil }

type addr string

func (addr) Network() string  { return "ssh" }
func (a addr) String() string { return string(a) }

// complaint keeps the end of what is written.
type complaint struct {
	mu   sync.Mutex
	text []byte
}

func (c *complaint) Write(b []byte) (int, error) {
	const most = 4 << 10
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, b...)
	c.text = c.text[max(0, len(c.text)-most):]
	return len(b), nil
}

func (c *complaint) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.text)
}
