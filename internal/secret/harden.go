//go:build linux || darwin

package secret

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// noCore forbids core dumps, also to raise the limit again.
func noCore() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("RLIMIT_CORE: %w", err)
	}
	return nil
}
