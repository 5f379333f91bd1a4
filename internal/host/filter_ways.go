package host

import (
	"fmt"
	"net/netip"
	"slices"
)

// Bridge is a container network as the machine's neighbours could reach it: an interface of the machine, and the
// addresses behind it.
type Bridge struct {
	Interface string
	Subnets   []netip.Prefix
}

// Published is a port of this machine behind which a container listens.
type Published struct {
	Protocol string // "tcp" or "udp"
	Addr     netip.AddrPort
}

// String is such as 127.0.0.1:5432/tcp.
func (p Published) String() string { return p.Addr.String() + "/" + p.Protocol }

// Way is a way by which a neighbour on the wire gets past the packet filter, to a port that is published on a
// loopback address: by a route to the bridge, or by a packet for the loopback address itself.
type Way struct {
	From   string       // the interface of this machine that the neighbour is on
	Bridge string       // the bridge that he has a route to; "" in the second case
	Subnet netip.Prefix // behind it
	Port   Published    // in the second case, what he sends to
}

// String is such as "eth0 → 172.18.0.0/16 behind br-9ad9bd149ff4" or "eth0 → 127.0.0.1:5432/tcp".
func (w Way) String() string {
	if w.Bridge == "" {
		return fmt.Sprintf("%s → %s", w.From, w.Port)
	}
	return fmt.Sprintf("%s → %s behind %s", w.From, w.Subnet, w.Bridge)
}

// Ways lists the ways that the filter leaves open from the interfaces lan: to the subnets of the bridges by a route to
// them, and to those of the ports that are on 127.0.0.0/8 by a packet for it. None means that rules close all of them,
// proved for every packet that would open a connection; a rule that minibot does not fully understand closes nothing.
//
// This is the hole of Docker Engines before 28.0.0 (facts/network-security.md §1.2). What closes it: a drop in the table raw for
// each subnet and for 127.0.0.0/8, as engine 28 makes them, or one in DOCKER-USER for each interface of the LAN. A packet
// for 127.0.0.1 is translated before it is forwarded, so DOCKER-USER sees it as one for a container. One for ::1 the kernel
// itself drops if it comes from a wire.
func (f Filter) Ways(lan []string, bridges []Bridge, published []Published) []Way {
	var open []Way
	for _, in := range lan {
		forwarded := true // nothing is forwarded from here to any of the bridges' IPv4 subnets
		inner := 0
		for _, bridge := range bridges {
			for _, subnet := range bridge.Subnets {
				p := packet{in: in, to: subnet}
				p.untracked = f.untracks(p)
				arrives := !f.closes(onArrival, p)
				p.out = bridge.Interface
				goesIn := !f.closes(onTheWayIn, p)
				if arrives && goesIn {
					open = append(open, Way{From: in, Bridge: bridge.Interface, Subnet: subnet})
				}
				if subnet.Addr().Is4() {
					inner++
					forwarded = forwarded && !goesIn
				}
			}
		}
		for _, port := range published {
			addr := port.Addr.Addr()
			p := packet{in: in, to: netip.PrefixFrom(addr, addr.BitLen()), protocol: port.Protocol, port: port.Addr.Port()}
			p.untracked = f.untracks(p)
			if addr.Is4() && addr.IsLoopback() && !f.closes(onArrival, p) && !(forwarded && inner > 0) {
				open = append(open, Way{From: in, Port: port})
			}
		}
	}
	return open
}

// Forwards tells whether a packet of IPv4 to a container is let through where no rule speaks of it: no chain of the hook
// forward drops at its end.
func (f Filter) Forwards() bool {
	return !slices.ContainsFunc(f.tables, func(t table) bool {
		return t.v4 && slices.ContainsFunc(t.bases, func(b base) bool { return b.stage == onTheWayIn && b.drops })
	})
}

// Guards tells whether a packet of IPv4 for this machine is dropped where no rule lets it in, whatever exceptions there are:
// such as one that comes in at an interface that no rule names, for a port that none does.
func (f Filter) Guards() bool {
	const elsewhere = "minibot?" // no rule can name it: an interface has no ? in its name
	stranger := packet{in: elsewhere, to: netip.PrefixFrom(netip.IPv4Unspecified(), 0), protocol: "tcp", port: 1}
	for _, t := range f.tables {
		for _, b := range t.bases {
			if b.stage != forUs || !t.sees(stranger) {
				continue
			}
			if fate := t.fate(b.chain, stranger, 0); fate&dropped != 0 && fate&returned == 0 || fate&returned != 0 && b.drops {
				return true
			}
		}
	}
	return false
}
