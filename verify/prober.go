package verify

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"time"

	"minibot/internal/probe"
	"minibot/internal/secret"
)

// Prober knocks at the doors of the machine. Each call is at most a few connections, ends
// within its timeout, and says by an error that nothing was learned. From is the ID of the
// container from inside of which it is made, or empty for the engine's machine.
type Prober interface {
	// Reach dials a TCP address (host:port) and hangs up.
	Reach(ctx context.Context, from, addr string) (probe.Reach, error)
	// Secure dials it, shakes hands by TLS as a client that verifies the name, and hangs up. It
	// returns the version of TLS.
	Secure(ctx context.Context, from, addr string) (string, error)
	// Ask tries a door without credentials.
	Ask(ctx context.Context, door Door) (probe.Answer, error)
	// Login tries it with a password. It is called only after Ask was refused, and once.
	Login(ctx context.Context, door Door, password secret.Value) (probe.Answer, error)
	// Rules are those by which PostgreSQL lets people in. It is called only after Login was accepted.
	Rules(ctx context.Context, door Door, password secret.Value) ([]probe.Rule, error)
	// Get is an HTTP GET.
	Get(ctx context.Context, url string) (probe.Response, error)
	// Talk opens a WebSocket, sends a message unless it is empty, and reports whether one of the
	// first messages matches expect; nil is the handshake alone.
	Talk(ctx context.Context, addr, path, send string, expect *regexp.Regexp) (bool, error)
}

// Door is a service's port, and who stands before it.
type Door struct {
	// From is the ID of the container that one knocks from inside of; empty is the engine's machine.
	From string
	// Kind is the protocol, as in an auth block: postgres, redis, mongo or openclaw.
	Kind string
	// Addr is host:port.
	Addr string
	// User and Database are empty where the protocol has none.
	User, Database string
	// Socket is OpenClaw's WebSocket, in the place of HTTP.
	Socket bool
	// Replication asks PostgreSQL for a replication connection, which has rules of its own.
	Replication bool
}

// Probes is the Prober that knocks for real, by package probe.
type Probes struct {
	// Inside dials from inside containers.
	Inside Inside
	// Dialer dials from the engine's machine; nil is this one.
	Dialer probe.Dialer
	// Timeout bounds a call; zero is probe.DefaultTimeout.
	Timeout time.Duration
}

func (p Probes) timeout() time.Duration { return cmp.Or(p.Timeout, probe.DefaultTimeout) }

// from is the context of probes that are made from a container, or from the engine's machine, for so long.
func (p Probes) from(ctx context.Context, container string, wait time.Duration) (context.Context, context.CancelFunc, error) {
	if container != "" {
		dialer, err := p.Inside.Dialer(ctx, container)
		if err != nil {
			return ctx, func() {}, err
		}
		ctx = probe.Via(ctx, dialer)
	} else if p.Dialer != nil {
		ctx = probe.Via(ctx, p.Dialer)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	return ctx, cancel, nil
}

// Reach waits just long enough that silence means a filter (probe.DialWait). In a container and on another machine,
// where a program has to start first, and the way may lead far, it waits longer.
func (p Probes) Reach(ctx context.Context, from, addr string) (probe.Reach, error) {
	const slack = 50 * time.Millisecond // TCP measures what is left of the wait
	wait := probe.DialWait + slack
	if from != "" || p.Dialer != nil {
		wait = p.timeout()
	}
	ctx, cancel, err := p.from(ctx, from, wait)
	if err != nil {
		return "", err
	}
	defer cancel()
	return probe.TCP(ctx, addr)
}

// Secure asks nothing: the connection is given up once TLS is agreed on.
func (p Probes) Secure(ctx context.Context, from, addr string) (string, error) {
	ctx, cancel, err := p.from(ctx, from, p.timeout())
	if err != nil {
		return "", err
	}
	defer cancel()
	return probe.TLS(ctx, addr)
}

// Ask tries a door as a stranger does.
func (p Probes) Ask(ctx context.Context, d Door) (probe.Answer, error) {
	ctx, cancel, err := p.from(ctx, d.From, p.timeout())
	if err != nil {
		return probe.Answer{}, err
	}
	defer cancel()
	switch {
	case d.Kind == "postgres" && d.Replication:
		return probe.PostgresReplication(ctx, d.Addr, d.User)
	case d.Kind == "postgres":
		return probe.Postgres(ctx, d.Addr, d.User, d.Database)
	case d.Kind == "redis":
		return probe.Redis(ctx, d.Addr)
	case d.Kind == "mongo":
		return probe.Mongo(ctx, d.Addr)
	case d.Kind == "openclaw" && d.Socket:
		return probe.OpenClawSocket(ctx, d.Addr)
	case d.Kind == "openclaw":
		return probe.OpenClaw(ctx, d.Addr)
	}
	return probe.Answer{}, fmt.Errorf("no probe for %q", d.Kind)
}

// Login tries a door with a password.
func (p Probes) Login(ctx context.Context, d Door, password secret.Value) (probe.Answer, error) {
	ctx, cancel, err := p.from(ctx, d.From, p.timeout())
	if err != nil {
		return probe.Answer{}, err
	}
	defer cancel()
	switch {
	case d.Kind == "postgres":
		return probe.PostgresLogin(ctx, d.Addr, d.User, d.Database, password)
	case d.Kind == "redis":
		return probe.RedisLogin(ctx, d.Addr, d.User, password)
	case d.Kind == "mongo":
		return probe.MongoLogin(ctx, d.Addr, d.User, password)
	case d.Kind == "openclaw" && d.Socket:
		return probe.OpenClawSocketLogin(ctx, d.Addr, password)
	case d.Kind == "openclaw":
		return probe.OpenClawLogin(ctx, d.Addr, password)
	}
	return probe.Answer{}, fmt.Errorf("no probe for %q", d.Kind)
}

// Rules logs in and asks for them.
func (p Probes) Rules(ctx context.Context, d Door, password secret.Value) ([]probe.Rule, error) {
	ctx, cancel, err := p.from(ctx, d.From, p.timeout())
	if err != nil {
		return nil, err
	}
	defer cancel()
	return probe.PostgresRules(ctx, d.Addr, d.User, d.Database, password)
}

// Get follows no redirect and reads no more than the probe does.
func (p Probes) Get(ctx context.Context, url string) (probe.Response, error) {
	ctx, cancel, err := p.from(ctx, "", p.timeout())
	if err != nil {
		return probe.Response{}, err
	}
	defer cancel()
	return probe.HTTP(ctx, probe.Request{URL: url})
}

// Talk reads a few messages.
func (p Probes) Talk(ctx context.Context, addr, path, send string, expect *regexp.Regexp) (bool, error) {
	ctx, cancel, err := p.from(ctx, "", p.timeout())
	if err != nil {
		return false, err
	}
	defer cancel()
	return probe.WebSocket(ctx, addr, path, send, expect)
}
