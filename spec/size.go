package spec

import (
	"fmt"
	"strconv"
	"time"

	"github.com/docker/go-units"
)

// Size is an amount of memory as written, such as "1GB". Units are Docker's: each
// step is 1024, so 1GB is 1073741824 bytes.
type Size string

// Bytes is the size in bytes; 0 for the empty size. An error says what a size looks like.
func (s Size) Bytes() (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := units.RAMInBytes(string(s))
	if err != nil || n <= 0 || n > 1<<50 { // a larger number may have overflowed
		return 0, fmt.Errorf("%q is not a size; write a number and a unit: b, k, m or g, such as \"512m\"", string(s))
	}
	return n, nil
}

// Duration is a span of time as written, such as "10s" or "1m30s".
type Duration string

// Value is the duration; 0 for the empty one. An error says what a duration looks like.
func (d Duration) Value() (time.Duration, error) {
	if d == "" {
		return 0, nil
	}
	v, err := time.ParseDuration(string(d))
	if err != nil || v < 0 {
		return 0, fmt.Errorf("%q is not a duration; write numbers with units: ms, s, m or h, such as \"1m30s\"", string(d))
	}
	return v, nil
}

// SizeOf writes an amount of bytes the short way: in the largest unit that leaves no rest.
func SizeOf(bytes int64) Size {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "K"}} {
		if bytes != 0 && bytes%unit.bytes == 0 {
			return Size(strconv.FormatInt(bytes/unit.bytes, 10) + unit.name)
		}
	}
	return Size(strconv.FormatInt(bytes, 10) + "B")
}
