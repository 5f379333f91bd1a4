package verify

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"minibot/internal/host"
	"minibot/internal/plan"
)

// engineVersion is the version of the engine that was observed.
func (s Subject) engineVersion() (version, error) {
	v, err := parseVersion(s.Live.Engine.Version)
	if err != nil {
		return version{}, fmt.Errorf("the engine calls its version %q: %w", s.Live.Engine.Version, err)
	}
	return v, nil
}

// runtime is what stands between the containers and the machine.
func (s Subject) runtime() host.Kind {
	return host.Runtime(s.Live.Engine.OperatingSystem, s.Live.Engine.Name)
}

// rootless tells whether the engine runs without root, and so in a network of its own.
func (s Subject) rootless() bool { return slices.Contains(s.Live.Engine.Security, "name=rootless") }

// onWire tells whether the engine's bridges are on a machine that has neighbours on a LAN, and why not.
func (s Subject) onWire() (bool, string, error) {
	kind := s.runtime()
	switch {
	case s.rootless():
		return false, "the engine is rootless: its bridges are in a network of their own", nil
	case !kind.VM():
		return true, "", nil
	case (kind == host.Colima || kind == host.Lima) && s.Local:
		setting, err := s.Machine.VMNetwork(kind, s.Live.Engine.Name)
		if err != nil {
			return false, "", err
		}
		return setting.Value == "bridged", fmt.Sprintf("the virtual machine of %s is no neighbour of the LAN: %s", kind.Title(), setting), nil
	}
	return false, fmt.Sprintf("the virtual machine of %s is no neighbour of the LAN", kind.Title()), nil
}

// bridges are the stack's networks as interfaces of the machine.
func (s Subject) bridges() []host.Bridge {
	var bridges []host.Bridge
	for _, want := range s.wantedNetworks() {
		if have, there := s.Live.Networks[want.Name]; there && have.Driver == "bridge" {
			bridges = append(bridges, host.Bridge{Interface: interfaceOf(have), Subnets: have.Subnets})
		}
	}
	return bridges
}

// interfaceOf is the name that the engine gives a bridge, unless an option names another.
func interfaceOf(n plan.Network) string {
	if name := n.Options[bridgeOption+"name"]; name != "" {
		return name
	}
	return "br-" + n.ID[:min(12, len(n.ID))]
}

// waysIn lists the ways that the packet filter of the engine's machine leaves open from its neighbours to the stack.
func (s Subject) waysIn(ctx context.Context) ([]host.Way, error) {
	bridges, machine := s.bridges(), s.Machine
	if !s.Local {
		var err error
		if machine, err = s.Wire(ctx); err != nil {
			return nil, err
		}
	}
	lan, err := machine.LAN(bridges)
	if err != nil {
		return nil, err
	}
	filter, err := machine.Filter(ctx, withIPv6(bridges))
	if err != nil {
		return nil, err
	}
	var published []host.Published
	for _, p := range s.pairs() {
		if p.have == nil {
			continue
		}
		for _, port := range p.have.Published {
			if port.HostIP.IsLoopback() {
				published = append(published, host.Published{Protocol: port.Protocol, Addr: addrPort(port)})
			}
		}
	}
	return filter.Ways(lan, bridges, published), nil
}

// withIPv6 tells whether a bridge speaks IPv6, too.
func withIPv6(bridges []host.Bridge) bool {
	return slices.ContainsFunc(bridges, func(b host.Bridge) bool {
		return slices.ContainsFunc(b.Subnets, func(subnet netip.Prefix) bool { return subnet.Addr().Is6() })
	})
}

// lines writes a list as one line.
func lines[T fmt.Stringer](all []T) string {
	var texts []string
	for _, one := range all {
		texts = append(texts, one.String())
	}
	return strings.Join(texts, ", ")
}
