package probe

import (
	"context"
	"net"
)

// Dialer opens a TCP connection, as [net.Dialer.DialContext] does. Its connections have deadlines.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

type dialerKey struct{}

// Via returns a context under which probes dial by another dialer, such as one inside a container, and not from this
// machine. What they say on the connection, and what they make of the answer, is the same.
func Via(ctx context.Context, dialer Dialer) context.Context {
	return context.WithValue(ctx, dialerKey{}, dialer)
}

// dialerOf is the dialer of a context.
func dialerOf(ctx context.Context) Dialer {
	if dialer, ok := ctx.Value(dialerKey{}).(Dialer); ok {
		return dialer
	}
	return new(net.Dialer).DialContext
}
