package spec

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

func (d *decoder) checkNetworking(s *Service) {
	d.checkNetworkNames(s)
	for i, host := range s.ExtraHosts {
		name, address, _ := strings.Cut(host, ":")
		if _, err := netip.ParseAddr(strings.Trim(address, "[]")); !hostname.MatchString(name) || (err != nil && address != "host-gateway") {
			d.diags.add(d.part(s.ExtraRange, i), "Bad extra host", fmt.Sprintf("%q is not name:address, such as \"nas:192.168.1.5\".", host))
		}
	}
	for i, server := range s.DNS {
		if _, err := netip.ParseAddr(server); err != nil {
			d.diags.add(d.part(s.DNSRange, i), "Bad DNS server", fmt.Sprintf("%q is not an address, such as \"1.1.1.1\".", server))
		}
	}
	for i, target := range s.Egress {
		host, port, err := net.SplitHostPort(target)
		n, numErr := strconv.Atoi(port)
		if _, ipErr := netip.ParseAddr(host); err != nil || numErr != nil || n < 1 || n > lastPort || (ipErr != nil && !hostname.MatchString(host)) {
			d.diags.add(d.part(s.EgressRange, i), "Bad egress", fmt.Sprintf("%q is not host:port, such as \"api.anthropic.com:443\".", target))
		}
	}
}

func (d *decoder) checkNetworkNames(s *Service) {
	all := d.stack.Networks
	if len(s.Networks) == 0 {
		several := slices.ContainsFunc(all, func(n *Network) bool { return n.Name != all[0].Name })
		if s.NetworksRange.Empty() && several {
			d.diags.add(s.NameRange, "Which network?", fmt.Sprintf("The stack has %d networks. Write networks = [%q].", len(all), all[0].Name))
		}
		d.diags.add(s.NetworksRange, "No network", "Every service is on a network. Name one, or leave networks out where the stack has only one.")
		return
	}
	var gateways []*Network // those by which the engine may send what leaves
	known, out := true, false
	seen := once{d: d, what: "network"}
	for i, name := range s.Networks {
		at := d.part(s.NetworksRange, i)
		seen.note(name, at)
		found := slices.IndexFunc(all, func(n *Network) bool { return n.Name == name })
		if found < 0 {
			if !d.incomplete[""] {
				d.diags.add(at, "Unknown network", d.unknownNetwork(name))
			}
			known = false
			continue
		}
		out = out || all[found].LeadsOut()
		if !all[found].Internal {
			gateways = append(gateways, all[found])
		}
	}
	if !known {
		return
	}
	if !out {
		d.diags.add(s.EgressRange, "Egress without a way out", fmt.Sprintf("%q is only on networks that are internal or have masquerade = false, from which nothing outside can be reached. Put it on another network as well, or take egress out.", s.Name))
	}
	// The engine sends it by the first network in the order of names.
	slices.SortFunc(gateways, func(a, b *Network) int { return strings.Compare(a.Name, b.Name) })
	if out && !gateways[0].LeadsOut() {
		d.diags.add(s.EgressRange, "Egress by the wrong network", fmt.Sprintf("%q leaves by %q, which of its networks is the first by name, and that one has masquerade = false. Give the network that leads out a name that comes before it.", s.Name, gateways[0].Name))
	}
	if len(gateways) == 0 && len(s.Binds) > 0 {
		d.diags.add(s.Binds[0].Range, "Port on an internal network", fmt.Sprintf("%q is only on internal networks, where the engine publishes no port and says nothing. Put it on another network as well, or take the bind out.", s.Name))
	}
}

func (d *decoder) unknownNetwork(name string) string {
	var names []string
	for _, network := range d.stack.Networks {
		names = append(names, network.Name)
	}
	if near := Nearest(name, names); near != "" {
		return fmt.Sprintf("There is no network %q. Did you mean %q?", name, near)
	}
	return fmt.Sprintf("There is no network %q. Declare it: network %q {}.", name, name)
}
