package engine

import (
	"testing"

	"github.com/docker/docker/api/types/container"
)

func TestMemoryUsed(t *testing.T) {
	for name, c := range map[string]struct {
		stats container.MemoryStats
		want  int64
		ok    bool
	}{
		"cgroup v1":        {container.MemoryStats{Usage: 100, Stats: map[string]uint64{"total_inactive_file": 30, "inactive_file": 5}}, 70, true},
		"cgroup v2":        {container.MemoryStats{Usage: 100, Stats: map[string]uint64{"inactive_file": 40}}, 60, true},
		"more cached":      {container.MemoryStats{Usage: 10, Stats: map[string]uint64{"inactive_file": 40}}, 10, true},
		"nothing said":     {container.MemoryStats{Usage: 10}, 10, true},
		"does not run now": {container.MemoryStats{}, 0, false},
	} {
		if got, ok := memoryUsed(c.stats); got != c.want || ok != c.ok {
			t.Errorf("%s: %d, %v; want %d, %v", name, got, ok, c.want, c.ok)
		}
	}
}
