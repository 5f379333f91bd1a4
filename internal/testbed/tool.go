package testbed

import (
	"context"
	"path/filepath"
	"strings"
)

// toolsDir returns the directory with the modules of the programs that are built from source. It lies in the source
// of minibot, so the working directory must too.
func toolsDir(ctx context.Context) (string, error) {
	here, err := run(ctx, "", nil, "go", "list", "-f", "{{.Dir}}", "minibot/internal/testbed")
	return filepath.Join(strings.TrimSpace(here), "tools"), err
}

// toolEnv keeps what is set for minibot's own module from the build of a tool.
func toolEnv() []string { return []string{"GOWORK=off", "GOFLAGS="} }
