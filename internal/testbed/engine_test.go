package testbed

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
)

// hardened is one service as minibot's reference spec runs it: not root, no capabilities, read-only.
type hardened struct {
	user    string
	env     []string
	cmd     []string
	tmpfs   map[string]string
	volumes []string // targets
	memory  int64    // bytes
	port    nat.Port
	healthy func(ctx context.Context, c *instance) error
}

// TestImages starts each image with the options of the reference spec, with a password, and asks the server
// itself whether it is up and whether it refuses strangers.
func TestImages(t *testing.T) {
	engine, refs := Require(t)
	const mib = 1 << 20
	for name, test := range map[string]struct {
		ref string
		hardened
	}{
		"postgres": {refs.Postgres, hardened{
			user: "999:999", memory: 512 * mib, port: "5432/tcp",
			env:     []string{"POSTGRES_USER=minibot", "POSTGRES_PASSWORD=correct", "POSTGRES_INITDB_ARGS=--auth=scram-sha-256"},
			tmpfs:   map[string]string{"/tmp": "", "/var/run/postgresql": "uid=999,gid=999,mode=0775"},
			volumes: []string{"/var/lib/postgresql/data"},
			healthy: func(ctx context.Context, c *instance) error {
				const query = `psql -h 127.0.0.1 -U minibot -d minibot -Atc 'select 6*7'`
				return errors.Join(
					c.says(ctx, "accepting connections", "pg_isready", "-U", "minibot"),
					c.says(ctx, "42", "sh", "-c", "PGPASSWORD=correct "+query),
					c.says(ctx, "password authentication failed", "sh", "-c", "PGPASSWORD=wrong "+query))
			},
		}},
		"redis": {refs.Redis, hardened{
			user: "999:999", memory: 64 * mib, port: "6379/tcp",
			cmd:     []string{"--requirepass", "correct"},
			tmpfs:   map[string]string{"/tmp": ""},
			volumes: []string{"/data"},
			healthy: func(ctx context.Context, c *instance) error {
				return errors.Join(
					c.says(ctx, "NOAUTH", "redis-cli", "ping"),
					c.says(ctx, "PONG", "redis-cli", "--no-auth-warning", "-a", "correct", "ping"))
			},
		}},
		"open redis": {refs.Redis, hardened{
			user: "999:999", memory: 64 * mib, port: "6379/tcp",
			tmpfs:   map[string]string{"/tmp": ""},
			volumes: []string{"/data"},
			healthy: func(ctx context.Context, c *instance) error {
				return c.says(ctx, "protected-mode\nno\n", "redis-cli", "config", "get", "protected-mode")
			},
		}},
		"mongo": {refs.Mongo, hardened{
			user: "999:999", memory: 512 * mib, port: "27017/tcp",
			env:     []string{"MONGO_INITDB_ROOT_USERNAME=minibot", "MONGO_INITDB_ROOT_PASSWORD=correct"},
			tmpfs:   map[string]string{"/tmp": ""},
			volumes: []string{"/data/db", "/data/configdb"},
			healthy: func(ctx context.Context, c *instance) error {
				return errors.Join(
					c.says(ctx, "1", "mongosh", "--quiet", "--eval", "db.runCommand({ping:1}).ok"),
					c.listDatabases(ctx, "", "Unauthorized"),
					c.listDatabases(ctx, "minibot:wrong@", "AuthenticationFailed"),
					c.listDatabases(ctx, "minibot:correct@", ""))
			},
		}},
		"openclaw": {refs.OpenClaw, hardened{
			user: "1000:1000", memory: 2048 * mib, port: "18789/tcp",
			env: []string{
				"OPENCLAW_GATEWAY_PASSWORD=a-password-for-tests-only", "OPENCLAW_NO_AUTO_UPDATE=1",
				"OPENCLAW_DISABLE_BONJOUR=1", "XDG_CACHE_HOME=/home/node/.openclaw/cache",
			},
			cmd:     []string{"node", "dist/index.js", "gateway", "--allow-unconfigured", "--bind", "lan", "--port", "18789"},
			tmpfs:   map[string]string{"/tmp": ""},
			volumes: []string{"/home/node/.openclaw"},
			healthy: func(ctx context.Context, c *instance) error {
				return c.getOK(ctx, "/healthz")
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, engine, test.ref, test.hardened)
			ctx, cancel := context.WithTimeout(t.Context(), 120*time.Second)
			defer cancel()
			var last error
			healthy := func() (bool, error) {
				err := test.healthy(ctx, c)
				if ctx.Err() == nil {
					last = err // not the deadline's own
				}
				return err == nil, c.ended(ctx)
			}
			if err := poll(ctx, healthy); err != nil {
				t.Fatalf("%v: %v\n%s", err, last, c.logs(ctx))
			}
			if name == "openclaw" {
				return // half a minute more would show nothing new
			}
			if err := engine.Client.ContainerRestart(ctx, c.id, container.StopOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := poll(ctx, healthy); err != nil {
				t.Fatalf("second start, on the same data: %v: %v\n%s", err, last, c.logs(ctx))
			}
		})
	}
}

// TestRefusals holds that the stand-ins refuse what the official entrypoints refuse, with the same exit code.
func TestRefusals(t *testing.T) {
	engine, refs := Require(t)
	for name, test := range map[string]struct {
		ref  string
		env  []string
		says string
	}{
		"postgres without a password": {refs.Postgres, nil, "superuser password is not specified"},
		"postgres with two passwords": {refs.Postgres, []string{"POSTGRES_PASSWORD=a", "POSTGRES_PASSWORD_FILE=/b"}, "are exclusive"},
		"mongo with half a login":     {refs.Mongo, []string{"MONGO_INITDB_ROOT_USERNAME=minibot"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, engine, test.ref, hardened{
				user: "999:999", memory: 512 << 20, port: "1/tcp", env: test.env,
				tmpfs: map[string]string{"/tmp": "", "/var/lib/postgresql/data": "uid=999", "/data/db": "uid=999"},
			})
			done, failed := c.cli.ContainerWait(t.Context(), c.id, container.WaitConditionNotRunning)
			select {
			case end := <-done:
				if logs := c.logs(t.Context()); end.StatusCode != 1 || !strings.Contains(logs, test.says) {
					t.Errorf("exit %d, want 1 and %q\n%s", end.StatusCode, test.says, logs)
				}
			case err := <-failed:
				t.Fatal(err)
			}
		})
	}
}
