package host

import (
	"net/netip"
	"slices"
	"strings"
)

// cameBy is met by packets that came in at one of the interfaces; a name that ends in + (iptables) or * (nft) stands
// for all that begin so.
func cameBy(names ...string) condition {
	return func(p packet) answer { return known(slices.ContainsFunc(names, named(p.in))) }
}

// goesBy is met by packets that leave by one of the interfaces.
func goesBy(names ...string) condition {
	return func(p packet) answer {
		return known(p.out != "" && slices.ContainsFunc(names, named(p.out)))
	}
}

func named(name string) func(pattern string) bool {
	return func(pattern string) bool {
		begin := strings.TrimRight(pattern, "+*")
		return name == pattern || begin != pattern && strings.HasPrefix(name, begin)
	}
}

// to is met by packets for an address in one of the prefixes.
func to(prefixes ...netip.Prefix) condition {
	return func(p packet) answer {
		best := never
		for _, prefix := range prefixes {
			switch {
			case prefix.Bits() <= p.to.Bits() && prefix.Contains(p.to.Addr()):
				return always
			case prefix.Overlaps(p.to):
				best = maybe
			}
		}
		return best
	}
}

// from is met by packets from an address in one of the prefixes. Whoever sends a packet writes what he likes.
func from(prefixes ...netip.Prefix) condition {
	return func(p packet) answer {
		for _, prefix := range prefixes {
			if prefix.Bits() == 0 && prefix.Addr().Is4() == p.to.Addr().Is4() {
				return always
			}
		}
		return maybe
	}
}

// speaks is met by packets of one of the protocols.
func speaks(protocols ...string) condition {
	return func(p packet) answer {
		switch {
		case slices.Contains(protocols, "all"):
			return always
		case p.protocol == "":
			return maybe
		}
		return known(slices.Contains(protocols, p.protocol))
	}
}

// ports is a range of port numbers, both ends in it.
type ports struct{ first, last uint16 }

// toPort is met by packets for a port in one of the ranges.
func toPort(ranges ...ports) condition {
	return func(p packet) answer {
		if p.port == 0 {
			return maybe
		}
		return known(slices.ContainsFunc(ranges, func(r ports) bool { return r.first <= p.port && p.port <= r.last }))
	}
}

// inState is met by packets of a connection in one of the states, as iptables or nft names them.
func inState(states ...string) condition {
	return func(p packet) answer {
		isNew := slices.ContainsFunc(states, func(s string) bool { return strings.EqualFold(s, "new") })
		others := slices.ContainsFunc(states, func(s string) bool {
			return !slices.Contains([]string{"new", "established", "related", "invalid", "untracked"}, strings.ToLower(s))
		})
		switch {
		case p.untracked:
			return maybe
		case isNew:
			return always
		case others: // DNAT and SNAT, which a new connection may be in too
			return maybe
		}
		return never
	}
}
