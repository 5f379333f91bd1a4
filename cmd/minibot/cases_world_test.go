package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// world is a folder with all that minibot may read and write.
type world struct {
	*testing.T
	dir string
}

// files are texts by their paths.
type files map[string]string

const specFile = "here/minibot.hcl"

const worldSpec = `name = "box"

network "box-net" {}

secret "KEY" { generate = false }

secret "MADE" {}

service "redis" {
  image = "redis:7"
  user  = "999:999"
  env = {
    KEY_FILE  = secret.KEY.file
    MADE_FILE = secret.MADE.file
  }
  bind { port = 6379 }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
}

secrets { store = "file" }
`

// furnished are the files that every world begins with: a spec, and a store that holds one secret of two.
func furnished(t *testing.T) files {
	w := newWorld(t, files{specFile: worldSpec, "bin/systemctl": "#!/bin/sh\n", "bin/launchctl": "#!/bin/sh\n"})
	if got := w.minibot("secret set KEY", "kept"); got.code != exitDone {
		t.Fatal(got.stderr)
	}
	return w.now()
}

func newWorld(t *testing.T, begin files) *world {
	w := &world{t, t.TempDir()}
	if err := os.Mkdir(filepath.Join(w.dir, "here"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range begin {
		path := filepath.Join(w.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// now are the files as they are.
func (w *world) now() files {
	found := files{}
	err := filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, w.dir+"/")] = string(text)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return found
}

// aftermath is what came of a call.
type aftermath struct {
	code           int
	stdout, stderr string
}

// minibot runs minibot off a terminal and without an engine.
func (w *world) minibot(words, stdin string) aftermath {
	in := func(name string) string { return filepath.Join(w.dir, name) }
	cmd := exec.CommandContext(w.Context(), "minibot", strings.Fields(words)...)
	cmd.Env = []string{
		"PATH=" + in("bin") + ":" + os.Getenv("PATH"), "HOME=" + in("home"), "MINIBOT_SECRETS_DIR=" + in("secrets"), "MINIBOT_STATE_DIR=" + w.TempDir(),
		"DOCKER_HOST=unix://" + in("no-engine.sock"), "MINIBOT_SECRET_KEY=kept", "MINIBOT_SECRET_MADE=kept too",
	}
	var out, said bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = in("here"), strings.NewReader(stdin), &out, &said
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		w.Fatal(err)
	}
	return aftermath{cmd.ProcessState.ExitCode(), out.String(), said.String()}
}

// isJSON says that a text is nothing but JSON values.
func isJSON(text string) bool {
	decoder := json.NewDecoder(strings.NewReader(text))
	for {
		var value any
		if err := decoder.Decode(&value); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}
