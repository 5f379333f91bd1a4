package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"minibot/internal/plan"
)

var publishChecks = []Check{
	{
		ID: "net.publish.present", Severity: High, Must: true,
		Claim:   "Every port of the spec is really published.",
		Why:     "An engine starts a container whose ports it cannot publish, and says nothing: on an internal network, for one.",
		How:     "The ports that the engine really holds for the running container are searched for each bind of the spec.",
		Applies: "services with a bind block", Attribute: "bind",
		Remedy: "Run minibot apply.",
		needs:  theEngine, run: published,
	},
	{
		ID: "net.publish.loopback", Severity: Critical, Must: true, CIS: "5.14",
		Claim:   "Every published port is on a loopback address.",
		Why:     "A port on another address than loopback is open to the whole network, and Docker's rules go before the firewall's.",
		How:     "Both what the container asks for and what the engine has opened are read, for IPv4 and IPv6, of the stack's containers and of strays.",
		Applies: "every container of the engine that publishes a port of the stack, or belongs to it", Attribute: "bind",
		Remedy: "Run minibot apply: it makes the container anew with the ports of the spec.",
		needs:  theEngine, run: loopback,
	},
	{
		ID: "net.publish.unexpected", Severity: High, Must: true, CIS: "5.9",
		Claim:   "No service publishes a port that the spec does not bind.",
		Why:     "Each published port is a door; one that nobody wrote down is guarded by nobody.",
		How:     "The ports that the container asks for and those that are open are compared with the binds of the spec; -P counts.",
		Applies: "every service", Attribute: "bind",
		Remedy: "Run minibot apply: it makes the container anew with the ports of the spec.",
		needs:  theEngine, run: perContainer(unexpected),
	},
	{
		ID: "net.publish.port-number", Severity: Medium, Must: true,
		Claim:   "Every port is published under the number of the spec.",
		Why:     "Whoever connects to the number of the spec would meet nothing, or somebody else.",
		How:     "The number under which the engine publishes each container port is compared with the spec's.",
		Applies: "services with a bind block", Attribute: "bind",
		Remedy: "Run minibot apply: it makes the container anew with the ports of the spec.",
		needs:  theEngine, run: portNumber,
	},
}

// perPort makes a check out of one that looks at a port of the spec and the ports that the
// running container publishes.
func perPort(s Subject, look func(p pair, want plan.Port) Result) []Result {
	var results []Result
	for _, p := range s.pairs() {
		wants := plan.Ports(p.want)
		switch {
		case len(wants) == 0:
		case p.have == nil:
			results = append(results, absent.of(p.spec.Name, ""))
		case !p.running():
			results = append(results, skip("the container does not run").of(p.spec.Name, ""))
		default:
			for _, want := range wants {
				results = append(results, look(p, want).of(p.spec.Name, socket(want.HostIP, want.Published, want.Protocol)).at(p.boundAt(want)))
			}
		}
	}
	return results
}

func published(_ context.Context, s Subject) []Result {
	return perPort(s, func(p pair, want plan.Port) Result {
		if have := sameTarget(p.have.Published, want); len(have) > 0 && have[0].Published != 0 {
			return pass("published as %s", have[0])
		}
		result := fail("%s does not publish port %d, though it runs", p.have.Name, want.Target)
		for name := range p.have.Actual.Networks {
			if network := s.Live.Networks[name]; network.Internal || network.Driver == "macvlan" || network.Driver == "ipvlan" {
				kind := network.Driver
				if network.Internal {
					kind = "internal"
				}
				result.Evidence += fmt.Sprintf(": the network %s is %s, where the engine publishes nothing", name, kind)
			}
		}
		return result
	})
}

func portNumber(_ context.Context, s Subject) []Result {
	return perPort(s, func(p pair, want plan.Port) Result {
		have := sameTarget(p.have.Published, want)
		if len(have) == 0 || have[0].Published == 0 {
			return skip("the port is not published")
		}
		if !slices.ContainsFunc(have, func(h plan.Port) bool { return h.Published == want.Published }) {
			return fail("port %d of %s is published as %d, not as %d", want.Target, p.have.Name, have[0].Published, want.Published)
		}
		return pass("%d → %d", want.Published, want.Target)
	})
}

func loopback(_ context.Context, s Subject) []Result {
	var results []Result
	for _, p := range s.pairs() {
		if p.have == nil {
			continue
		}
		for _, b := range bindings(*p.have) {
			results = append(results, b.loopback(*p.have).of(p.spec.Name, b.socket()).at(p.boundAt(b.Port)))
		}
	}
	for _, other := range s.others() {
		for _, b := range bindings(other) {
			result := b.loopback(other)
			if result.Status == Fail {
				result = result.remedy("Publish it on 127.0.0.1 (-p 127.0.0.1:%d:%d), or remove the container %s.", b.Published, b.Target, other.Name)
			}
			results = append(results, result.on(other.Name+" "+b.socket()))
		}
	}
	return results
}

func (b binding) loopback(c plan.Container) Result {
	guarded := slices.ContainsFunc(sameTarget(c.Published, b.Port), func(p plan.Port) bool { return p.HostIP.IsLoopback() })
	switch {
	case b.HostIP.IsLoopback() && b.live:
		return pass("%s publishes %s", c.Name, b)
	case b.HostIP.IsLoopback():
		return pass("%s asks for %s", c.Name, b)
	case b.live && b.Published == 0:
		return fail("port %d of %s is open at the container's own address (gateway_mode routed)", b.Target, c.Name)
	case b.live:
		return fail("%s publishes %s, open to the network", c.Name, b)
	case !b.HostIP.IsValid() && guarded:
		return fail("%s asks for port %d on every address, and only its network keeps it on loopback", c.Name, b.Published).as(Medium)
	}
	return fail("%s asks for %s, open to the network", c.Name, b)
}

// unexpected compares numbers, and among loopback addresses the address: an open address
// of a port of the spec is for net.publish.loopback to report.
func unexpected(p pair) Result {
	wants := plan.Ports(p.want)
	var extra []string
	for _, have := range bindings(*p.have) {
		same := sameTarget(wants, have.Port)
		known := slices.ContainsFunc(same, func(want plan.Port) bool {
			return want.Published == have.Published && (want.HostIP == have.HostIP || !have.HostIP.IsLoopback())
		})
		nowhere := have.Published == 0 && len(same) > 0 // not on the host at all: net.publish.present fails
		if !known && !nowhere {
			extra = append(extra, have.String())
		}
	}
	if p.have.PublishAll {
		extra = append(extra, "every exposed port at a free port of all addresses (-P)")
	}
	if len(extra) > 0 {
		return fail("%s publishes %s, which the spec does not bind", p.have.Name, strings.Join(extra, ", "))
	}
	return pass("no other than the %s of the spec", count(len(wants), "port"))
}
