package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"minibot/internal/plan"
)

// What an observation leaves out, since a plan does not need it and each takes a call a container.

// Processes lists what runs in a container, as the machine of the engine sees it.
func (e *Engine) Processes(ctx context.Context, containerID string) ([]plan.Process, error) {
	top, err := e.api.ContainerTop(ctx, containerID, []string{"-eo", "pid,uid,args"})
	if err != nil {
		return nil, wrap("processes", err)
	}
	return observeProcesses(top)
}

func observeProcesses(top container.TopResponse) ([]plan.Process, error) {
	uid, command := slices.Index(top.Titles, "UID"), slices.Index(top.Titles, "COMMAND")
	var all []plan.Process
	for _, row := range top.Processes {
		if uid < 0 || command < 0 || len(row) != len(top.Titles) {
			return nil, fmt.Errorf("processes: no UID and COMMAND in the columns %q", top.Titles)
		}
		number, err := strconv.Atoi(row[uid])
		if err != nil {
			return nil, fmt.Errorf("processes: %q is no number of a user", row[uid])
		}
		all = append(all, plan.Process{UID: number, Command: row[command]})
	}
	return all, nil
}

// cgroupFiles are where the kernel tells a container what it is held to: memory and processes, for cgroups of version 2
// and then of version 1.
var cgroupFiles = []string{
	"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/pids.max",
	"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/pids/pids.max",
}

// Limits reads what the kernel holds a container to, inside it. Where its image has no program to read a file, the engine
// is asked for it; engines such as 20.10 take up to a second for that.
func (e *Engine) Limits(ctx context.Context, containerID string) (plan.Limits, error) {
	const patience = 10 * time.Second
	output, err := e.run(ctx, containerID, append([]string{"cat"}, cgroupFiles...), patience, nil)
	if err != nil {
		return plan.Limits{}, err
	}
	if limits, ok := readLimits(output.Stdout); ok {
		return limits, nil
	}
	return e.limitsByStats(ctx, containerID)
}

// readLimits reads a line each for memory and processes; max is no limit.
func readLimits(text string) (plan.Limits, bool) {
	words := strings.Fields(text)
	if len(words) != 2 {
		return plan.Limits{}, false
	}
	memory, err := strconv.ParseUint(words[0], 10, 64)
	if words[0] == "max" {
		memory, err = math.MaxUint64, nil
	}
	pids, err2 := strconv.ParseUint(words[1], 10, 64)
	if words[1] == "max" {
		pids, err2 = 0, nil
	}
	return plan.Limits{Memory: memory, Pids: pids}, err == nil && err2 == nil
}

func (e *Engine) limitsByStats(ctx context.Context, containerID string) (plan.Limits, error) {
	response, err := e.api.ContainerStatsOneShot(ctx, containerID)
	if err != nil {
		return plan.Limits{}, wrap("limits", err)
	}
	defer drain(response.Body)
	var stats container.StatsResponse
	if err := json.NewDecoder(response.Body).Decode(&stats); err != nil {
		return plan.Limits{}, fmt.Errorf("limits: %w", err)
	}
	return plan.Limits{Memory: stats.MemoryStats.Limit, Pids: stats.PidsStats.Limit}, nil
}

// Inspection is all that the engine tells of a container, as JSON. Secrets that somebody put into its environment are
// in it.
func (e *Engine) Inspection(ctx context.Context, containerID string) ([]byte, error) {
	_, raw, err := e.api.ContainerInspectWithRaw(ctx, containerID, false)
	return raw, wrap("inspect", err)
}
