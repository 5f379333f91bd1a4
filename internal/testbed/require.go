package testbed

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// Environment variables by which the testbed command tells tests what it has brought up.
const (
	envEngine   = "MINIBOT_TEST_ENGINE" // 1: there must be an engine
	envPostgres = "MINIBOT_TEST_POSTGRES_IMAGE"
	envRedis    = "MINIBOT_TEST_REDIS_IMAGE"
	envMongo    = "MINIBOT_TEST_MONGO_IMAGE"
	envOpenclaw = "MINIBOT_TEST_OPENCLAW_IMAGE"
)

// Environ returns the variables, as NAME=VALUE, that make Require in another process use this engine and
// these images.
func Environ(engine *Engine, refs Refs) []string {
	return []string{
		"DOCKER_HOST=" + engine.Host, envEngine + "=1",
		envPostgres + "=" + refs.Postgres, envRedis + "=" + refs.Redis,
		envMongo + "=" + refs.Mongo, envOpenclaw + "=" + refs.OpenClaw,
	}
}

// Require returns the engine and the images for a test that needs real ones. It skips the test if
// MINIBOT_TEST_ENGINE is unset. If it is 1, an engine must answer, else the test fails. If the environment
// names all four images those are used, otherwise Images finds or makes them.
func Require(t testing.TB) (*Engine, Refs) {
	t.Helper()
	skipWithoutEngine(t)
	engine, err := Find(t.Context())
	if err != nil {
		t.Fatalf("%s=1, but %v; start one with: go run ./internal/testbed/cmd/testbed up", envEngine, err)
	}
	t.Cleanup(func() { engine.Close() })
	refs := Refs{os.Getenv(envPostgres), os.Getenv(envRedis), os.Getenv(envMongo), os.Getenv(envOpenclaw)}
	if refs.Postgres != "" && refs.Redis != "" && refs.Mongo != "" && refs.OpenClaw != "" {
		return engine, refs
	}
	refs, err = Images(t.Context(), engine)
	if err != nil {
		t.Fatal(err)
	}
	return engine, refs
}

// RequirePrivate returns an engine of the test's own, which is gone at its end. It skips the test where Require does,
// and where there can be no such engine: it needs Linux, root
// and dockerd. Its images are to be loaded from Require's.
func RequirePrivate(t testing.TB) *Private {
	t.Helper()
	return requirePrivate(t, StartPrivate)
}

// RequireQuick is RequirePrivate with StartQuick: for tests that keep an engine busy, and are not about packet filters.
func RequireQuick(t testing.TB) *Private {
	t.Helper()
	return requirePrivate(t, StartQuick)
}

func requirePrivate(t testing.TB, start func(context.Context) (*Private, error)) *Private {
	t.Helper()
	skipWithoutEngine(t)
	if _, err := exec.LookPath("dockerd"); err != nil || runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("SKIPPED, needs an engine of its own, and so Linux, root and dockerd")
	}
	p, err := start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			said, _ := os.ReadFile(p.log())
			t.Logf("the private engine's last words:\n%s", tail(string(said), 20))
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func skipWithoutEngine(t testing.TB) {
	t.Helper()
	if os.Getenv(envEngine) != "1" {
		t.Skip("SKIPPED, needs a Docker Engine: go run ./internal/testbed/cmd/testbed run -- go test ./...")
	}
}
