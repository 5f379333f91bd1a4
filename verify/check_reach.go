package verify

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"minibot/internal/host"
	"minibot/internal/probe"
	"minibot/spec"
)

var reachChecks = []Check{
	{
		ID: "net.listen.host", Severity: Critical, Must: true, CIS: "5.14",
		Claim:   "Nothing on this machine listens on a port of the stack at an address that others reach.",
		Why:     "What listens on an address of the network is open, whoever it is: a container in the host's network, a database of the machine, an ssh tunnel.",
		How:     "The machine's own table of sockets is read for the ports of the spec at addresses other than loopback; the culprit is named where this user may know it.",
		Applies: "ports of the spec, where the engine is on this machine", Attribute: "bind",
		Remedy: "Stop what listens there, or bind it to 127.0.0.1.",
		needs:  thisMachine, run: listening,
	},
	{
		ID: "net.listen.owner", Severity: Medium,
		Claim:   "What listens on the ports of the stack on loopback is the container runtime.",
		Why:     "A program of the machine that took the port first, such as its own database, answers in the container's place.",
		How:     "The owners of the listeners are compared with the runtime's own programs. Another user's processes are known to root alone, so they are skipped without it.",
		Applies: "TCP ports of the spec, where the engine is on this machine", Attribute: "bind",
		Remedy: "Stop the program that has the port, then run minibot apply.",
		needs:  theEngine | thisMachine, run: shadowed,
	},
	{
		ID: "net.dial.lan", Severity: Critical, Must: true, CIS: "5.14",
		Claim:   "No port of the stack answers at an address of this machine that others reach.",
		Why:     "Only a connection proves that a port is closed: rules of NAT open ports on which nothing listens.",
		How:     "Each port is dialled at every address of this machine that is not loopback and not a bridge's. It cannot stand in for a neighbour on the LAN who forges packets.",
		Applies: "TCP ports of the spec, where the engine is on this machine", Attribute: "bind",
		Remedy: "Find out what answers (see net.listen.host and net.publish.loopback) and bind it to 127.0.0.1.",
		needs:  thisMachine, run: dialing,
	},
}

// bound is a port of this machine that the spec gives to a service.
type bound struct {
	service string
	*spec.Bind
}

func (s Subject) bounds() []bound {
	var all []bound
	for _, service := range s.Stack.Services {
		for _, bind := range service.Binds {
			all = append(all, bound{service.Name, bind})
		}
	}
	return all
}

// listening looks at the machine's own sockets, whoever owns them: a container in host
// mode, a database of the machine, ssh -g. A port forwarded by NAT alone has no socket;
// net.dial.lan finds it.
func listening(ctx context.Context, s Subject) []Result {
	listeners, err := s.Machine.Listeners(ctx)
	if err != nil {
		return []Result{unknown("%v", err).on("host").remedy("See who listens by hand: lsof -nP -iTCP -sTCP:LISTEN")}
	}
	var results []Result
	for _, b := range s.bounds() {
		open := slices.DeleteFunc(slices.Clone(listeners), func(l host.Listener) bool {
			return l.Protocol != b.Protocol || int(l.Addr.Port()) != b.Published || l.Addr.Addr().IsLoopback()
		})
		if len(open) == 0 {
			results = append(results, pass("no listener but on loopback").of(b.service, fmt.Sprintf("%d/%s", b.Published, b.Protocol)).at(b.Range))
		}
		if owned, err := s.Machine.Owners(ctx, open); err == nil { // a culprit without a name is still one
			open = owned
		}
		for _, l := range open {
			at := socket(l.Addr.Addr(), l.Addr.Port(), l.Protocol)
			results = append(results, fail("%s listens on %s", owner(l), at).of(b.service, at).at(b.Range))
		}
	}
	return results
}

// shadowed looks at who listens in the runtime's place.
func shadowed(ctx context.Context, s Subject) []Result {
	listeners, err := s.Machine.Listeners(ctx)
	if err == nil {
		mine := func(l host.Listener) bool {
			return l.Addr.Addr().IsLoopback() && slices.ContainsFunc(s.bounds(), func(b bound) bool { return address(b.Bind) == l.Addr.String() })
		}
		listeners = slices.DeleteFunc(listeners, func(l host.Listener) bool { return l.Protocol != "tcp" || !mine(l) })
		listeners, err = s.Machine.Owners(ctx, listeners)
	}
	if err != nil {
		return []Result{unseen(err).on("host")}
	}
	var results []Result
	for _, b := range s.bounds() {
		if b.Protocol != "tcp" { // whoever sends by UDP has such a socket, too
			continue
		}
		result := skip("nothing listens there: the kernel forwards the port, or it is not published")
		for _, l := range listeners {
			switch {
			case address(b.Bind) != l.Addr.String():
			case l.PID == 0:
				result = skip("it is a process of another user: only root may know which")
			case s.runtime().Forwards(l.Process):
				result = pass("%s", owner(l))
			default:
				result = fail("%s has the port, and is none of %s's programs", owner(l), s.runtime().Title())
			}
		}
		results = append(results, result.of(b.service, address(b.Bind)).at(b.Range))
	}
	return results
}

func owner(l host.Listener) string {
	switch {
	case l.Process != "":
		return fmt.Sprintf("%s (pid %d)", l.Process, l.PID)
	case l.PID != 0:
		return fmt.Sprintf("process %d", l.PID)
	}
	return "a process of another user"
}

// dialing knocks at every own address. It cannot play a neighbour on the LAN who sends
// packets for 127.0.0.1 or for the bridge (facts/network-security.md §1.2), nor does it
// pass the machine's own firewall.
func dialing(ctx context.Context, s Subject) []Result {
	addrs, err := s.Machine.Addresses(s.Live.Bridges)
	switch {
	case err != nil:
		return []Result{unknown("%v", err).on("host").remedy("Look at the network interfaces of this machine.")}
	case len(addrs) == 0:
		return []Result{skip("this machine has no address but loopback ones: there is no network to reach it from").on("host")}
	}
	type target struct {
		bound
		netip.AddrPort
	}
	var targets []target
	for _, b := range s.bounds() {
		for _, addr := range addrs {
			if b.Protocol == "tcp" {
				targets = append(targets, target{b, netip.AddrPortFrom(addr, uint16(b.Published))})
			}
		}
	}
	return sideBySide(targets, func(t target) Result {
		at := socket(t.Addr(), t.Port(), "tcp")
		return dial(ctx, s.Prober, t.String()).of(t.service, at).at(t.Range)
	})
}

func dial(ctx context.Context, prober Prober, addr string) Result {
	reach, err := prober.Reach(ctx, "", addr)
	switch {
	case err != nil:
		return unknown("%s", strings.TrimPrefix(err.Error(), "dial "+addr+": ")).remedy("See whether this machine can reach its own address.")
	case reach == probe.Connected:
		return fail("%s is answered: whoever reaches this address reaches the service", addr)
	case reach == probe.Filtered:
		return pass("filtered")
	}
	return pass("%s", reach)
}
