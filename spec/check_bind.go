package spec

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

const lastPort = 65535

var protocols = []string{"tcp", "udp"}

// publication is what only one bind of the machine can have.
type publication struct {
	protocol, hostIP string
	port             int
}

// checkPorts makes sure that every port is on loopback, and is taken once.
func (d *decoder) checkPorts() {
	taken := map[publication]*Service{}
	for _, service := range d.stack.Services {
		for _, bind := range service.Binds {
			known := slices.Contains(protocols, bind.Protocol)
			if !known {
				d.diags.add(bind.ProtocolRange, "Unknown protocol", oneOf(bind.Protocol, protocols))
			}
			good := d.checkPort(bind.Port, bind.PortRange)
			if bind.PublishedRange != bind.PortRange {
				good = d.checkPort(bind.Published, bind.PublishedRange) && good
			}
			if !d.checkHostIP(bind) || !good || !known {
				continue
			}
			key := publication{bind.Protocol, bind.HostIP, bind.Published}
			if first := taken[key]; first != nil {
				at := bind.PublishedRange
				free := key
				for free.port = key.port%lastPort + 1; taken[free] != nil; free.port = free.port%lastPort + 1 {
				}
				d.diags.add(at, "Port taken twice", fmt.Sprintf("Service %q already binds %s port %d on %s. Give one of them another port on the host, such as published = %d.", first.Name, key.protocol, key.port, key.hostIP, free.port))
				continue
			}
			taken[key] = service
		}
	}
}

func (d *decoder) checkPort(port int, at Range) bool {
	if port >= 1 && port <= lastPort {
		return true
	}
	d.diags.add(at, "Bad port", fmt.Sprintf("%d is not a port; ports go from 1 to %d.", port, lastPort))
	return false
}

// checkHostIP is the promise that minibot makes: what is not loopback cannot be written.
func (d *decoder) checkHostIP(bind *Bind) bool {
	const leaveOut = "Leave host_ip out for 127.0.0.1."
	address, err := netip.ParseAddr(bind.HostIP)
	bare, bareErr := netip.ParseAddr(strings.Trim(bind.HostIP, "[]"))
	switch {
	case strings.EqualFold(bind.HostIP, "localhost"):
		d.diags.add(bind.HostIPRange, "Name instead of an address", "A name may mean another address tomorrow. "+leaveOut)
	case err != nil && bareErr == nil && bare.IsLoopback():
		d.diags.add(bind.HostIPRange, "Bad address", fmt.Sprintf("Write it without brackets: host_ip = %q.", bare))
	case err != nil:
		d.diags.add(bind.HostIPRange, "Bad address", fmt.Sprintf("%q is not an IP address. %s", bind.HostIP, leaveOut))
	case address.Unmap().WithZone("").IsUnspecified():
		d.diags.add(bind.HostIPRange, "Port open to everyone", fmt.Sprintf("%s publishes on every interface: LAN, VPN and, without a firewall, the internet. Only loopback can be written: leave host_ip out for 127.0.0.1, and reach it by Tailscale or an SSH tunnel.", bind.HostIP))
	case !address.IsLoopback():
		d.diags.add(bind.HostIPRange, "Port not on loopback", fmt.Sprintf("%s can be reached from the network. Only loopback can be written: leave host_ip out for 127.0.0.1, and reach it by Tailscale or an SSH tunnel.", bind.HostIP))
	case address.Zone() != "" || address.Is4In6():
		d.diags.add(bind.HostIPRange, "Bad address", fmt.Sprintf("Engines read %s in different ways. Write the plain address: host_ip = %q.", bind.HostIP, address.Unmap().WithZone("")))
	default:
		return true
	}
	return false
}
