package verify_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"minibot/internal/plan"
	"minibot/internal/probe"
	"minibot/internal/secret"
	"minibot/render"
	"minibot/verify"
)

// serveRedis answers as a Redis with a password does, and returns its port.
func serveRedis(t *testing.T, addr, password string) int {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go talkRedis(conn, password)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func talkRedis(conn net.Conn, password string) {
	defer conn.Close()
	auth, member := false, false
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		switch word := lines.Text(); {
		case word == "AUTH":
			auth = true
		case strings.HasPrefix(word, "*"), strings.HasPrefix(word, "$"):
		case word == "PING" && member:
			fmt.Fprint(conn, "+PONG\r\n")
		case word == "PING":
			fmt.Fprint(conn, "-NOAUTH Authentication required.\r\n")
		case auth && word == password:
			member = true
			fmt.Fprint(conn, "+OK\r\n")
		case auth:
			fmt.Fprint(conn, "-WRONGPASS invalid username-password pair or user is disabled.\r\n")
		}
	}
}

// dumb is an engine that does not say more of containers.
type dumb struct{}

var errDumb = errors.New("no engine is there")

func (dumb) Dialer(context.Context, string) (probe.Dialer, error) { return nil, errDumb }
func (dumb) Run(context.Context, string, []string, time.Duration) (plan.Output, error) {
	return plan.Output{}, errDumb
}
func (dumb) Processes(context.Context, string) ([]plan.Process, error) { return nil, errDumb }
func (dumb) Limits(context.Context, string) (plan.Limits, error)       { return plan.Limits{}, errDumb }
func (dumb) Inspection(context.Context, string) ([]byte, error)        { return nil, errDumb }

// real is a machine as it is: its own sockets and addresses, and real knocks at the door.
func real(t *testing.T, port int) verify.Subject {
	t.Helper()
	stack := parse(t, fmt.Sprintf(`
name = "box"
network "net" {}
secret "PASSWORD" {}
service "redis" {
  image = "redis:7"
  bind { port = %d }
  limits {
    memory = "64MB"
    cpus   = 1
  }
  env = { PASSWORD_FILE = secret.PASSWORD.file }
  auth "redis" { password = secret.PASSWORD.value }
  probe "tcp" { port = %d }
}
`, port, port))
	project, _, err := render.Project(stack)
	if err != nil {
		t.Fatal(err)
	}
	live := liveAs(project)
	return verify.Subject{
		Stack: stack, Project: project, Live: live, Plan: plan.Diff(project, live), Local: true,
		Containers: dumb{}, Inside: dumb{},
		Secret: func(context.Context, string) (secret.Value, error) { return secret.NewValue([]byte("s3same")), nil },
	}
}

// statuses writes the results of one check.
func statuses(report verify.Report, id string) string {
	var all []string
	for _, r := range report.Results {
		if r.Check == id && !slices.Contains(all, string(r.Status)) {
			all = append(all, string(r.Status))
		}
	}
	return strings.Join(all, " ")
}

func want(t *testing.T, report verify.Report, id string, wanted ...string) {
	t.Helper()
	if got := statuses(report, id); !slices.Contains(wanted, got) {
		t.Errorf("%s: %q, want one of %q", id, got, wanted)
	}
}

func TestRealMachine(t *testing.T) {
	t.Run("on loopback", func(t *testing.T) {
		report := verify.Run(t.Context(), real(t, serveRedis(t, "127.0.0.1:0", "s3same")))
		want(t, report, "auth.redis.required", "pass")
		want(t, report, "auth.redis.accepts-spec", "pass")
		want(t, report, "probe.tcp", "pass")
		want(t, report, "net.listen.host", "pass")
		want(t, report, "net.dial.lan", "pass", "skip") // skip: this machine has no network
	})
	t.Run("open, another password", func(t *testing.T) {
		report := verify.Run(t.Context(), real(t, serveRedis(t, "0.0.0.0:0", "another")))
		want(t, report, "auth.redis.required", "pass")
		want(t, report, "auth.redis.accepts-spec", "fail")
		want(t, report, "net.listen.host", "fail")
		want(t, report, "net.dial.lan", "fail", "skip")
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(self)[:10] // Linux keeps 15 characters of it
		if !slices.ContainsFunc(report.Results, func(r verify.Result) bool {
			return r.Check == "net.listen.host" && strings.Contains(r.Evidence, name)
		}) {
			t.Errorf("net.listen.host does not name %s:\n%s", name, text(t, report, verify.TextOptions{}))
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		report := verify.Run(ctx, real(t, serveRedis(t, "127.0.0.1:0", "s3same")))
		want(t, report, "auth.redis.required", "error")
		want(t, report, "auth.redis.accepts-spec", "error")
		want(t, report, "probe.tcp", "error")
		want(t, report, "net.dial.lan", "error", "skip")
	})
}
