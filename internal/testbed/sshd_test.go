package testbed

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestSSHD has the neighbour of a private engine log in on its machine: it finds that engine by docker, that machine's
// loopback, and no file of any user's. Nobody logs in without the key.
func TestSSHD(t *testing.T) {
	shared, refs := Require(t)
	p := RequirePrivate(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := p.Load(ctx, shared, refs.Redis); err != nil {
		t.Fatal(err)
	}
	n, err := p.Neighbour(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	s, err := p.SSHD(ctx, n, "")
	if err != nil {
		t.Fatal(err)
	}
	id := runRedis(t, p, refs.Redis, "127.0.0.1:6379")
	waitFor(t, "Redis", func() error { return says(ctx, p, "127.0.0.1:6379", "PING", "+PONG") })

	ssh := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, s.Path+"/ssh", args...).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	for _, test := range []struct{ what, command, want string }{
		{"the engine's containers", "docker ps --no-trunc --quiet", id},
		{"the machine's loopback", "exec 3<>/dev/tcp/127.0.0.1/6379 && echo PING >&3 && read -r said <&3 && echo ${said%?}", "+PONG"},
		{"the home", "cd && ls", ""},
		{"what this process has in its environment", "echo $MINIBOT_TEST_ENGINE", ""},
	} {
		if got, err := ssh(s.Alias, "bash", "-c", "'"+test.command+"'"); err != nil || got != test.want {
			t.Errorf("%s: %q, %v, want %q\n%s", test.what, got, err, test.want, tail(s.Log(), 20))
		}
	}
	other := t.TempDir() + "/key"
	if out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	key, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Path+"/../user", key, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ssh("-o", "BatchMode=yes", s.Alias, "true"); err == nil || !strings.Contains(got, "Permission denied (publickey)") {
		t.Errorf("with another key: %q, %v", got, err)
	}
}
