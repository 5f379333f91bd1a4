package secret

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Harden keeps the memory of this process from leaking as a file: no core dump (RLIMIT_CORE 0, for children too), and
// on Linux not dumpable (PR_SET_DUMPABLE 0), so that other processes of the user can neither trace it nor read its
// /proc/PID/environ and mem. Call it first in main. An error is worth a warning, not an end. (Measured: with
// GOTRACEBACK=crash a core holds the values; after Harden there is none.)
func Harden() error {
	err := noCore()
	if e := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); e != nil {
		err = errors.Join(err, fmt.Errorf("PR_SET_DUMPABLE: %w", e))
	}
	return err
}
