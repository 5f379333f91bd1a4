package verify

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"minibot/internal/plan"
	"minibot/spec"
)

// binding is one port that a container publishes or asks to publish.
type binding struct {
	plan.Port
	live bool // published now, and not only asked for
}

// socket is where the port is on the host; of one that is not, it is the container's.
func (b binding) socket() string {
	if b.Published == 0 {
		return fmt.Sprintf("%d/%s", b.Target, b.Protocol)
	}
	return socket(b.HostIP, b.Published, b.Protocol)
}

// boundAt is where the spec binds a port of the container; empty if it does not.
func (p pair) boundAt(port plan.Port) spec.Range {
	for _, bind := range p.spec.Binds {
		if bind.Port == int(port.Target) && bind.Protocol == port.Protocol {
			return bind.Range
		}
	}
	return spec.Range{}
}

// bindings are what the engine publishes for a container, and then what the container asks
// for beyond: only the first shows -P and free ports, only the second a port that an
// internal network swallows or a stopped container (facts/network-security.md §1.1).
func bindings(c plan.Container) []binding {
	var all []binding
	for _, port := range c.Published {
		all = append(all, binding{port, true})
	}
	for _, port := range plan.Ports(c.Actual) {
		same := sameTarget(c.Published, port)
		told := slices.Contains(same, port)
		if port.Published == 0 || !port.HostIP.IsValid() { // a free port, or every address: how it came out is what counts
			told = slices.ContainsFunc(same, func(p plan.Port) bool { return port.HostIP.IsValid() || !p.HostIP.IsLoopback() })
		}
		if !told {
			all = append(all, binding{port, false})
		}
	}
	return all
}

// sameTarget lists the ports that lead to the same port of the container.
func sameTarget(ports []plan.Port, want plan.Port) []plan.Port {
	return slices.DeleteFunc(slices.Clone(ports), func(p plan.Port) bool { return p.Target != want.Target || p.Protocol != want.Protocol })
}

// socket writes one side of a port as people know it, such as 127.0.0.1:5432/tcp. The
// zero address, which stands for all of them, is *.
func socket(address netip.Addr, port uint16, protocol string) string {
	host := "*"
	if address.Is6() {
		host = "[" + address.String() + "]"
	} else if address.IsValid() {
		host = address.String()
	}
	return host + ":" + strconv.Itoa(int(port)) + "/" + protocol
}

// addrPort is where a published port is to be found, and addressOf the same as host:port.
func addrPort(port plan.Port) netip.AddrPort { return netip.AddrPortFrom(port.HostIP, port.Published) }

func addressOf(port plan.Port) string { return addrPort(port).String() }

// address is where a bind of the spec is to be found on this machine, as host:port.
func address(bind *spec.Bind) string {
	host, _ := netip.ParseAddr(bind.HostIP) // spec.Parse has refused what is not an address
	return netip.AddrPortFrom(host, uint16(bind.Published)).String()
}
