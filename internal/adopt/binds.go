package adopt

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/spec"
)

// binds writes the ports. Each is on a loopback address: its own, or 127.0.0.1 in the place of one that others reach.
func (s *service) binds(d *spec.Draft) {
	ports := s.ports()
	slices.SortStableFunc(ports, func(a, b placedPort) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(number(a.Published), number(b.Published)), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.HostIP, b.HostIP))
	})
	written := map[string]bool{}
	for _, port := range ports {
		at, port := port.at, port.ServicePortConfig
		shown := shownPort(port)
		published := number(port.Published)
		if published == 0 {
			published = int64(port.Target)
			s.note(Changed, at, "ports "+shown, fmt.Sprintf("The engine chose a port of the host by itself; now it is %d.", published))
		}
		hostIP := s.hostIP(port, at, shown)
		if key := fmt.Sprint(hostIP, published, port.Protocol); written[key] {
			continue // two addresses became one
		} else {
			written[key] = true
		}
		protocol := port.Protocol
		if protocol != "" && protocol != "tcp" && protocol != "udp" {
			s.note(Refused, at, "ports "+shown, "Only tcp and udp can be published.")
			continue
		}
		s.bind(d, port, published, hostIP, s.from(at))
	}
	d.Blank()
}

func (s *service) bind(d *spec.Draft, port types.ServicePortConfig, published int64, hostIP string, from int) {
	name := ""
	if s.vars != nil {
		name, _, _ = s.vars.among(s.typedUses[s.Name+".ports"], port.Published)
	}
	if published == int64(port.Target) && hostIP == "" && port.Protocol != "udp" && name == "" {
		d.Short(from, "port", spec.Integer(published), "bind")
		return
	}
	d.Open(from, "bind")
	d.Set("port", spec.Integer(int64(port.Target)), from)
	switch {
	case name != "":
		s.vars.use("var." + name)
		d.Set("published", spec.Expr("var."+name), from)
	case published != int64(port.Target):
		d.Set("published", spec.Integer(published), from)
	}
	if hostIP != "" {
		d.Set("host_ip", spec.Quote(hostIP), from)
	}
	if port.Protocol == "udp" {
		d.Set("protocol", spec.Quote("udp"), from)
	}
	d.Close()
}

// hostIP is the loopback address that a port is on, empty for 127.0.0.1. Others are not carried over.
func (s *service) hostIP(port types.ServicePortConfig, at origin, shown string) string {
	address, err := netip.ParseAddr(port.HostIP)
	if err == nil && address.IsLoopback() {
		if address.String() == spec.DefaultHostIP {
			return ""
		}
		return address.String()
	}
	open := "It was open to everyone who reaches the machine"
	if err == nil && !address.IsUnspecified() {
		open = "It was open to everyone who reaches that address"
	}
	s.note(Changed, at, "ports "+shown, open+"; now it is on 127.0.0.1 alone. From elsewhere: Tailscale, an SSH tunnel, or a proxy on this machine.")
	return ""
}

// placedPort is a port with its place in the compose file.
type placedPort struct {
	types.ServicePortConfig
	at origin
}

// ports are those of the service, each with its line. A line with a range is of several.
func (s *service) ports() []placedPort {
	var lines []int
	if s.compose != nil {
		for _, base := range s.compose.bases(s.Name) {
			for _, item := range items(find(s.compose.root, "services", base, "ports")) {
				n := 1
				if configs, err := types.ParsePortConfig(item.Value); err == nil {
					n = len(configs)
				}
				lines = append(lines, slices.Repeat([]int{item.Line}, n)...)
			}
		}
	}
	var all []placedPort
	for i, port := range s.Ports {
		at := s.origin("ports")
		if len(lines) == len(s.Ports) {
			at.line = lines[i]
		}
		all = append(all, placedPort{port, at})
	}
	return all
}

func shownPort(port types.ServicePortConfig) string {
	text := strconv.Itoa(int(port.Target))
	if port.Published != "" {
		text = port.Published + ":" + text
	}
	if port.HostIP != "" {
		text = port.HostIP + ":" + text
	}
	if port.Protocol != "" && port.Protocol != "tcp" {
		text += "/" + port.Protocol
	}
	return text
}

// number is 0 where there is none.
func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 32)
	return n
}
