package verify

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"strings"

	"minibot/internal/plan"
	"minibot/internal/probe"
)

var egressChecks = []Check{
	{
		ID: "net.egress.declared", Severity: High, Must: true,
		Claim:   "Every service reaches the addresses that its egress declares.",
		Why:     "A service that cannot call out fails at its work, not at its start.",
		How:     "From inside its container each name is resolved and connected to; at port 443 TLS is agreed on and the certificate verified, as this machine trusts it. Nothing is asked of the other side.",
		Applies: "services with an egress list, unless --offline says that there is no way out", Attribute: "egress",
		Remedy: "Look at DNS, VPN and firewall of the machine; where there is no internet on purpose, verify --offline.",
		needs:  theEngine, run: egressDeclared,
	},
	{
		ID: "net.egress.db-unneeded", Severity: Low,
		Claim:   "No service that keeps data and declares no egress can reach the outside.",
		Why:     "Whoever breaks into a database sends its data away by the way out that it has and does not need.",
		How:     "The options of the networks that it is on: internal ones, and bridges without masquerading, lead nowhere. Nothing is sent.",
		Applies: "services with a volume or mount and no egress", Attribute: "networks",
		Remedy: "Put it on a network with masquerade = false, and those that call out on a second one; or accept the check.",
		needs:  theEngine, run: egressUnneeded,
	},
	{
		ID: "net.internal.consistency", Severity: Medium,
		Claim:   "What is to be cut off is cut off, and what is to be published is not on internal networks alone.",
		Why:     "The engine takes a port on an internal network, shows it, and publishes nothing, without a word; and a second network makes an internal one worth nothing.",
		How:     "The live networks of each container, and the ports that it asks for, are compared with the networks of the spec.",
		Applies: "services that have or are to have an internal network", Attribute: "networks",
		Remedy: "Put what publishes on a network that is not internal, and what is to be cut off on internal ones alone; then run minibot apply.",
		needs:  theEngine, run: internalConsistency,
	},
}

func egressDeclared(ctx context.Context, s Subject) []Result {
	type way struct {
		pair
		addr string
	}
	var ways []way
	for _, p := range s.pairs() {
		for _, addr := range p.spec.Egress {
			ways = append(ways, way{p, addr})
		}
	}
	return sideBySide(ways, func(w way) Result { return s.callOut(ctx, w.pair, w.addr).of(w.spec.Name, w.addr) })
}

// callOut looks how far a service comes on its way to an address.
func (s Subject) callOut(ctx context.Context, p pair, addr string) Result {
	switch {
	case s.Offline:
		return skip("not tried: this machine is offline (--offline)")
	case p.have == nil:
		return absent
	case !p.running():
		return skip("the container does not run")
	}
	host, port, _ := net.SplitHostPort(addr) // spec.Parse has refused what is none
	if _, err := s.Inside.Dialer(ctx, p.have.ID); err != nil {
		return unknown("%v", err).remedy("Accept the check, or try by hand from a container on the same network.")
	}
	how, err := "connected", error(nil)
	if port == "443" {
		how, err = s.Prober.Secure(ctx, p.have.ID, addr)
		how += ", certificate verified"
	} else {
		err = s.reach(ctx, p.have.ID, addr)
	}
	var lookup *net.DNSError
	why, noWay := unreachable(err)
	switch {
	case err == nil:
		return pass("%s", how)
	case ctx.Err() != nil:
		return unknown("%v", err)
	case errors.As(err, &lookup):
		return fail("DNS: %s does not resolve inside %s: %s", host, p.have.Name, lookup.Err).
			remedy("Look at the name servers of the machine and of the engine; where there is no internet on purpose, verify --offline.")
	case errors.Is(err, probe.ErrHandshake):
		return fail("TLS: %s is connected from %s, and not trusted: %v", addr, p.have.Name, err).
			remedy("Somebody may stand between: see whose certificate it is. A proxy that opens TLS needs its root certificate on this machine, too.")
	case noWay:
		return fail("connect: no connection from %s to %s: %v", p.have.Name, addr, why).
			remedy("Look at VPN and firewall of the machine, and at the networks of the service: an internal one leads nowhere.")
	}
	return unknown("%v", err)
}

func egressUnneeded(_ context.Context, s Subject) []Result {
	var results []Result
	for _, p := range s.pairs() {
		if keepsData := len(p.spec.Volumes)+len(p.spec.Mounts) > 0; keepsData && len(p.spec.Egress) == 0 {
			results = append(results, s.wayOut(p).of(p.spec.Name, ""))
		}
	}
	return results
}

// wayOut judges by the engine's own words. A dial would be the better proof, and a message to strangers.
func (s Subject) wayOut(p pair) Result {
	if p.have == nil {
		return absent
	}
	var out, shut []string
	if mode := p.have.Actual.NetworkMode; mode != "" && mode != "none" {
		out = append(out, "its network mode is "+mode)
	}
	for _, name := range slices.Sorted(maps.Keys(p.have.Actual.Networks)) {
		network, there := s.Live.Networks[name]
		switch why := closed(network); {
		case !there:
			out = append(out, name+" is not a network of this stack")
		case why == "":
			out = append(out, name+" leads out")
		default:
			shut = append(shut, name+" "+why)
		}
	}
	if len(out) > 0 {
		return fail("%s can call out: %s", p.have.Name, strings.Join(out, ", "))
	}
	return pass("%s", words(shut))
}

// masqueradeOption is what gives the containers of a bridge the machine's address on their way out.
const masqueradeOption = bridgeOption + "enable_ip_masquerade"

// closed says why a network leads nowhere; "" if it leads out.
func closed(n plan.Network) string {
	switch {
	case n.Internal:
		return "is internal"
	case n.Driver == "bridge" && n.Options[masqueradeOption] == "false":
		return "does not masquerade, so that no answer finds the way back"
	}
	return ""
}

func internalConsistency(_ context.Context, s Subject) []Result {
	var results []Result
	for _, p := range s.pairs() {
		var meant, open []string // internal networks of the spec, and others
		for key := range p.want.Networks {
			if s.Project.Networks[key].Internal {
				meant = append(meant, key)
			} else {
				open = append(open, key)
			}
		}
		if p.have == nil {
			continue // another check says so
		}
		var inside, outside []string
		for _, name := range slices.Sorted(maps.Keys(p.have.Actual.Networks)) {
			if s.Live.Networks[name].Internal {
				inside = append(inside, name)
			} else {
				outside = append(outside, name)
			}
		}
		if len(meant)+len(inside) == 0 {
			continue
		}
		asked := plan.Ports(p.have.Actual)
		result := pass("on %s", words(slices.Concat(inside, outside)))
		switch {
		case len(open) == 0 && len(outside) > 0:
			result = fail("%s is to be cut off, and %s leads out", p.have.Name, strings.Join(outside, ", "))
		case len(inside) > 0 && len(outside) == 0 && len(asked) > 0:
			result = fail("%s asks for %s, and is on %s alone, which is internal: the engine publishes nothing there", p.have.Name, lines(asked), strings.Join(inside, ", "))
		}
		results = append(results, result.of(p.spec.Name, ""))
	}
	if results == nil {
		return []Result{skip("no network is internal").on("stack")}
	}
	return results
}
