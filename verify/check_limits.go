package verify

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var limitChecks = []Check{
	{
		ID: "limit.memory", Severity: High, Must: true, CIS: "5.11",
		Claim:   "Every container has the memory limit of the spec.",
		Why:     "Without a limit one service takes the memory of all, and the kernel kills whichever it likes.",
		How:     "The container's limit in bytes, as the engine holds it, must be the spec's.",
		Applies: "every service", Attribute: "limits.memory",
		Remedy: "Run minibot apply: it sets the limit without a restart.",
		needs:  theEngine, run: perContainer(memoryLimit),
	},
	{
		ID: "limit.cpu", Severity: Medium, Must: true, CIS: "5.12",
		Claim:   "Every container has the CPU limit of the spec.",
		Why:     "Without a limit one service that spins starves the others.",
		How:     "The container's limit as a number of CPUs, or as quota and period; they are compared to 1%.",
		Applies: "every service", Attribute: "limits.cpus",
		Remedy: "Run minibot apply: it sets the limit without a restart.",
		needs:  theEngine, run: perContainer(cpuLimit),
	},
	{
		ID: "limit.pids", Severity: Medium, CIS: "5.29",
		Claim:   "Every container has the limit of processes of the spec.",
		Why:     "Without a limit a container that forks without end takes the whole machine down.",
		How:     "The container's limit of processes, as the engine holds it, must be the spec's.",
		Applies: "every service", Attribute: "limits.pids",
		Remedy: "Run minibot apply: it sets the limit without a restart.",
		needs:  theEngine, run: perContainer(pidsLimit),
	},
	{
		ID: "limit.swap", Severity: Low, CIS: "5.11",
		Claim:   "No container may swap beyond its memory limit.",
		Why:     "The engine's default is twice the limit: a container that leaks then fills the machine's swap, and slows all others down.",
		How:     "The container's limit of memory and swap together, as the engine holds it, must be its memory limit.",
		Applies: "every service", Attribute: "limits.memory",
		Remedy: "Run minibot apply: it sets the limit without a restart.",
		needs:  theEngine, run: perContainer(swapLimit),
	},
	{
		ID: "limit.enforced", Severity: High, CIS: "5.11",
		Claim:   "The kernel holds every container to its limits.",
		Why:     "An engine whose kernel lacks the support takes a limit, shows it, and lets the container have more.",
		How:     "The engine's warnings about its kernel, and for each running container the limits of memory and processes that the kernel itself tells.",
		Applies: "every service", Attribute: "limits",
		Remedy: "Switch the kernel's support on (cgroup_enable=memory swapaccount=1 on its command line, as Docker's documentation says), and restart the engine.",
		needs:  theEngine, run: enforced,
	},
	{
		ID: "limit.total", Severity: Low,
		Claim:   "The memory limits of all services together are no more than the engine's machine has.",
		Why:     "Limits that promise more than there is do not keep one service from taking what another was promised.",
		How:     "The memory limits of the spec are added up and compared with the memory of the engine's machine: on a Mac that of the virtual machine.",
		Applies: "every stack",
		Remedy:  "Lower the limits, or give the virtual machine more memory in the settings of the runtime.",
		needs:   theEngine, run: totalMemory,
	},
}

func memoryLimit(p pair) Result {
	have, want := int64(p.have.Actual.MemLimit), int64(p.want.MemLimit)
	switch {
	case have == want:
		return pass("%s", size(have))
	case have == 0:
		return fail("%s has no memory limit; the file says %s", p.have.Name, size(want))
	}
	return fail("%s may take %s; the file says %s", p.have.Name, size(have), size(want))
}

// cpuLimit takes either form in which an engine holds the limit: a number, or a quota of a
// period. They are compared to 1%, since a period rounds.
func cpuLimit(p pair) Result {
	have, want := float64(p.have.Actual.CPUS), float64(p.want.CPUS)
	if quota, period := p.have.Actual.CPUQuota, p.have.Actual.CPUPeriod; have == 0 && quota > 0 {
		if period == 0 {
			period = 100_000 // the kernel's default, in microseconds
		}
		have = float64(quota) / float64(period)
	}
	switch {
	case math.Abs(have-want) <= want/100:
		return pass("%.3g", have)
	case have == 0:
		return fail("%s has no CPU limit; the file says %.3g", p.have.Name, want)
	}
	return fail("%s may take %.3g CPUs; the file says %.3g", p.have.Name, have, want)
}

