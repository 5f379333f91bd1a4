package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"
)

// Memory tells how much memory containers use at this moment, in bytes by ID, as docker stats counts it: without the
// pages of files that the kernel would give up first. Of a container that does not run, or is gone, it says nothing.
// One answer takes the engine a few milliseconds, since it is asked for no second sample (one-shot, API 1.41).
func (e *Engine) Memory(ctx context.Context, ids []string) (map[string]int64, error) {
	used := map[string]int64{}
	var filling sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(width)
	for _, id := range ids {
		group.Go(func() error {
			answer, err := e.api.ContainerStatsOneShot(ctx, id)
			if errdefs.IsNotFound(err) || errdefs.IsConflict(err) {
				return nil
			}
			if err != nil {
				return wrap("memory of container "+id, err)
			}
			defer drain(answer.Body)
			var stats container.StatsResponse
			if err := json.NewDecoder(answer.Body).Decode(&stats); err != nil {
				return fmt.Errorf("memory of container %s: %w", id, err)
			}
			if bytes, ok := memoryUsed(stats.MemoryStats); ok {
				filling.Lock()
				defer filling.Unlock()
				used[id] = bytes
			}
			return nil
		})
	}
	return used, group.Wait()
}

// memoryUsed is the usage without inactive file pages, which the two versions of cgroups name
// total_inactive_file and inactive_file. An engine tells nothing of a container that has stopped.
func memoryUsed(stats container.MemoryStats) (bytes int64, ok bool) {
	if stats.Usage == 0 {
		return 0, false
	}
	for _, name := range []string{"total_inactive_file", "inactive_file"} {
		if cached, there := stats.Stats[name]; there && cached < stats.Usage {
			return int64(stats.Usage - cached), true
		}
	}
	return int64(stats.Usage), true
}
