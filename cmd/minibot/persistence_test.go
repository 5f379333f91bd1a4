package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"minibot/internal/testbed"
)

const persistentSpec = `name = "kept"

network "kept-net" {}

secret "PASSWORD" {}

service "sealed" {
  image   = %[1]q
  user    = "999:999"
  command = ["redis-server", "/run/secrets/redis.conf"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  file "/run/secrets/redis.conf" { content = "requirepass ${secret.PASSWORD.value}\ndir /data\nappendonly yes\n" }
  env = { ALSO = secret.PASSWORD.file }
  volume "sealed-data" { target = "/data" }
  read_only = true
  bind {
    port      = 6379
    published = %[2]d
  }
  healthcheck {
    test     = ["CMD-SHELL", "redis-cli ping | grep -qE 'PONG|NOAUTH'"]
    interval = "1s"
  }
  auth "redis" { password = secret.PASSWORD.value }
}

service "open" {
  image   = %[1]q
  user    = "999:999"
  command = ["redis-server", "/etc/redis.conf"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  file "/etc/redis.conf" { content = "requirepass ${secret.PASSWORD.value}\ndir /data\nappendonly yes\n" }
  env = { ALSO = secret.PASSWORD.file }
  volume "open-data" { target = "/data" }
  bind {
    port      = 6379
    published = %[3]d
  }
  healthcheck {
    test     = ["CMD-SHELL", "redis-cli ping | grep -qE 'PONG|NOAUTH'"]
    interval = "1s"
  }
  auth "redis" { password = secret.PASSWORD.value }
}
`

// Secrets are there again, without minibot and without its store, after a restart of the
// containers, after a restart of the engine, and after a power cut.
func TestSecretsSurvive(t *testing.T) {
	engine, refs := testbed.Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	private := testbed.RequirePrivate(t)
	if err := private.Load(ctx, engine, refs.Redis); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "minibot.hcl"), fmt.Appendf(nil, persistentSpec, refs.Redis, freePort(t), freePort(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	// The engine's loopback is its own: minibot runs beside it.
	run := func(name string, args ...string) (string, error) {
		t.Helper()
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "DOCKER_HOST="+private.Host, "MINIBOT_SECRETS_DIR="+filepath.Join(dir, "secrets"))
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := private.Inside(cmd.Run)
		return out.String(), err
	}
	must := func(name string, args ...string) string {
		t.Helper()
		out, err := run(name, args...)
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return out
	}
	must("minibot", "--secret-store", "file", "apply", "-y")
	value := strings.TrimSpace(must("minibot", "--secret-store", "file", "run", "--", "printenv", "PASSWORD"))

	for _, blow := range []struct {
		name   string
		strike func() error
	}{
		{"docker restart", func() error { must("docker", "restart", "-t", "5", "kept-sealed", "kept-open"); return nil }},
		{"engine restart", func() error { return private.Restart(ctx) }},
		{"power cut", func() error {
			if err := private.Kill(); err != nil {
				return err
			}
			return private.Start(ctx)
		}},
	} {
		t.Run(blow.name, func(t *testing.T) {
			// The store is gone while it happens: a reboot asks no keychain.
			away := filepath.Join(dir, "away")
			if err := os.Rename(filepath.Join(dir, "secrets"), away); err != nil {
				t.Fatal(err)
			}
			if err := blow.strike(); err != nil {
				t.Fatal(err)
			}
			for _, service := range []string{"sealed", "open"} {
				for {
					out, err := run("docker", "exec", "kept-"+service, "sh", "-c", "cat /run/secrets/PASSWORD && stat -c ' %u:%g %a' /run/secrets/PASSWORD && redis-cli ping")
					if err == nil && strings.Contains(out, "NOAUTH") {
						if !strings.HasPrefix(out, value+" 999:999 400\n") {
							t.Errorf("%s: the secret is not as it was delivered (%d bytes)", service, len(out))
						}
						break
					}
					if ctx.Err() != nil {
						t.Fatalf("%s does not come back: %v", service, err)
					}
					time.Sleep(100 * time.Millisecond)
				}
			}
			if err := os.Rename(away, filepath.Join(dir, "secrets")); err != nil {
				t.Fatal(err)
			}
			must("minibot", "--secret-store", "file", "apply", "-y") // waits for their health
			must("minibot", "--secret-store", "file", "plan", "--detailed-exitcode")
			must("minibot", slices.Concat([]string{"--secret-store", "file", "verify"}, ofTheStack)...)
		})
	}
}
