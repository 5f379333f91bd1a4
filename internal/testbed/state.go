package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// stateDir is the one directory where the testbed keeps things: the daemon's data and log, and the caches.
// It is created if missing. On Linux it follows XDG_CACHE_HOME.
func stateDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("testbed state: %w", err)
	}
	dir := filepath.Join(cache, "minibot", "testbed")
	return dir, os.MkdirAll(dir, 0o755)
}

// lock takes an exclusive lock that holds between processes, waiting until ctx ends. It ends with unlock or
// with the process, whichever comes first.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	err = poll(ctx, func() (bool, error) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return false, nil
		}
		return true, err
	})
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

// lockState takes the lock of that name in the state directory: "engine" for starting and stopping the
// daemon, "images" for building, "private" for the directories of private engines.
func lockState(ctx context.Context, name string) (dir string, unlock func(), err error) {
	if dir, err = stateDir(); err != nil {
		return "", nil, err
	}
	unlock, err = lock(ctx, filepath.Join(dir, name+".lock"))
	return dir, unlock, err
}

// cached returns the directory for key in the cache, which build fills if it is not there yet. The directory
// is there whole or not at all. The caller holds the images lock.
func cached(state, key string, build func(dir string) error) (string, error) {
	done := filepath.Join(state, "cache", key)
	if _, err := os.Stat(done); err == nil {
		return done, nil
	}
	scratch := filepath.Join(state, "cache", "tmp-"+key)
	if err := os.RemoveAll(scratch); err != nil { // left over from a killed run
		return "", fmt.Errorf("cache: %w", err)
	}
	defer os.RemoveAll(scratch)
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	if err := build(scratch); err != nil {
		return "", err
	}
	return done, os.Rename(scratch, done)
}

// Purge deletes all that the testbed keeps on disk: its daemon's data with every image in it, and the caches.
// It fails while that daemon or a private engine runs, so call Stop first.
func Purge(ctx context.Context) error {
	state, unlock, err := lockState(ctx, "engine")
	if err != nil {
		return err
	}
	defer unlock()
	_, unlockImages, err := lockState(ctx, "images")
	if err != nil {
		return err
	}
	defer unlockImages()
	if pid := daemonPID(state); pid != 0 {
		return fmt.Errorf("purge: the daemon still runs, pid %d", pid)
	}
	_, unlockPrivate, err := lockState(ctx, "private")
	if err != nil {
		return err
	}
	defer unlockPrivate()
	switch left, err := sweepPrivate(state); {
	case err != nil:
		return fmt.Errorf("purge: %w", err)
	case len(left) > 0:
		return fmt.Errorf("purge: private engines still run: %q", left)
	}
	unmount(ctx, state)
	entries, err := os.ReadDir(state)
	if err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".lock") {
			continue // another process may hold it open
		}
		if err := os.RemoveAll(filepath.Join(state, entry.Name())); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	return nil
}

// unmount takes away what a killed daemon has left mounted below dir. What resists shows when the directory is
// deleted.
func unmount(ctx context.Context, dir string) {
	mounts, _ := os.ReadFile("/proc/self/mounts") // a line each: device, mount point, …; in the order of mounting
	for _, line := range slices.Backward(strings.Split(string(mounts), "\n")) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			_, _ = run(ctx, "", nil, "umount", fields[1])
		}
	}
}
