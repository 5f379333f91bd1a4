package host

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Space tells how much of the file system of a path is free for who is not root, and how large it is, in bytes.
func Space(path string) (free, size uint64, err error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", path, err)
	}
	block := uint64(stat.Bsize)
	return stat.Bavail * block, stat.Blocks * block, nil
}
