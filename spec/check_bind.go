package spec

import (
	"fmt"
	"net/netip"
	"slices"
)

// checkPorts makes sure that every port is on loopback, and is taken once.
func (d *decoder) checkPorts() {
	taken := map[string]*Service{}
	for _, service := range d.stack.Services {
		for _, bind := range service.Binds {
			d.checkPort(bind.Port, bind.PortRange)
			if bind.PublishedRange != bind.PortRange {
				d.checkPort(bind.Published, bind.PublishedRange)
			}
			if !slices.Contains([]string{"tcp", "udp"}, bind.Protocol) {
				d.diags.add(bind.ProtocolRange, "Unknown protocol", oneOf(bind.Protocol, []string{"tcp", "udp"}))
			}
			if !d.checkHostIP(bind) {
				continue
			}
			key := fmt.Sprintf("%s port %d on %s", bind.Protocol, bind.Published, bind.HostIP)
			if first := taken[key]; first != nil {
				d.diags.add(bind.Range, "Port taken twice", fmt.Sprintf("Service %q already binds %s. Give one of them another: published = %d.", first.Name, key, bind.Published+1))
				continue
			}
			taken[key] = service
		}
	}
}

func (d *decoder) checkPort(port int, at Range) {
	if !at.Empty() && (port < 1 || port > 65535) {
		d.diags.add(at, "Bad port", fmt.Sprintf("%d is not a port; ports go from 1 to 65535.", port))
	}
}

// checkHostIP is the promise that minibot makes: what is not loopback cannot be written.
func (d *decoder) checkHostIP(bind *Bind) bool {
	address, err := netip.ParseAddr(bind.HostIP)
	switch {
	case bind.HostIP == "localhost":
		d.diags.add(bind.HostIPRange, "Name instead of an address", "Write host_ip = \"127.0.0.1\", or leave it out: that is the default.")
	case err != nil:
		d.diags.add(bind.HostIPRange, "Bad address", fmt.Sprintf("%q is not an IP address. Leave host_ip out for 127.0.0.1.", bind.HostIP))
	case address.IsUnspecified():
		d.diags.add(bind.HostIPRange, "Port open to everyone", fmt.Sprintf("%s publishes on every interface: LAN, VPN and, without a firewall, the internet. Only loopback can be written: leave host_ip out for 127.0.0.1, and reach it by Tailscale or an SSH tunnel.", bind.HostIP))
	case !address.IsLoopback() || address.Zone() != "" || address.Is4In6():
		d.diags.add(bind.HostIPRange, "Port not on loopback", fmt.Sprintf("%s can be reached from the network. Only loopback can be written: leave host_ip out for 127.0.0.1, and reach it by Tailscale or an SSH tunnel.", bind.HostIP))
	default:
		return true
	}
	return false
}
