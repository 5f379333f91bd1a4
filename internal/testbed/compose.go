package testbed

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
)

// composeVersion is Docker Compose's; it also stands in tools/compose/go.mod, and a test compares them.
const composeVersion = "v2.40.3"

// Compose returns the path of Docker Compose, to be called without docker: PATH up --detach. The first call builds
// it from its Go module, which takes two minutes on two cores and leaves 65 MB; later ones find it. Progress goes
// to log, which may be nil.
func Compose(ctx context.Context, log io.Writer) (path string, err error) {
	state, unlock, err := lockState(ctx, "images")
	if err != nil {
		return "", err
	}
	defer unlock()
	dir, err := cached(state, "compose-"+composeVersion+"-"+runtime.GOOS+"-"+runtime.GOARCH, func(dir string) error {
		return timed(&lines{to: log}, "compile Docker Compose "+composeVersion, func() error { return compileCompose(ctx, dir) })
	})
	return filepath.Join(dir, "docker-compose"), err
}

// compileCompose leaves the program in dir. Compose has a module of its own, apart from FerretDB's: together their
// requirements would raise each other's versions. The tags are those of its releases, but for the watcher of files,
// which on a Mac would need C.
func compileCompose(ctx context.Context, dir string) error {
	const repository = "github.com/docker/compose/v2"
	tools, err := toolsDir(ctx)
	if err != nil {
		return err
	}
	_, err = run(ctx, filepath.Join(tools, "compose"), append(toolEnv(), "CGO_ENABLED=0"),
		"go", "build", "-buildvcs=false", "-tags=fsnotify,e2e", // no -trimpath: minibot's build has compiled the library without
		fmt.Sprintf("-ldflags=-s -w -X %s/internal.Version=%s", repository, composeVersion),
		"-o", filepath.Join(dir, "docker-compose"), repository+"/cmd")
	return err
}
