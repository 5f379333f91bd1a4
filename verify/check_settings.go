package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

var settingChecks = []Check{
	{
		ID: "hard.ulimits", Severity: Low, CIS: "5.19",
		Claim:   "Every container has the resource limits of the spec.",
		Why:     "Without a limit for core dumps a crash writes passwords from memory to the disk.",
		How:     "The container's ulimits, as the engine holds them, must be the spec's. Those that only the engine sets are left alone.",
		Applies: "every service", Attribute: "ulimit",
		Remedy: "Run minibot apply: it makes the container anew.",
		needs:  theEngine, run: perContainer(resourceLimits),
	},
	{
		ID: "hard.extra-hosts", Severity: Low,
		Claim:   "No container has a name for the host that the spec does not give it.",
		Why:     "By host-gateway a container finds what listens on the machine itself.",
		How:     "The container's extra hosts, as the engine holds them, are compared with the spec's.",
		Applies: "every service", Attribute: "extra_hosts",
		Remedy: "Run minibot apply: it makes the container anew.",
		needs:  theEngine, run: perContainer(extraHosts),
	},
	{
		ID: "hard.ports.privileged", Severity: Low, CIS: "5.8",
		Claim:   "No service publishes a port below 1024.",
		Why:     "Those are the ports of the machine's own services, which a container then stands in the place of.",
		How:     "The ports that the engine publishes for the container.",
		Applies: "services that publish a port", Attribute: "bind",
		Remedy: "Choose another number: bind { published = … }.",
		needs:  theEngine, run: privilegedPorts,
	},
}

func resourceLimits(p pair) Result {
	var wrong, right []string
	for _, want := range p.spec.Ulimits {
		hard := want.Soft
		if want.Hard != nil {
			hard = *want.Hard
		}
		asked := fmt.Sprintf("%s %d:%d", want.Name, want.Soft, hard)
		switch have := p.have.Actual.Ulimits[want.Name]; {
		case have == nil:
			wrong = append(wrong, "has no limit "+asked)
		case int64(have.Soft) != want.Soft || int64(have.Hard) != hard:
			wrong = append(wrong, fmt.Sprintf("has %s %d:%d, not %d:%d", want.Name, have.Soft, have.Hard, want.Soft, hard))
		default:
			right = append(right, asked)
		}
	}
	if len(wrong) > 0 {
		return fail("%s %s", p.have.Name, strings.Join(wrong, ", and "))
	}
	return pass("%s", words(right))
}

func extraHosts(p pair) Result {
	declared := func(line string) bool { return slices.Contains(p.spec.ExtraHosts, line) }
	var extra []string
	for name, addresses := range p.have.Actual.ExtraHosts {
		for _, address := range addresses {
			if line := name + ":" + address; !declared(line) {
				extra = append(extra, line)
			}
		}
	}
	slices.Sort(extra)
	if len(extra) > 0 {
		return fail("%s has %s", p.have.Name, strings.Join(extra, ", "))
	}
	return pass("%s", words(p.spec.ExtraHosts))
}

func privilegedPorts(_ context.Context, s Subject) []Result {
	var results []Result
	for _, p := range s.pairs() {
		if p.have == nil || len(p.spec.Binds) == 0 && len(p.have.Published) == 0 {
			continue
		}
		var low []string
		for _, port := range p.have.Published {
			if port.Published != 0 && port.Published < 1024 {
				low = append(low, port.String())
			}
		}
		result := pass("none")
		if len(low) > 0 {
			result = fail("%s publishes %s", p.have.Name, strings.Join(low, ", "))
		}
		results = append(results, result.of(p.spec.Name, ""))
	}
	return results
}