func pidsLimit(p pair) Result {
	have, want := p.have.Actual.PidsLimit, p.want.PidsLimit
	switch {
	case have == want:
		return pass("%d", have)
	case have <= 0: // the engine writes none as null, 0 or -1
		return fail("%s has no limit of processes; the file says %d", p.have.Name, want)
	}
	return fail("%s may have %d processes; the file says %d", p.have.Name, have, want)
}

func swapLimit(p pair) Result {
	memory, both := int64(p.have.Actual.MemLimit), int64(p.have.Actual.MemSwapLimit)
	switch {
	case memory == 0:
		return skip("it has no memory limit: see limit.memory")
	case both <= 0: // -1 is without end, and 0 is the engine's default
		return fail("%s may swap without a limit", p.have.Name)
	case both <= memory:
		return pass("no swap")
	}
	return fail("%s may swap %s beyond its %s of memory", p.have.Name, size(both-memory), size(memory))
}

// unsupported is what an engine warns of when its kernel cannot hold containers to a limit that every service has.
var unsupported = regexp.MustCompile(`(?i)no (memory limit|swap limit|cpu cfs quota|cpu cfs period|pids limit) support`)

func enforced(ctx context.Context, s Subject) []Result {
	var lacks []string
	for _, warning := range s.Live.Engine.Warnings {
		if found := unsupported.FindString(warning); found != "" {
			lacks = append(lacks, strings.ToLower(found))
		}
	}
	kernel := pass("the engine warns of no limit that its kernel does not support")
	switch {
	case len(lacks) == 1 && strings.Contains(lacks[0], "swap"):
		kernel = fail("the engine's kernel has %s", lacks[0]).as(Low)
	case len(lacks) > 0:
		kernel = fail("the engine's kernel has %s", strings.Join(lacks, ", "))
	}
	return slices.Concat([]Result{kernel.on("engine")}, perRunning(heldTo)(ctx, s))
}

// heldTo compares what the engine was told with what the kernel says. What the engine was told is another check's.
func heldTo(ctx context.Context, s Subject, p pair) Result {
	kernel, err := s.Containers.Limits(ctx, p.have.ID)
	if err != nil {
		return unknown("%v", err).remedy("Look at it by hand: docker stats --no-stream %s", p.have.Name)
	}
	var wrong []string
	if told := uint64(p.have.Actual.MemLimit); told != 0 && kernel.Memory != told {
		wrong = append(wrong, amount(kernel.Memory)+" of memory instead of "+amount(told))
	}
	if told := uint64(p.have.Actual.PidsLimit); told != 0 && kernel.Pids != told {
		wrong = append(wrong, countless(kernel.Pids)+" processes instead of "+countless(told))
	}
	if len(wrong) > 0 {
		return fail("the kernel holds %s to %s", p.have.Name, strings.Join(wrong, ", and "))
	}
	return pass("memory %s, processes %s", amount(kernel.Memory), countless(kernel.Pids))
}

// amount writes the kernel's bytes; without a limit it says a number that no machine has.
func amount(bytes uint64) string {
	if bytes > 1<<50 {
		return "any amount"
	}
	return size(int64(bytes))
}

// countless writes a limit of the kernel's; 0 is none.
func countless(n uint64) string {
	if n == 0 {
		return "any number of"
	}
	return strconv.FormatUint(n, 10)
}

func totalMemory(_ context.Context, s Subject) []Result {
	var total int64
	for _, p := range s.pairs() {
		total += int64(p.want.MemLimit)
	}
	has := s.Live.Engine.Memory
	result := pass("%.1f of %.1f GiB", gib(total), gib(has))
	switch {
	case has <= 0:
		result = unknown("the engine does not say how much memory its machine has").remedy("Look at it: docker info.")
	case total > has:
		result = fail("the services may take %.1f GiB, and the engine's machine has %.1f", gib(total), gib(has))
	}
	return []Result{result.on("stack")}
}

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }
