//go:build !linux

package testbed

import (
	"errors"
	"fmt"
	"syscall"
)

// netns is a network namespace; only Linux has any.
type netns struct{}

func newNetns() (*netns, error) {
	return nil, fmt.Errorf("network namespace: %w, only Linux has any", errors.ErrUnsupported)
}

func (*netns) do(func() error) error { return errors.ErrUnsupported }

func (*netns) path() string { return "" }

func (*netns) close() {}

func apart() *syscall.SysProcAttr { return nil }
