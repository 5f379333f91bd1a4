package verify

import "math"

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
