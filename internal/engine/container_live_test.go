package engine

import (
	"math"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"

	"minibot/internal/plan"
)

func TestObserveProcesses(t *testing.T) {
	got, err := observeProcesses(container.TopResponse{
		Titles:    []string{"PID", "UID", "COMMAND"},
		Processes: [][]string{{"12346", "999", "postgres"}, {"12504", "0", "postgres: checkpointer "}},
	})
	if diff := cmp.Diff([]plan.Process{{UID: 999, Command: "postgres"}, {UID: 0, Command: "postgres: checkpointer "}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for name, top := range map[string]container.TopResponse{
		"other columns": {Titles: []string{"PID", "USER", "COMMAND"}, Processes: [][]string{{"1", "root", "x"}}},
		"a name":        {Titles: []string{"PID", "UID", "COMMAND"}, Processes: [][]string{{"1", "root", "x"}}},
		"a short row":   {Titles: []string{"PID", "UID", "COMMAND"}, Processes: [][]string{{"1", "0"}}},
	} {
		if got, err := observeProcesses(top); err == nil {
			t.Errorf("%s: %v, want an error", name, got)
		}
	}
}

func TestReadLimits(t *testing.T) {
	for text, want := range map[string]plan.Limits{
		"268435456\n64\n":            {Memory: 268435456, Pids: 64},
		"max\nmax\n":                 {Memory: math.MaxUint64},
		"9223372036854771712\nmax\n": {Memory: 9223372036854771712},
	} {
		if got, ok := readLimits(text); got != want || !ok {
			t.Errorf("%q: %v, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "1", "1 2 3 4", "x 1", "1 -1", "OCI runtime"} {
		if got, ok := readLimits(text); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// What the kernel and the engine say of a real container.
func TestLive(t *testing.T) {
	n := newNeighbours(t)
	processes, err := n.Processes(t.Context(), n.ids["redis"])
	if err != nil || len(processes) != 1 || processes[0].UID != 999 {
		t.Errorf("%v, %v", processes, err)
	}
	limits, err := n.Limits(t.Context(), n.ids["redis"])
	if err != nil || limits != (plan.Limits{Memory: 64 << 20, Pids: 77}) {
		t.Errorf("%v, %v", limits, err)
	}
	if limits, err := n.Limits(t.Context(), n.ids["bare"]); err != nil || limits != (plan.Limits{Memory: 64 << 20, Pids: 77}) {
		t.Errorf("without a program to read a file: %v, %v", limits, err)
	}
	if raw, err := n.Inspection(t.Context(), n.ids["redis"]); err != nil || len(raw) < 1000 {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
}
