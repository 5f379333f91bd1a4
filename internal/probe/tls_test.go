package probe

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The certificate must be for the name, and by somebody who is trusted; nothing is asked of the server.
func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request") }))
	server.StartTLS()
	defer server.Close()
	server.Config.ErrorLog = nil
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate()) // for example.com and 127.0.0.1
	here := Via(t.Context(), func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	})

	if version, err := handshake(here, "example.com:"+port, trusted); version != "TLS 1.3" || err != nil {
		t.Errorf("%q, %v", version, err)
	}
	for name, test := range map[string]struct {
		addr  string
		roots *x509.CertPool
		want  string
	}{
		"another name": {"api.example.org:" + port, trusted, "valid for example.com"},
		"not trusted":  {"example.com:" + port, nil, "unknown authority"},
	} {
		if _, err := handshake(here, test.addr, test.roots); !errors.Is(err, ErrHandshake) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTLSWithoutIt(t *testing.T) {
	plain := serve(t, func(c net.Conn) { io.WriteString(c, "220 hello\r\n") })
	if _, err := TLS(t.Context(), plain.addr); !errors.Is(err, ErrHandshake) {
		t.Errorf("%v, want ErrHandshake", err)
	}
	mute := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := TLS(ctx, mute.addr); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrHandshake) {
		t.Errorf("%v, want the end of the context", err)
	}
	var unknown *net.DNSError
	if _, err := TLS(t.Context(), "a..b:443"); !errors.As(err, &unknown) {
		t.Errorf("%v, want a name that does not resolve", err)
	}
}
