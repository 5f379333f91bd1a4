package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// Reach is how far a TCP dial came.
type Reach string

const (
	Connected Reach = "connected" // somebody answered
	Refused   Reach = "refused"   // the machine answered, and nobody listens
	Filtered  Reach = "filtered"  // nothing came back within the wait
)

// DialWait is the least time a dial must have had before silence counts as Filtered. From
// facts/network-security.md §2.
const DialWait = 700 * time.Millisecond

// TCP dials addr (host:port), sends nothing and hangs up. It says Filtered only when the context left it at
// least [DialWait] and that time ran out in silence: with less, and on any other failure (no route, a name that
// does not resolve, a cancelled context), nothing was learned and the answer is an error.
func TCP(ctx context.Context, addr string) (Reach, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	deadline, _ := ctx.Deadline()
	enough := time.Until(deadline) >= DialWait

	conn, err := dialerOf(ctx)(ctx, "tcp", addr)
	var timeout interface{ Timeout() bool }
	var lookup *net.DNSError
	switch {
	case err == nil:
		conn.Close()
		return Connected, nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused, nil
	case errors.Is(err, syscall.ETIMEDOUT):
		return Filtered, nil
	case errors.Is(ctx.Err(), context.Canceled):
		return "", fmt.Errorf("dial %s: %w", addr, context.Cause(ctx))
	case errors.As(err, &lookup):
		return "", fmt.Errorf("dial %s: %w", addr, err)
	case errors.As(err, &timeout) && timeout.Timeout() && enough:
		return Filtered, nil
	}
	return "", fmt.Errorf("dial %s: %w", addr, timely(ctx, err))
}
