package host

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Addresses lists, in order, the machine's own addresses at which others may reach it: unicast, not loopback, on
// interfaces that are up, of both families. LAN, Tailscale, utun and bridge100 are in; an address on the
// loopback interface that is no loopback address too, since Linux answers for it on every interface.
//
// Left out: link-local IPv6, which cannot be dialled without a zone; interfaces that bear a name which Docker gives; and
// what lies in except, where the caller names the subnets of bridges that bear others.
// facts/network-security.md §2. An error means the interfaces could not be read.
func (m Machine) Addresses(except []netip.Prefix) ([]netip.Addr, error) {
	list, err := m.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("network interfaces: %w", err)
	}
	return reachable(list, except), nil
}

// reachable picks of the interfaces' addresses those that Addresses promises.
func reachable(list []Interface, except []netip.Prefix) []netip.Addr {
	var addrs []netip.Addr
	for _, one := range list {
		if !one.Up || one.Name != "lo" && ownLink.MatchString(one.Name) {
			continue
		}
		for _, network := range one.Addrs {
			addr, ok := address(network)
			inside := func(p netip.Prefix) bool { return p.Contains(addr) }
			if ok && isReachable(addr) && !slices.ContainsFunc(except, inside) {
				addrs = append(addrs, addr)
			}
		}
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs)
}

// isReachable tells whether others can dial the address as it stands.
func isReachable(addr netip.Addr) bool {
	return !addr.IsUnspecified() && !addr.IsLoopback() && !addr.IsMulticast() &&
		(addr.Is4() || !addr.IsLinkLocalUnicast())
}

// address is the address in what net has for an interface's.
func address(network net.Addr) (netip.Addr, bool) {
	var ip net.IP
	switch network := network.(type) {
	case *net.IPNet:
		ip = network.IP
	case *net.IPAddr:
		ip = network.IP
	}
	addr, ok := netip.AddrFromSlice(ip)
	return addr.Unmap(), ok
}

// interfaces reads the real ones. One that has gone away in between is skipped.
func interfaces() ([]Interface, error) {
	found, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var list []Interface
	for _, one := range found {
		addrs, err := one.Addrs()
		if err != nil {
			if _, gone := net.InterfaceByIndex(one.Index); gone != nil {
				continue
			}
			return nil, fmt.Errorf("%s: %w", one.Name, err)
		}
		list = append(list, Interface{Name: one.Name, Up: one.Flags&net.FlagUp != 0, Addrs: addrs})
	}
	return list, nil
}
