// Package probe asks a service on a port what it tells a stranger: does it ask for credentials, does it let
// anybody in, does the password of the spec work. It speaks just enough of each protocol to hear that, over as
// few connections as the protocol allows, without retries and within 3 seconds unless the context says otherwise.
//
// It may not decide what an answer is worth (that is verify's), change anything in the service, or guess: no
// wrong password is ever sent, since the services count those. What it could not understand is an error, never
// an [Answer]. No secret, and no text a server sent after it had seen one, stands in an Answer or an error.
// Where a connection is made from, the context says (see [Via]): from this machine, unless it says otherwise.
// A Session is a login whose connection is handed on, for internal/rotate: what is done with it is up to that.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
	"unicode"
)

// State is what a service did with the one who asked. The zero State means nothing was learned; it only ever
// comes with an error.
type State string

// The probes without credentials answer Refuses, Weak or Open; the logins answer Accepts, Rejects, Open or Weak.
const (
	Refuses State = "refuses" // it asks for credentials, and means it
	Weak    State = "weak"    // it keeps a stranger out by weak means only: MD5, cleartext, protected mode
	Open    State = "open"    // it lets a stranger in
	Accepts State = "accepts" // it asked for the password and the one given is right
	Rejects State = "rejects" // it asked for the password and the one given is wrong
)

// Answer is what was learned. Detail is one line of printable text for a report, without any secret; it may
// quote a server, shortened and cleaned, but only one that has been sent no secret.
type Answer struct {
	State  State
	Detail string
}

// DefaultTimeout bounds a probe whose context has no deadline, from the dial to the last byte.
const DefaultTimeout = 3 * time.Second

// replyLimit bounds, in bytes, what is read of one reply in the protocols where replies are short.
const replyLimit = 64 << 10

var (
	// ErrStarting means the service said that it is starting, stopping or recovering: ask again later.
	ErrStarting = errors.New("the service is not ready")
	// ErrBusy means the service has no connection to spare.
	ErrBusy = errors.New("the service has too many clients")
	// ErrRateLimited means the service has shut this address out because somebody guessed passwords.
	ErrRateLimited = errors.New("the service has locked this address out")
	// ErrUnknownReply means the reply is not one the protocol's table knows: another service, another
	// version, or TLS where none was expected.
	ErrUnknownReply = errors.New("unknown reply")
	// ErrClearText means a login would have had to send the password as it is, and did not.
	ErrClearText = errors.New("the server wants the password in clear text, which it was not sent")
	// ErrNoSecret means a login was asked for with an empty password. Nothing was sent.
	ErrNoSecret = errors.New("the password is empty")
)

// withDeadline gives ctx the default deadline if it has none.
func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, DefaultTimeout)
}

// connection is one TCP connection under one context: the context's end, by deadline or by cancellation, ends
// every read and write on it, and its errors then name the context's reason.
type connection struct {
	net.Conn
	ctx  context.Context
	stop func() bool
}

// dial opens a connection to addr (host:port). The caller closes it.
func dial(ctx context.Context, addr string) (*connection, error) {
	conn, err := dialerOf(ctx)(ctx, "tcp", addr)
	if err != nil {
		return nil, timely(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return &connection{Conn: conn, ctx: ctx, stop: stop}, nil
}

func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, timely(c.ctx, err)
}

func (c *connection) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, timely(c.ctx, err)
}

// Close releases the context as well as the socket.
func (c *connection) Close() error {
	c.stop()
	return c.Conn.Close()
}

// timely puts the end of the context in the place of the socket's "i/o timeout", which says less. io.EOF stays
// io.EOF itself, as readers compare it.
func timely(ctx context.Context, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	ended := context.Cause(ctx)
	if deadline, ok := ctx.Deadline(); ended == nil && ok && !time.Now().Before(deadline) {
		ended = context.DeadlineExceeded // a dial's own timer may be ahead of the context's
	}
	if ended != nil {
		return fmt.Errorf("no answer in time: %w", ended)
	}
	return err
}

// clean makes one short printable line of what a server sent, so that it can neither move a terminal's cursor
// nor fill the screen.
func clean(s string) string {
	const limit = 160 // runes
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > limit {
			b.WriteString("…")
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
