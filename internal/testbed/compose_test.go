package testbed

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
)

// TestCompose brings a service up through a proxy, then again, when nothing is to be done.
func TestCompose(t *testing.T) {
	engine, refs := Require(t)
	path, err := Compose(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewProxy(engine.Host, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	project, file := engine.Project(t), filepath.Join(t.TempDir(), "compose.yml")
	content := "services:\n  redis:\n    image: " + refs.Redis + "\n    entrypoint: [sleep, '600']\n    init: true\n"
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	compose := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), path, append([]string{"--file", file, "--project-name", project}, args...)...)
		cmd.Env = append(os.Environ(), "DOCKER_HOST="+p.Host())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("docker-compose %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if got := compose("version", "--short"); strings.TrimSpace(got) != strings.TrimPrefix(composeVersion, "v") {
		t.Errorf("version %q, want %s", got, composeVersion)
	}
	up := []string{"up", "--detach", "--wait"}
	compose(up...)
	list, err := engine.Client.ContainerList(t.Context(), container.ListOptions{
		Filters: filters.NewArgs(filters.Arg("label", labelProject+"="+project)),
	})
	if err != nil || len(list) != 1 {
		t.Errorf("%d containers run, %v, want 1", len(list), err)
	}
	writes := p.Writes()
	if compose(up...); p.Writes() != writes || writes == 0 {
		t.Errorf("%d writes, then %d more with nothing to do: %v", writes, p.Writes()-writes, p.Calls())
	}
}
