package schedule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"minibot/internal/secret"
)

// patience is how long a command of the system may take.
const patience = 30 * time.Second

// Install writes the files and makes the system run the job, at once and then at the interval.
// Doing it again changes nothing but what is different. If it fails, nothing is left of it.
func (u Unit) Install(ctx context.Context, write func(path string, content []byte) error) error {
	for _, file := range u.Files {
		err := os.MkdirAll(filepath.Dir(file.Path), 0o755)
		if err == nil {
			err = write(file.Path, []byte(file.Content))
		}
		if err != nil {
			return errors.Join(fmt.Errorf("schedule: %w", err), u.forget())
		}
	}
	if err := u.run(ctx, u.Start); err != nil {
		_, undone := u.Remove(context.WithoutCancel(ctx))
		if undone != nil { // for the same reason, most likely
			undone = u.forget()
		}
		return errors.Join(err, undone)
	}
	return nil
}

// Remove makes the system forget the job, and removes its files. It says whether there were any.
func (u Unit) Remove(ctx context.Context) (was bool, err error) {
	was = u.State(ctx).Files > 0
	if err := u.run(ctx, u.Stop); err != nil {
		return was, err
	}
	if err := u.forget(); err != nil {
		return was, err
	}
	if !was {
		return false, nil
	}
	return true, u.run(ctx, u.Reload)
}

// forget removes the files.
func (u Unit) forget() error {
	var errs []error
	paths := u.Links
	for _, file := range u.Files {
		paths = append(paths, file.Path)
	}
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("schedule: %w", err))
		}
	}
	return errors.Join(errs...)
}

// State is how a job stands.
type State struct {
	// Files is how many of its files are there, and Same whether all are as they should be.
	Files int
	Same  bool
	// Active says that the system runs it.
	Active bool
}

// State looks.
func (u Unit) State(ctx context.Context) State {
	state := State{Same: true}
	for _, file := range u.Files {
		content, err := os.ReadFile(file.Path)
		if err == nil {
			state.Files++
		}
		state.Same = state.Same && err == nil && string(content) == file.Content
	}
	state.Active = u.run(ctx, []Command{u.Active}) == nil
	return state
}

// run runs commands of the system, one after another.
func (u Unit) run(ctx context.Context, commands []Command) error {
	for _, c := range commands {
		if err := c.run(ctx); err != nil && (!c.MayFail || ctx.Err() != nil) {
			return fmt.Errorf("%w\n%s", err, u.Advice)
		}
	}
	return nil
}

func (c Command) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Env = append(secret.Environ(), "LC_ALL=C")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return fmt.Errorf("%s: %w: %s", strings.Join(c.Argv, " "), err, line)
	}
	return nil
}
