package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"minibot/internal/engine"
	"minibot/internal/lock"
)

// lockFlags are those of commands that change a stack.
type lockFlags struct {
	LockTimeout time.Duration `help:"How long to wait while another minibot changes the stack, such as 30s." default:"0s" placeholder:"DURATION"`
}

// lock makes sure that nobody else of this user changes the stack on this engine until the
// lock is released.
func (s *site) lock(ctx context.Context, flags lockFlags) error {
	path, err := statePath("locks", s.loaded.stack.Name, s.engine.Endpoint, ".lock")
	if err != nil {
		return err
	}
	command := strings.Join(append([]string{"minibot"}, s.command), " ")
	s.held, err = lock.Acquire(ctx, path, flags.LockTimeout, lock.Holder{PID: os.Getpid(), Command: command, Since: time.Now()})
	if err == nil && s.glance != nil && !s.held.FreeSince(s.glance.Begun) { // another minibot has changed it since
		s.glance.Discard()
		s.glance = nil
	}
	return err
}

// statePath is the file of a kind that belongs to a stack on an engine.
func statePath(kind, stack string, endpoint engine.Endpoint, suffix string) (string, error) {
	dir, err := stateDir()
	sum := sha256.Sum256([]byte(endpoint.Identity())) // a path or URL may hold any character
	return filepath.Join(dir, kind, stack+"-"+hex.EncodeToString(sum[:8])+suffix), err
}

// stateDir is where minibot keeps what is neither a secret nor part of the spec:
// MINIBOT_STATE_DIR, or the place that the system has for it.
func stateDir() (string, error) {
	if dir := os.Getenv("MINIBOT_STATE_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "minibot"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("there is no place for minibot's state: %w; set HOME or MINIBOT_STATE_DIR", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "minibot"), nil
	}
	return filepath.Join(home, ".local", "state", "minibot"), nil
}

// unlock releases, and joins what goes wrong with it to the command's error. Who failed, or was refused, before anything
// was touched leaves nothing half done either, if what was before is at rest by then.
func (s *site) unlock(err *error) {
	clean := *err == nil || !s.touched && (s.rested || s.held.Clean)
	*err = errors.Join(*err, s.held.Release(clean))
}
