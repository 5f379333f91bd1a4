package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

// ErrHandshake means that there was a connection, and no agreement on TLS: the certificate is not one that this machine
// trusts for the name, or the other side does not speak TLS.
var ErrHandshake = errors.New("no TLS")

// TLS connects to addr (host:port), shakes hands as a client of that host and hangs up. Nothing is asked. It returns the
// version that was agreed on.
//
// Errors: a *net.DNSError where the name does not resolve, [ErrHandshake], the context's, the network's.
func TLS(ctx context.Context, addr string) (version string, err error) {
	return handshake(ctx, addr, nil)
}

// handshake is TLS with the roots that a test trusts; nil are the machine's.
func handshake(ctx context.Context, addr string, roots *x509.CertPool) (string, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	conn, err := dial(ctx, addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	client := tls.Client(conn, &tls.Config{ServerName: host, RootCAs: roots})
	if err := client.HandshakeContext(ctx); err != nil {
		if context.Cause(ctx) != nil {
			return "", timely(ctx, err)
		}
		return "", fmt.Errorf("%w: %s", ErrHandshake, clean(err.Error()))
	}
	return tls.VersionName(client.ConnectionState().Version), nil
}
