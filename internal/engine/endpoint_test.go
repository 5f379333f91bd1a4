package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/client"
)

// place gives a test its own home and docker configuration, with no setting at all.
func place(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("DOCKER_CONFIG", filepath.Join(home, ".docker"))
	for _, name := range []string{client.EnvOverrideHost, "DOCKER_CONTEXT", "XDG_RUNTIME_DIR"} {
		t.Setenv(name, "")
	}
	return home
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// makeContext writes a docker context as the docker command stores it: the folder is the
// SHA-256 of the name "mini".
func makeContext(t *testing.T, home string) {
	t.Helper()
	folder := sha256.Sum256([]byte("mini"))
	dir := filepath.Join(home, ".docker", "contexts", "meta", hex.EncodeToString(folder[:]))
	write(t, filepath.Join(dir, "meta.json"), `{"Name":"mini","Metadata":{},"Endpoints":{"docker":{"Host":"ssh://me@mini.local","SkipTLSVerify":false}}}`)
}

func TestFindOrder(t *testing.T) {
	home := place(t)
	makeContext(t, home)
	steps := []struct {
		name          string
		set           func()
		host, context string
		want, source  string
	}{
		{name: "nothing set", want: client.DefaultDockerHost, source: "the default socket"},
		{name: "current context", set: func() {
			write(t, filepath.Join(home, ".docker", "config.json"), `{"currentContext":"mini"}`)
		}, want: "ssh://me@mini.local", source: `docker's current context "mini"`},
		{name: "DOCKER_CONTEXT", set: func() { t.Setenv("DOCKER_CONTEXT", "default") }, want: client.DefaultDockerHost, source: "DOCKER_CONTEXT default"},
		{name: "DOCKER_HOST", set: func() { t.Setenv("DOCKER_HOST", "tcp://10.0.0.1:2376") }, want: "tcp://10.0.0.1:2376", source: "DOCKER_HOST"},
		{name: "--context", context: "mini", want: "ssh://me@mini.local", source: `--context "mini"`},
		{name: "--host", host: "unix:///here.sock", want: "unix:///here.sock", source: "--host"},
	}
	for _, step := range steps {
		if step.set != nil {
			step.set()
		}
		got, err := Find(step.host, step.context)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if step.name == "nothing set" && got.Source != step.source {
			continue // a machine without the default socket may have one of the known ones
		}
		if got.Host != step.want || got.Source != step.source {
			t.Errorf("%s: got %s (%s), want %s (%s)", step.name, got.Host, got.Source, step.want, step.source)
		}
		got.Start = func(context.Context, []string) (net.Conn, error) { return nil, errors.ErrUnsupported }
		if _, err := got.options(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
	}
}

// A context that is named and not there is an error, never the default engine.
func TestFindMissingContext(t *testing.T) {
	place(t)
	t.Setenv("DOCKER_CONTEXT", "gone")
	if got, err := Find("", ""); err == nil || !strings.Contains(err.Error(), `"gone"`) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestKnownSockets(t *testing.T) {
	home := place(t)
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1000")
	want := map[string]string{
		"Docker Desktop":  filepath.Join(home, ".docker/run/docker.sock"),
		"OrbStack":        filepath.Join(home, ".orbstack/run/docker.sock"),
		"Colima":          filepath.Join(home, ".colima/default/docker.sock"),
		"Rancher Desktop": filepath.Join(home, ".rd/docker.sock"),
		"rootless Docker": "/run/user/1000/docker.sock",
	}
	for _, known := range knownSockets() {
		if want[known.name] != known.path {
			t.Errorf("%s: %s", known.name, known.path)
		}
		delete(want, known.name)
	}
	if len(want) > 0 {
		t.Errorf("not looked for: %v", want)
	}
}

func TestLocal(t *testing.T) {
	for host, want := range map[string]bool{"unix:///var/run/docker.sock": true, "npipe:////./pipe/docker": true, "ssh://me@mini": false, "tcp://127.0.0.1:2375": false} {
		if got := (Endpoint{Host: host}).Local(); got != want {
			t.Errorf("%s: local %t, want %t", host, got, want)
		}
	}
}

// An engine behind ssh is spoken to through docker's own program over there, at the socket that the URL names.
func TestSSH(t *testing.T) {
	for host, want := range map[string]string{
		"ssh://me@mini":                   "docker system dial-stdio",
		"ssh://me@mini/":                  "docker system dial-stdio",
		"ssh://me@mini/run/a/docker.sock": "docker --host=unix:///run/a/docker.sock system dial-stdio",
	} {
		e := Endpoint{Host: host}
		if _, err := Connect(t.Context(), e); err == nil || errors.Is(err, ErrUnreachable) {
			t.Errorf("%s without ssh: %v", host, err)
		}
		var asked string
		e.Start = func(_ context.Context, argv []string) (net.Conn, error) {
			asked = strings.Join(argv, " ")
			return nil, errors.New("ssh says no")
		}
		_, err := Connect(t.Context(), e)
		if asked != want || !errors.Is(err, ErrUnreachable) || !strings.HasSuffix(err.Error(), "): ssh says no") {
			t.Errorf("%s: asked for %q, want %q; %v", host, asked, want, err)
		}
	}
}
