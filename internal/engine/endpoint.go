package engine

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/docker/docker/client"
)

// Endpoint is where an engine listens, and who said so.
type Endpoint struct {
	// Host is a URL such as unix:///var/run/docker.sock or ssh://me@mini.local.
	Host string
	// Source names the setting that it came from, for messages.
	Source string
	// Start starts a program on the machine of an ssh:// host. Without it such a host is an error.
	Start StartFunc
	// Trace, if it is set, is told of every request: method, path, status and duration.
	Trace func(format string, args ...any)
	// Wrap, if it is set, is put around what carries requests to the engine: to keep its answers, or to
	// answer in its place. Connections that are taken over, as of programs in containers, go past it.
	Wrap func(http.RoundTripper) http.RoundTripper
	// fromContext is set for a named context, which may bring TLS keys.
	fromContext *docker.Endpoint
}

// Find resolves the endpoint as the docker command does: --host, --context, DOCKER_HOST,
// DOCKER_CONTEXT, the current context of docker's config.json, the default socket. Only
// where nothing is set and the default socket is absent, the sockets of known engines are
// tried. A context that is named but not there is an error.
func Find(host, contextName string) (Endpoint, error) {
	if host != "" {
		return Endpoint{Host: host, Source: "--host"}, nil
	}
	if contextName != "" {
		return fromContext(contextName, "--context")
	}
	if env := os.Getenv(client.EnvOverrideHost); env != "" {
		return Endpoint{Host: env, Source: "DOCKER_HOST"}, nil
	}
	if name := os.Getenv("DOCKER_CONTEXT"); name != "" {
		return fromContext(name, "DOCKER_CONTEXT")
	}
	if file, err := config.Load(config.Dir()); err == nil && file.CurrentContext != "" {
		return fromContext(file.CurrentContext, "docker's current context")
	}
	if _, err := os.Stat(strings.TrimPrefix(client.DefaultDockerHost, "unix://")); err != nil {
		for _, known := range knownSockets() {
			if _, err := os.Stat(known.path); err == nil {
				return Endpoint{Host: "unix://" + known.path, Source: known.name + "'s socket"}, nil
			}
		}
	}
	return Endpoint{Host: client.DefaultDockerHost, Source: "the default socket"}, nil
}

func fromContext(name, source string) (Endpoint, error) {
	if name == "default" {
		return Endpoint{Host: client.DefaultDockerHost, Source: source + " default"}, nil
	}
	contexts := store.New(config.ContextStoreDir(), store.NewConfig(
		func() any { return &map[string]any{} },
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} }),
	))
	meta, err := contexts.GetMetadata(name)
	if err != nil {
		return Endpoint{}, fmt.Errorf("docker context %q (%s): %w", name, source, err)
	}
	base, err := docker.EndpointFromContext(meta)
	if err != nil {
		return Endpoint{}, fmt.Errorf("docker context %q (%s): %w", name, source, err)
	}
	full, err := docker.WithTLSData(contexts, name, base)
	if err != nil {
		return Endpoint{}, fmt.Errorf("docker context %q (%s): %w", name, source, err)
	}
	return Endpoint{Host: base.Host, Source: fmt.Sprintf("%s %q", source, name), fromContext: &full}, nil
}

// options are the client's, always with negotiation of the API version: an older engine
// refuses a newer client's own.
func (e Endpoint) options() ([]client.Opt, error) {
	switch {
	case e.SSH():
		return e.optionsSSH()
	case e.fromContext != nil:
		return e.fromContext.ClientOpts()
	case e.Host == "":
		return nil, errors.New("empty host")
	case e.Source == "DOCKER_HOST":
		return []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}, nil
	}
	return []client.Opt{client.WithHost(e.Host), client.WithAPIVersionNegotiation()}, nil
}

// Local reports whether the endpoint is a socket of this machine. Behind ssh:// and tcp://
// the published ports are on the other one.
func (e Endpoint) Local() bool {
	return strings.HasPrefix(e.Host, "unix://") || strings.HasPrefix(e.Host, "npipe://")
}

type knownSocket struct{ name, path string }

// knownSockets are where engines listen that do not use the default socket, from their
// documentation: Docker Desktop, OrbStack, Colima, Rancher Desktop, rootless Docker.
func knownSockets() []knownSocket {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	sockets := []knownSocket{
		{"Docker Desktop", filepath.Join(home, ".docker/run/docker.sock")},
		{"OrbStack", filepath.Join(home, ".orbstack/run/docker.sock")},
		{"Colima", filepath.Join(home, ".colima/default/docker.sock")},
		{"Rancher Desktop", filepath.Join(home, ".rd/docker.sock")},
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		sockets = append(sockets, knownSocket{"rootless Docker", filepath.Join(dir, "docker.sock")})
	}
	return sockets
}
