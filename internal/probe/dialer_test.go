package probe

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"

	"minibot/internal/secret"
)

// Every probe dials as its context says, and leaves the name to the dialer.
func TestVia(t *testing.T) {
	password := secret.NewValue([]byte("s3same"))
	const addr = "somewhere.inside:1"
	for name, probe := range map[string]func(context.Context) error{
		"tcp":      func(ctx context.Context) error { return reached(TCP(ctx, addr)) },
		"tls":      func(ctx context.Context) error { _, err := TLS(ctx, addr); return err },
		"http":     func(ctx context.Context) error { _, err := HTTP(ctx, Request{URL: "http://" + addr}); return err },
		"postgres": func(ctx context.Context) error { _, err := Postgres(ctx, addr, "u", "d"); return err },
		"postgres login": func(ctx context.Context) error {
			_, err := PostgresLogin(ctx, addr, "u", "d", password)
			return err
		},
		"redis":           func(ctx context.Context) error { _, err := Redis(ctx, addr); return err },
		"redis login":     func(ctx context.Context) error { _, err := RedisLogin(ctx, addr, "", password); return err },
		"mongo":           func(ctx context.Context) error { _, err := Mongo(ctx, addr); return err },
		"mongo login":     func(ctx context.Context) error { _, err := MongoLogin(ctx, addr, "u", password); return err },
		"openclaw":        func(ctx context.Context) error { _, err := OpenClaw(ctx, addr); return err },
		"openclaw socket": func(ctx context.Context) error { _, err := OpenClawSocket(ctx, addr); return err },
		"openclaw socket login": func(ctx context.Context) error {
			_, err := OpenClawSocketLogin(ctx, addr, password)
			return err
		},
		"openclaw login": func(ctx context.Context) error {
			_, err := OpenClawLogin(ctx, addr, password)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var dialled []string
			err := probe(Via(t.Context(), func(_ context.Context, network, addr string) (net.Conn, error) {
				dialled = append(dialled, network+" "+addr)
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
			}))
			if len(dialled) == 0 || dialled[0] != "tcp "+addr {
				t.Errorf("dialled %q", dialled)
			}
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%v, want the dialer's refusal", err)
			}
		})
	}
}

// reached makes an error of a refusal, which is an answer to TCP.
func reached(reach Reach, err error) error {
	if reach == Refused {
		return syscall.ECONNREFUSED
	}
	return err
}
