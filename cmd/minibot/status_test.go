package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"minibot/internal/journal"
)

// What is not well is said, with what to do next.
func TestStatusText(t *testing.T) {
	now := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	bytes := func(n int64) *int64 { return &n }
	const mb = 1 << 20
	got := statusText(stackStatus{Stack: "box", Engine: "unix:///run/docker.sock", source: "the default socket", Services: []serviceStatus{
		{Service: "db", State: "running", Health: "healthy", Well: true, StartedAt: ago(50 * time.Hour), MemoryUsed: bytes(60 * mb), MemoryLimit: 64 * mb, Ports: []string{"127.0.0.1:5432"}},
		{Service: "cache", State: "running", Well: true, StartedAt: ago(75 * time.Second), MemoryUsed: bytes(1536 << 10), MemoryLimit: 1 << 30, Restarts: 2, Ports: []string{"127.0.0.1:16379→6379"}},
		{Service: "migrate", State: "exited", Well: true, MemoryLimit: mb},
		{Service: "web", State: "running", Health: "unhealthy", StartedAt: ago(3 * time.Hour), MemoryLimit: mb, Ports: []string{"0.0.0.0:80", "[::1]:8080"}},
		{Service: "queue", State: "restarting", ExitCode: 1, MemoryLimit: mb},
		{Service: "mail", State: "exited", ExitCode: 137, OOMKilled: true, MemoryLimit: mb},
		{Service: "late", State: "running", Health: "starting", StartedAt: ago(0), MemoryLimit: mb},
		{Service: "new", State: "absent", MemoryLimit: mb},
		{Service: "cut", State: "running", Well: true, StartedAt: ago(time.Minute), MemoryLimit: mb, MissingPorts: []string{"127.0.0.1:81"}},
	},
		LastDeed:   &journal.Entry{Time: now.Add(-26 * time.Hour), User: "ada as root", Command: "secret rotate", Summary: "DB", Result: "taken back"},
		LastVerify: &verified{Time: now.Add(-90 * time.Second), Summary: "58 checks: 57 passed, 1 failed"},
	}, now, 100, paint(false))
	want := `The stack box on unix:///run/docker.sock (the default socket)

  service  state       up      memory           restarts  ports
  db       healthy     2d 2h   60M of 64M  93%  0         127.0.0.1:5432
  cache    running     1m 15s  1.5M of 1G  0%   2         127.0.0.1:16379→6379
  migrate  done                                 0
  web      unhealthy   3h 0m                    0         0.0.0.0:80 [::1]:8080
  queue    restarting                           0
  mail     exited                               0
  late     starting    0s                       0
  new      absent
  cut      running     1m 0s                    0

✗ web is unhealthy. What it said: minibot logs web
✗ web is open to the network on 0.0.0.0:80. To close it: minibot apply
✗ queue keeps ending with exit code 1. What it said: minibot logs queue
✗ mail was killed: it needed more memory than its limit. What it said: minibot logs mail
✗ new has no container. To make it: minibot apply
✗ cut does not publish 127.0.0.1:81. To mend it: minibot apply

last change   1d 2h ago by ada as root: secret rotate, DB; taken back
last verify   1m 30s ago: 58 checks: 57 passed, 1 failed
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Before the first apply one line says what to do.
func TestStatusTextOfNothing(t *testing.T) {
	got := statusText(stackStatus{Stack: "box", Engine: "unix:///run/docker.sock", source: "the default socket", Services: []serviceStatus{
		{Service: "db", State: "absent"}, {Service: "web", State: "absent"},
	}}, time.Time{}, 100, paint(false))
	want := `The stack box on unix:///run/docker.sock (the default socket)

  service  state   up  memory    restarts  ports
  db       absent
  web      absent

✗ no service has a container. To make them: minibot apply
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Many ports go on below, and nothing is wider than the screen.
func TestTableWraps(t *testing.T) {
	var out strings.Builder
	table{{"service", "ports"}, {"web", strings.Repeat("127.0.0.1:8080 ", 12)}}.write(&out, 60, func(_, _ int, text string) string { return text })
	for line := range strings.Lines(out.String()) {
		if utf8.RuneCountInString(line) > 61 {
			t.Errorf("too wide: %s", line)
		}
	}
	if strings.Count(out.String(), "127.0.0.1:8080") != 12 || !strings.Contains(out.String(), "\n           127.") {
		t.Errorf("got\n%s", out.String())
	}
}
