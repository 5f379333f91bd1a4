package testbed

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/docker/docker/api/types/image"
)

// Registry is an image registry on a private engine's machine, and on its loopback alone: the Distribution project's own,
// unpacked from Debian's package. It starts empty, and ends with the machine.
type Registry struct {
	// Host begins the names of its images, such as 127.0.0.1:5000.
	Host string

	engine *Engine
	stop   func(context.Context) error
}

// registryConfig is all that the registry reads.
const registryConfig = `version: 0.1
log: {level: error}
storage:
  filesystem: {rootdirectory: %[1]s/images}
  delete: {enabled: true}
http: {addr: %[2]s}
`

// Registry starts an image registry. There can be one at a time.
func (p *Private) Registry(ctx context.Context) (*Registry, error) {
	r := &Registry{Host: "127.0.0.1:5000", engine: p.Engine}
	program, err := debianProgram(ctx, "usr/bin/docker-registry", "docker-registry")
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	dir, err := os.MkdirTemp(p.dir, "registry-")
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	config := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, registryConfig, dir, r.Host), 0o644); err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	enter, err := p.serve(ctx, filepath.Join(dir, "log"), r.Host, program, "serve", config)
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	r.stop = func(ctx context.Context) error {
		_, err := run(ctx, "", nil, "nsenter", slices.Concat(enter, []string{"pkill", "-KILL", "-f", config})...)
		return err
	}
	return r, nil
}

// Stop ends the registry, as if there was no way to it.
func (r *Registry) Stop(ctx context.Context) error { return r.stop(ctx) }

// Push makes a name:tag of the registry stand for an image that the engine has, and returns how that is called.
func (r *Registry) Push(ctx context.Context, from, name string) (ref string, err error) {
	ref = r.Host + "/" + name
	if err := r.engine.Client.ImageTag(ctx, from, ref); err != nil {
		return "", fmt.Errorf("registry: %w", err)
	}
	nobody := base64.URLEncoding.EncodeToString([]byte("{}"))
	answer, err := r.engine.Client.ImagePush(ctx, ref, image.PushOptions{RegistryAuth: nobody})
	if err == nil {
		err = drain(answer)
	}
	if err != nil {
		return "", fmt.Errorf("registry: %w", err)
	}
	return ref, nil
}
