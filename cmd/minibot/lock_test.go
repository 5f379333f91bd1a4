package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"minibot/internal/testbed"
)

const lockSpec = `
name = "box"
network "box-net" {}
service "cache" {
  image   = %q
  user    = "999:999"
  command = ["redis-server", "--save", ""]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  tmpfs = ["/data"]
}
service "built" {
  image   = %q
  user    = "999:999"
  command = ["redis-server", "--save", ""]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  tmpfs = ["/data"]
}
`

// Whatever becomes of a tag, the image of the lock is used, until the lock is updated. Without a way to the registry
// nothing is written.
func TestLock(t *testing.T) {
	shared, refs := testbed.Require(t)
	p := testbed.RequirePrivate(t)
	if err := p.Load(t.Context(), shared, refs.Redis); err != nil {
		t.Fatal(err)
	}
	registry, err := p.Registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	push := func(from string) (ref string) {
		t.Helper()
		ref, err := registry.Push(t.Context(), from, "store/cache:1")
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	ref := push(refs.Redis)

	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "minibot.hcl"), fmt.Appendf(nil, lockSpec, ref, refs.Redis), 0o600); err != nil {
		t.Fatal(err)
	}
	minibot := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "minibot", args...)
		var out, said bytes.Buffer
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &said
		cmd.Env = append(os.Environ(), "DOCKER_HOST="+p.Host, "HOME="+dir, "MINIBOT_STATE_DIR="+dir, "MINIBOT_SECRETS_DIR="+dir)
		var exit *exec.ExitError
		code := 0
		if err := cmd.Run(); errors.As(err, &exit) {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != want {
			t.Errorf("minibot %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, &out, &said)
		}
		return out.String(), said.String()
	}
	lockFile := func() string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, "minibot.lock"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	has := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in:\n%s", want, text)
			}
		}
	}

	// What is here is taken as it is; what was built here is in no registry.
	out, said := minibot(exitDone, "lock")
	has(out, "from the engine's machine", "not locked: the image on the engine's machine is from no")
	has(said, "Wrote minibot.lock: 1 image of 2 locked.")
	first := lockFile()
	rendered, _ := minibot(exitDone, "render")
	has(rendered, `image: "`+ref+"@sha256:", "image: "+refs.Redis+"\n")
	if _, said := minibot(exitDone, "lock"); !strings.Contains(said, "minibot.lock is as it was") || lockFile() != first {
		t.Errorf("locked twice: %s", said)
	}
	minibot(exitDone, "apply", "-y")
	minibot(exitDone, "plan", "--detailed-exitcode")
	minibot(exitDone, "outdated", "cache")

	// The tag moves, here as well. Nothing comes of it, but that it is told.
	made, err := p.Client.ContainerCreate(t.Context(), &container.Config{Image: refs.Redis, Labels: map[string]string{"release": "2"}}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Client.ContainerCommit(t.Context(), made.ID, container.CommitOptions{Reference: "release:2"}); err != nil {
		t.Fatal(err)
	}
	push("release:2")
	minibot(exitDone, "plan", "--detailed-exitcode")
	out, said = minibot(exitDiffers, "outdated", "--json")
	var report struct{ Services []age }
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Services) != 2 ||
		report.Services[0].State != ageOutdated || report.Services[0].Now == report.Services[0].Locked || report.Services[1].State != ageUnlocked {
		t.Errorf("%v, %s", err, out)
	}
	_, said = minibot(exitDiffers, "outdated")
	has(said, "minibot lock --update cache")
	minibot(exitDone, "lock") // is no update
	if lockFile() != first {
		t.Error("lock has moved what was locked")
	}

	out, _ = minibot(exitDone, "lock", "--update", "cache", "--json")
	has(out, `"source": "the registry"`, `"was": "sha256:`, report.Services[0].Now)
	second := lockFile()
	if second == first || !strings.Contains(second, report.Services[0].Now) {
		t.Errorf("updated to\n%s", second)
	}
	out, _ = minibot(exitDiffers, "plan", "--detailed-exitcode")
	has(out, "cache  replace", report.Services[0].Locked, report.Services[0].Now)
	minibot(exitDone, "apply", "-y")
	minibot(exitDone, "plan", "--detailed-exitcode")
	minibot(exitDone, "outdated")

	// An image that is not here is asked for in the registry.
	if _, err := p.Client.ImageRemove(t.Context(), ref, image.RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "minibot.lock")); err != nil {
		t.Fatal(err)
	}
	out, _ = minibot(exitDone, "lock")
	has(out, "from the registry")
	if lockFile() != second {
		t.Errorf("the registry says another digest:\n%s", lockFile())
	}

	// No way to the registry.
	if err := registry.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, said = minibot(exitError, "lock", "--update")
	has(said, "Error: nothing was locked: the digest of an image is not known.", "cache, "+ref+": ", "connection refused")
	if lockFile() != second {
		t.Error("offline, and the lock was written")
	}
	out, _ = minibot(exitError, "outdated")
	has(out, "unknown", "connection refused")
	minibot(exitDone, "lock") // needs none: all is known
}
