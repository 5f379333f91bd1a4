package verify

import (
	"context"
	"errors"
	"net"
	"strconv"
)

var peerChecks = []Check{
	{
		ID: "net.peer.reachability", Severity: High,
		Claim:   "Every service reaches those that it depends on, by their names.",
		Why:     "Two containers can both be healthy and not find each other.",
		How:     "From inside the container of the one, a connection to the name and port of the other, and nothing more.",
		Applies: "services with depends_on on one that binds a TCP port", Attribute: "depends_on",
		Remedy: "See net.network.membership: both must be on one network. Then look at whether the other listens on all addresses of its container.",
		needs:  theEngine, run: peerReachability,
	},
}

func peerReachability(ctx context.Context, s Subject) []Result {
	type way struct {
		from, to pair
		addr     string
	}
	var ways []way
	for _, from := range s.pairs() {
		for _, to := range s.pairs() {
			if dependency, depends := from.want.DependsOn[to.spec.Name]; !depends || dependency.Condition == "service_completed_successfully" {
				continue
			}
			for _, bind := range to.spec.Binds {
				if bind.Protocol == "tcp" {
					ways = append(ways, way{from, to, net.JoinHostPort(to.spec.Name, strconv.Itoa(bind.Port))})
				}
			}
		}
	}
	return sideBySide(ways, func(w way) Result { return s.findPeer(ctx, w.from, w.to, w.addr).of(w.from.spec.Name, w.addr) })
}

func (s Subject) findPeer(ctx context.Context, from, to pair, addr string) Result {
	switch {
	case from.have == nil || to.have == nil:
		return absent
	case !from.running() || !to.running():
		return skip("a container does not run")
	}
	if _, err := s.Inside.Dialer(ctx, from.have.ID); err != nil {
		return unknown("%v", err).remedy("Accept the check, or try by hand from a container on the same network.")
	}
	err := s.reach(ctx, from.have.ID, addr)
	var lookup *net.DNSError
	why, noWay := unreachable(err)
	switch {
	case err == nil:
		return pass("connected from %s", from.have.Name)
	case ctx.Err() != nil:
		return unknown("%v", err)
	case errors.As(err, &lookup):
		return fail("%s does not know the name %s: they share no network, or its DNS does not answer", from.have.Name, to.spec.Name)
	case noWay:
		return fail("%s does not reach %s: %v", from.have.Name, addr, why)
	}
	return unknown("%v", err)
}
