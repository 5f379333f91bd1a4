// Package lock lets one minibot at a time change a stack.
//
// A lock is an flock(2) on a file. The kernel lets go of it when the process ends, however
// it ends: no lock is ever left behind, and none has to be broken by hand. It excludes the
// processes of one user on one machine, whatever engine they talk to.
package lock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Holder tells who has a lock, for the message of those who have to wait.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// HeldError says that another process has the lock.
type HeldError struct {
	// Holder is the zero Holder where it could not be read.
	Holder Holder
}

func (e *HeldError) Error() string {
	if e.Holder.PID == 0 {
		return "another minibot is changing this stack"
	}
	return fmt.Sprintf("another minibot is changing this stack: %s, process %d, since %s", e.Holder.Command, e.Holder.PID, e.Holder.Since.Local().Format("15:04:05"))
}

// Lock is one that is held.
type Lock struct {
	file *os.File
	// Clean says that whoever had it last did what it had begun to the end: see Release. It is
	// false where nobody knows.
	Clean bool

	first bool // nobody ever had it
	done  time.Time
}

// signature is what stands in the file of a lock: who has it, or how the last one let go.
type signature struct {
	Holder
	// Done is when it was let go of with nothing half done, and the zero time else.
	Done time.Time `json:"done"`
}

// poll is how often a lock is tried while another process has it.
const poll = 50 * time.Millisecond

// Acquire takes the lock of a file, which it makes if need be. While another process has it,
// it is tried again until the timeout is over, which may be 0, or the context ends. Errors:
// *HeldError, the context's, and those of the file.
func Acquire(ctx context.Context, path string, timeout time.Duration, holder Holder) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	file, first, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := wait(ctx, file, timeout); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	l := &Lock{file: file}
	if last := read(file); last != nil {
		l.Clean, l.done = !last.Done.IsZero(), last.Done
	} else {
		l.first = first
	}
	if err := l.sign(signature{Holder: holder}); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// open makes the file if need be. First says that it did.
func open(path string) (file *os.File, first bool, err error) {
	file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if !errors.Is(err, fs.ErrExist) {
		return file, true, err
	}
	file, err = os.OpenFile(path, os.O_RDWR, 0o600)
	return file, false, err
}

// FreeSince reports that nobody has had the lock from then until it was acquired: what was seen then is still true, as
// far as its holders go.
func (l *Lock) FreeSince(then time.Time) bool { return l.first || l.Clean && l.done.Before(then) }

// Look tells who has the lock of a file, without taking it: the process that took it last, if it lives. The zero Holder
// means that it is free, or was never taken.
func Look(path string) (Holder, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Holder{}, nil
	}
	if err != nil {
		return Holder{}, fmt.Errorf("lock: %w", err)
	}
	var holder Holder
	if json.Unmarshal(text, &holder) != nil || holder.PID <= 0 || errors.Is(unix.Kill(holder.PID, 0), unix.ESRCH) {
		return Holder{}, nil
	}
	return holder, nil
}

// Release lets go, and wipes the name of who had it. Clean says that nothing was left half done, so that the next one
// need not look for what is still going on. The file stays: to remove it could take it from under one who waits.
func (l *Lock) Release(clean bool) error {
	var nobody signature
	if clean {
		nobody.Done = time.Now()
	}
	return errors.Join(l.sign(nobody), l.file.Close())
}

// sign writes who has the lock, for others to read.
func (l *Lock) sign(s signature) error {
	text, err := json.Marshal(s)
	if err == nil {
		err = l.file.Truncate(0)
	}
	if err == nil {
		_, err = l.file.WriteAt(text, 0)
	}
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return nil
}

func wait(ctx context.Context, file *os.File, timeout time.Duration) error {
	over := time.NewTimer(timeout)
	defer over.Stop()
	again := time.NewTicker(poll)
	defer again.Stop()
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case !errors.Is(err, unix.EWOULDBLOCK):
			return fmt.Errorf("lock %s: %w", file.Name(), err)
		}
		select {
		case <-again.C:
		case <-over.C:
			held := &HeldError{}
			if holder := read(file); holder != nil {
				held.Holder = holder.Holder
			}
			return held
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read is who signed last; nil if nobody did, or one is about to.
func read(file *os.File) *signature {
	last := new(signature)
	text, err := os.ReadFile(file.Name())
	if err != nil || json.Unmarshal(text, last) != nil {
		return nil
	}
	return last
}
