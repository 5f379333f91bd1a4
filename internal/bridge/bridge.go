// Package bridge opens TCP connections from inside a container, so that what is dialled is dialled as the
// container's neighbours see it. No image is pulled, no container made and no file written: a small program runs in
// a container that is there, in a language that its image happens to have, and passes on the bytes of its standard
// input and output.
//
// It knows no engine: whoever uses it says how a program is started. It cannot leave a program behind: each ends when
// its input ends, and by itself when a minute has passed without a word. Bytes go through the input alone, so that
// no secret stands in a list of arguments.
package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// Process is a program that runs in the container. Read reads its standard output, to io.EOF when it has ended; Write
// writes to its standard input.
type Process interface {
	io.ReadWriter
	// CloseWrite ends its input.
	CloseWrite() error
	// Complaint is what it has written to its standard error so far.
	Complaint() string
	// Close gives it up: Read and Write return at once.
	Close() error
}

// Start starts a program in the container. An error, or a program that ends without a word, says that there is none.
type Start func(ctx context.Context, argv []string) (Process, error)

// ErrNoProgram says that the container's image has none of the programs by which a connection can be made in it.
var ErrNoProgram = errors.New("its image has no program that can make a connection")

// Bridge dials from inside one container. It is safe for concurrent use.
type Bridge struct {
	// Program is the name of the program that it runs, such as "node".
	Program string

	way  way
	open sync.WaitGroup // connections
}

// way is how the programs of one kind make connections.
type way interface {
	// dial connects. What it returns can be read and written until it is closed.
	dial(ctx context.Context, host, port string) (io.ReadWriteCloser, error)
	// close returns when no program is left.
	close()
}

// Open finds a program that works: it starts each of them in turn, and gives each of them patience to become ready. The
// error is ErrNoProgram where there is none: not where one was not ready in time.
func Open(ctx context.Context, patience time.Duration, start Start) (*Bridge, error) {
	var why []string
	none := ErrNoProgram
	for _, p := range programs {
		b := &Bridge{Program: p.name}
		process, err := try(ctx, patience, start, p.argv)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, errLate):
			none = errLate
			fallthrough
		case err != nil:
			why = append(why, p.name+": "+err.Error())
			continue
		case p.many:
			b.way = newMany(process)
		default:
			leave(process)
			b.way = &single{start: start, argv: p.argv}
		}
		return b, nil
	}
	return nil, fmt.Errorf("%w (%s)", none, strings.Join(why, "; "))
}

// greeting is what a program prints when it has found that it can do the work.
const greeting = "minibot\n"

// errLate says of a program, or of all of them, that it may be there.
var errLate = errors.New("not ready in time")

// try gives one program its time: an engine that never answers for it must not keep the others from being tried.
func try(ctx context.Context, patience time.Duration, start Start, argv []string) (Process, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("%w, after %s", errLate, patience))
	defer cancel()
	process, err := greeted(ctx, start, argv)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return process, err
}

// greeted starts a program and waits for its greeting.
func greeted(ctx context.Context, start Start, argv []string) (Process, error) {
	process, err := start(ctx, argv)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { process.Close() })
	defer stop()
	word := make([]byte, len(greeting))
	if _, err := io.ReadFull(process, word); err == nil && string(word) == greeting {
		return process, nil
	}
	rest, _ := io.ReadAll(io.LimitReader(process, 200))
	_ = process.Close()
	return nil, errors.New(plain(string(word)+string(rest), process.Complaint()))
}

// DialContext connects to addr (host:port), as the container resolves and routes it. Errors are those of net.Dialer
// where the program says why: syscall.ECONNREFUSED and its like within a *net.OpError, *net.DNSError.
func (b *Bridge) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if network != "tcp" || strings.ContainsFunc(host+port, func(r rune) bool { return r <= ' ' }) {
		return nil, fmt.Errorf("a bridge cannot dial %s %q", network, addr)
	}
	far, err := b.way.dial(ctx, host, port)
	if err != nil {
		if context.Cause(ctx) != nil {
			err = context.Cause(ctx)
		}
		return nil, &net.OpError{Op: "dial", Net: network, Addr: address(addr), Err: err}
	}
	near, inner := net.Pipe() // it has deadlines, which a program's streams have not
	b.open.Go(func() { relay(inner, far) })
	return &conn{near, address(addr)}, nil
}

// relay passes bytes on until either side ends, and then ends both.
func relay(a, b io.ReadWriteCloser) {
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(a, b); a.Close() })
	both.Go(func() { _, _ = io.Copy(b, a); b.Close() })
	both.Wait()
}

// Close ends the programs, and returns when they have ended. Connections are to be closed before.
func (b *Bridge) Close() error {
	b.open.Wait()
	b.way.close()
	return nil
}

// farewell bounds how long a program may take to end once its input has.
const farewell = 5 * time.Second

// leave ends the input of a program and waits for it to end.
func leave(p Process) {
	stuck := time.AfterFunc(farewell, func() { p.Close() })
	defer stuck.Stop()
	_ = p.CloseWrite()
	_, _ = io.Copy(io.Discard, p)
	_ = p.Close()
}

// conn is the near end of a connection that was made in the container.
type conn struct {
	net.Conn
	remote address
}

func (c *conn) RemoteAddr() net.Addr { return c.remote }

// address is host:port as it was dialled.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }
