package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"minibot/internal/pin"
	"minibot/spec"
)

// staleLockError says that a lock is about other images than the spec.
type staleLockError struct {
	file string
	says []string
}

func (e *staleLockError) Error() string {
	return fmt.Sprintf("%s is out of date:\n%s", e.file, strings.Join(e.says, "\n"))
}

// readLock reads the lock beside the spec. Without one it is empty.
func (a *app) readLock() (pin.Lock, error) {
	file := pin.FileOf(a.File)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return pin.Lock{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the lock: %w", err)
	}
	lock, err := pin.Read(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return lock, nil
}

// pinImages puts the digests of the lock into the images of a stack. What the lock has and the spec has not is said.
func (a *app) pinImages(stack *spec.Stack) error {
	lock, err := a.readLock()
	if err != nil {
		return err
	}
	stale := &staleLockError{file: pin.FileOf(a.File)}
	for _, name := range sortedKeys(lock) {
		pin, service := lock[name], stack.Service(name)
		switch {
		case service == nil:
			a.warn("%s has %s, which is no service of %s. Take it out: minibot lock", stale.file, name, a.File)
		case service.Image != pin.Image:
			stale.says = append(stale.says, fmt.Sprintf("it has %s for %s, and %s:%d says %s", pin.Image, name, a.File, service.ImageRange.Start.Line, service.Image))
		default:
			service.Image = pin.Reference()
		}
	}
	if len(stale.says) > 0 {
		return stale
	}
	return nil
}
