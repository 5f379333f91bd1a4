package secret

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// How long a writer waits for another one, and how often it looks.
const (
	lockWait = 10 * time.Second
	lockLook = 20 * time.Millisecond
)

// change applies edit to the vault as it is on disk, alone among all writers, and replaces the file. The key is
// made on the first change, and only while there is no vault: a new key over an old vault would lose it.
func (s *fileStore) change(ctx context.Context, edit func(map[string]entry) error) error {
	if err := s.makeDir(); err != nil {
		return err
	}
	unlock, err := lock(ctx, s.path(lockFile))
	if err != nil {
		return err
	}
	defer unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return err
	}
	entries := maps.Clone(s.held)
	if err := edit(entries); err != nil {
		return err
	}
	key, err := readPrivate(s.path(keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		if key, err = newKey(); err == nil {
			err = s.replace(keyFile, key)
		}
	}
	if err != nil {
		return err
	}
	id, err := parseKey(s.path(keyFile), key)
	if err != nil {
		return err
	}
	vault, err := sealVault(entries, id)
	if err != nil {
		return err
	}
	return s.replace(vaultFile, vault)
}

// makeDir makes the directory, or refuses one in which others could exchange the files.
func (s *fileStore) makeDir() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fileError(err)
	}
	info, err := os.Stat(s.dir)
	if err != nil {
		return fileError(err)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return &Error{Store: "file", Kind: ErrDenied, Detail: fmt.Sprintf("%s is writable by others, mode %04o", s.dir, mode),
			Remedy: fmt.Sprintf("run `chmod 700 '%s'`", s.dir)}
	}
	return nil
}

// replace writes a file of mode 0600 so that a reader, a crash or a full disk leaves the old content or the new. It
// is called under the lock, so a temporary file that is already there was left by a crash.
func (s *fileStore) replace(name string, content []byte) (err error) {
	prefix := "." + name + ".new-"
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return fileError(err)
	}
	for _, file := range files {
		if strings.HasPrefix(file.Name(), prefix) {
			_ = os.Remove(s.path(file.Name()))
		}
	}
	f, err := os.CreateTemp(s.dir, prefix) // 0600
	if err != nil {
		return fileError(err)
	}
	defer func() {
		if err != nil {
			f.Close()
			_ = os.Remove(f.Name())
			err = fileError(err)
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), s.path(name)); err != nil {
		return err
	}
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err = dir.Sync(); errors.Is(err, unix.EINVAL) {
		err = nil // a file system that cannot sync a directory
	}
	return err
}

// lock takes the writers' lock and returns what gives it back. The kernel drops it if the process dies, so the
// file stays and means nothing by itself.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fileError(err)
	}
	look := time.NewTicker(lockLook)
	defer look.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return func() { f.Close() }, nil
		case err != unix.EWOULDBLOCK && err != unix.EINTR:
			f.Close()
			return nil, fileError(&fs.PathError{Op: "lock", Path: path, Err: err})
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			f.Close()
			return nil, &Error{Store: "file", Kind: ErrUnavailable, Cause: ctx.Err(),
				Detail: "another process is writing and holds " + path, Remedy: "try again when it is done"}
		}
	}
}
