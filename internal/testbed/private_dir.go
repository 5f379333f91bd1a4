package testbed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// privatePrefix begins the name of a private engine's directory, which is also the name of its cgroup.
const privatePrefix = "private-"

// privateDir makes the directory of a private engine, which is its own until unlock, and clears away those that the
// end of a process has left behind.
func privateDir(ctx context.Context) (dir string, unlock func(), err error) {
	state, release, err := lockState(ctx, "private")
	if err != nil {
		return "", nil, err
	}
	defer release()
	if _, err := sweepPrivate(state); err != nil {
		return "", nil, err
	}
	if dir, err = os.MkdirTemp(state, privatePrefix); err != nil {
		return "", nil, fmt.Errorf("private engine: %w", err)
	}
	unlock, ok := reserve(filepath.Join(dir, "lock"))
	if !ok {
		return "", nil, fmt.Errorf("private engine: %s is taken", dir)
	}
	return dir, unlock, nil
}

// sweepPrivate removes what is left of private engines whose process has ended, and returns the directories of those
// that are in use. Their processes, mounts and networks ended with it.
func sweepPrivate(state string) (left []string, err error) {
	dirs, err := filepath.Glob(filepath.Join(state, privatePrefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		unlock, ok := reserve(filepath.Join(dir, "lock"))
		if !ok {
			left = append(left, dir)
			continue
		}
		err := errors.Join(removeCgroups(filepath.Base(dir)), os.RemoveAll(dir))
		unlock()
		if err != nil {
			return nil, fmt.Errorf("private engine, left over: %w", err)
		}
	}
	return left, nil
}

// removeCgroups removes the cgroups below that name, of whatever controller. The kernel may take a moment to see that
// a killed process has left one.
func removeCgroups(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var last error
	err := poll(ctx, func() (bool, error) {
		last = nil
		for _, pattern := range []string{"/sys/fs/cgroup/" + name, "/sys/fs/cgroup/*/" + name} {
			tops, err := filepath.Glob(pattern)
			if err != nil {
				return false, err
			}
			for _, top := range tops {
				last = errors.Join(last, removeDirs(top))
			}
		}
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("cgroups %s: %w", name, last)
	}
	return nil
}

// removeDirs removes a tree of directories and not the files in them, as a cgroup's can only go with it.
func removeDirs(top string) error {
	var dirs []string
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	for _, dir := range slices.Backward(dirs) {
		err = errors.Join(err, os.Remove(dir))
	}
	return err
}
