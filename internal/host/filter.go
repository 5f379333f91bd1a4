package host

import (
	"net/netip"
	"slices"
)

// Filter is the part of the machine's packet filter that a packet from outside meets on its way to a container: the
// chains of the hooks prerouting, before addresses are translated, and forward; and the chains of the hook input. The zero
// Filter lets all pass.
type Filter struct{ tables []table }

// table is one table of rules. A packet must get past every table: one that drops it is enough.
type table struct {
	v4, v6 bool // the families of packets that it sees
	bases  []base
	chains map[string][]rule
}

// base is a chain that the kernel enters by itself.
type base struct {
	chain string
	stage stage
	drops bool // what becomes of a packet at its end
}

// stage is when a packet meets a base chain.
type stage uint8

const (
	onArrival  stage = iota + 1 // bears the destination that it was sent to
	onTheWayIn                  // translated, and about to go out to a bridge
	forUs                       // for a program of this machine
)

// packet is a set of packets, each of which would open a connection: all that come in at one interface, for any of a
// prefix's addresses.
type packet struct {
	in, out   string // out is "" on arrival, when it is not known yet
	to        netip.Prefix
	protocol  string // "tcp" or "udp"; "" is any
	port      uint16 // 0 is any
	untracked bool   // a rule may have taken it away from connection tracking
}

// rule is one rule of a chain: what it does to a packet that meets all conditions.
type rule struct {
	conditions []condition
	verdict    verdict
	chain      string // where jump and leap go
}

// condition tells whether the packets of a set meet it.
type condition func(packet) answer

// answer says it of all packets of a set at once.
type answer int8

const (
	never answer = iota - 1
	maybe        // some may, or minibot does not know the condition
	always
)

func known(yes bool) answer {
	if yes {
		return always
	}
	return never
}

// verdict is what a rule does.
type verdict uint8

const (
	goOn    verdict = iota // nothing that decides: it counts, logs or marks
	drop                   // it is gone, with an answer or without
	accept                 // it is past this table
	back                   // back to where the chain was jumped to from
	jump                   // to another chain, and back at its end
	leap                   // to another chain, and not back here: -g, goto
	untrack                // without connection tracking from here on
	unknown                // minibot does not know: it may let the packet pass, or go on
)

// fates is a set of what may become of packets.
type fates uint8

const (
	dropped fates = 1 << iota
	accepted
	returned // from the chain
)

// closes tells whether every packet of the set is dropped at a stage, for sure.
func (f Filter) closes(at stage, p packet) bool {
	for _, t := range f.tables {
		if !t.sees(p) {
			continue
		}
		for _, b := range t.bases {
			if b.stage == at && b.end(t.fate(b.chain, p, 0)) == dropped {
				return true
			}
		}
	}
	return false
}

// end turns what comes back from a base chain into what becomes of it.
func (b base) end(f fates) fates {
	switch {
	case f&returned == 0:
		return f
	case b.drops:
		return f&^returned | dropped
	}
	return f&^returned | accepted
}

// untracks tells whether connection tracking may miss packets of the set, so that none of them is seen as new.
func (f Filter) untracks(p packet) bool {
	for _, t := range f.tables {
		for _, rules := range t.chains {
			if t.sees(p) && slices.ContainsFunc(rules, func(r rule) bool { return r.verdict == untrack && r.meets(p) != never }) {
				return true
			}
		}
	}
	return false
}

func (t table) sees(p packet) bool { return t.v4 && p.to.Addr().Is4() || t.v6 && p.to.Addr().Is6() }

// deepest is more jumps than the kernel allows (16); a rule set that is read wrongly must not go on for ever.
const deepest = 32

// fate tells what may become of packets in a chain. What it leaves out cannot become of them.
func (t table) fate(chain string, p packet, depth int) fates {
	rules, there := t.chains[chain]
	if !there || depth > deepest {
		return accepted | returned
	}
	var all fates
	for _, r := range rules {
		met := r.meets(p)
		if met == never {
			continue
		}
		var fate fates
		ends := met == always // no packet comes to the next rule
		switch r.verdict {
		case goOn, untrack:
			continue
		case drop:
			fate = dropped
		case accept:
			fate = accepted
		case back:
			fate = returned
		case leap:
			fate = t.fate(r.chain, p, depth+1)
		case jump:
			fate = t.fate(r.chain, p, depth+1)
			ends = ends && fate&returned == 0
			fate &^= returned
		default:
			fate, ends = accepted, false
		}
		if all |= fate; ends {
			return all
		}
	}
	return all | returned
}

func (r rule) meets(p packet) answer {
	all := always
	for _, met := range r.conditions {
		all = min(all, met(p))
	}
	return all
}

// not turns a condition round.
func not(c condition) condition { return func(p packet) answer { return -c(p) } }

// perhaps is a condition that minibot does not know.
func perhaps(packet) answer { return maybe }
