package host

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Process is a program that runs, and its arguments, the program's own name being the first. They may hold what is not
// meant for others: only what they mean may stand in a report.
type Process struct {
	PID  int
	Name string
	Args []string
}

// processes lists, in the order of their numbers, the processes that have one of the names. Of no other one are the
// arguments read. On Linux, those of containers are among them.
func (m Machine) processes(ctx context.Context, names []string) ([]Process, error) {
	switch m.GOOS {
	case "linux":
		return m.procProcesses(ctx, names)
	case "darwin":
		return m.psProcesses(ctx, names)
	}
	return nil, fmt.Errorf("%w: processes are read on Linux and macOS, and this is %s", ErrNotApplicable, m.GOOS)
}

func (m Machine) procProcesses(ctx context.Context, names []string) ([]Process, error) {
	proc := m.proc()
	numbers, err := pids(proc)
	if err != nil {
		return nil, fmt.Errorf("processes: %w", err)
	}
	var list []Process
	for _, pid := range numbers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		name := procName(proc, pid)
		if !slices.Contains(names, name) {
			continue
		}
		line, err := fs.ReadFile(proc, strconv.Itoa(pid)+"/cmdline")
		if err != nil || len(line) == 0 {
			continue // it has ended, or is a thread of the kernel
		}
		args := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		list = append(list, Process{pid, name, args})
	}
	return list, nil
}

// psProcesses asks ps twice: for names, and then for the arguments of those that matter.
func (m Machine) psProcesses(ctx context.Context, names []string) ([]Process, error) {
	out, err := m.Run(ctx, "/bin/ps", "-axo", "pid=,comm=")
	if err != nil {
		return nil, fmt.Errorf("processes: %w", err)
	}
	all, err := parsePS(out)
	if err != nil {
		return nil, fmt.Errorf("processes: %w", err)
	}
	var numbers []string
	for pid, command := range all {
		if slices.Contains(names, path.Base(command)) {
			numbers = append(numbers, strconv.Itoa(pid))
		}
	}
	if numbers == nil {
		return nil, nil
	}
	slices.Sort(numbers)
	out, err = m.Run(ctx, "/bin/ps", "-ww", "-o", "pid=,args=", "-p", strings.Join(numbers, ","))
	if _, gone := ended(err, 1); gone {
		return nil, nil // they have all ended since
	}
	if err != nil {
		return nil, fmt.Errorf("processes: %w", err)
	}
	chosen, err := parsePS(out)
	if err != nil {
		return nil, fmt.Errorf("processes: %w", err)
	}
	var list []Process
	for pid, line := range chosen {
		list = append(list, Process{pid, printable(path.Base(all[pid])), strings.Fields(line)})
	}
	slices.SortFunc(list, func(a, b Process) int { return a.PID - b.PID })
	return list, nil
}

// parsePS reads lines of a number and a text.
func parsePS(out []byte) (map[int]string, error) {
	all := map[int]string{}
	for line := range bytes.Lines(out) {
		number, text, ok := strings.Cut(strings.TrimSpace(string(line)), " ")
		pid, err := strconv.Atoi(number)
		if err != nil || !ok {
			return nil, fmt.Errorf("not a process: %.80q", line)
		}
		all[pid] = strings.TrimSpace(text)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no process in %.80q", out)
	}
	return all, nil
}
