package probe

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTCPConnectedAndRefused(t *testing.T) {
	s := serve(t, func(net.Conn) {})
	for addr, want := range map[string]Reach{s.addr: Connected, closedPort(t): Refused} {
		got, err := TCP(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reach (-want +got):\n%s", diff)
		}
	}
}

// Silence counts as filtered only after a fair wait, on a clock of the test's own.
func TestTCPSilence(t *testing.T) {
	silence := func(ctx context.Context, network, addr string) (net.Conn, error) {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.ErrDeadlineExceeded}
	}
	for name, test := range map[string]struct {
		wait time.Duration // 0: the default
		want Reach
	}{
		"default wait":        {want: Filtered},
		"just enough":         {wait: DialWait, want: Filtered},
		"too short a wait":    {wait: DialWait - time.Millisecond},
		"deadline has passed": {wait: -time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.wait != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.wait)
					defer cancel()
				}
				got, err := TCP(Via(ctx, silence), "192.0.2.1:5432")
				if (err != nil) != (test.want == "") {
					t.Errorf("error: %v", err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("reach (-want +got):\n%s", diff)
				}
			})
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := TCP(Via(ctx, silence), "192.0.2.1:5432"); !errors.Is(err, context.Canceled) || got != "" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestTCPFailures(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want Reach
	}{
		"the kernel gave up": {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ETIMEDOUT)}, Filtered},
		"no route":           {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, ""},
		"no network":         {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}, ""},
		"not permitted":      {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EPERM)}, ""},
		"name server silent": {&net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			failing := func(context.Context, string, string) (net.Conn, error) { return nil, test.err }
			got, err := TCP(Via(t.Context(), failing), "x:1")
			if (err != nil) != (test.want == "") {
				t.Errorf("error: %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("reach (-want +got):\n%s", diff)
			}
		})
	}
}
