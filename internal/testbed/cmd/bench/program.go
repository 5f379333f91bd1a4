package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// sample is one run of a program, from its start to its end.
type sample struct {
	wall, cpu time.Duration // cpu is the program's own, user and system
	peak      float64       // of memory, MiB
}

// exec runs a program on the engine. It may say what it likes on its standard output; its standard error is
// returned, and in the error if it fails.
func (b *bench) exec(ctx context.Context, argv ...string) (said string, err error) {
	said, _, err = b.execAt(ctx, b.engine.Host, argv...)
	return said, err
}

func (b *bench) execAt(ctx context.Context, host string, argv ...string) (said string, s sample, err error) {
	// The kernel counts our own memory as the program's until it is replaced: have little.
	debug.FreeOSMemory()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+host, "DOCKER_CONTEXT=")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	begun := time.Now()
	err = cmd.Run()
	s.wall = time.Since(begun)
	if err != nil {
		return "", s, fmt.Errorf("%s %s: %w\n%s", filepath.Base(argv[0]), strings.Join(argv[1:], " "), err, &stderr)
	}
	s.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.peak = float64(usage.Maxrss) / (1 << 10) // KiB
		if runtime.GOOS == "darwin" {
			s.peak /= 1 << 10 // bytes
		}
	}
	return stderr.String(), s, nil
}
