package adopt

import (
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/spec"
)

// attached writes what the service is connected to: networks, names of hosts, and other services.
func (s *service) attached(d *spec.Draft) {
	s.networksOf(d)
	var hosts []string
	for _, name := range slices.Sorted(maps.Keys(s.ExtraHosts)) {
		for _, address := range s.ExtraHosts[name] {
			hosts = append(hosts, name+":"+address)
		}
	}
	s.list(d, "extra_hosts", hosts)
	s.list(d, "dns", s.DNS)
	d.Blank()
	for _, name := range slices.Sorted(maps.Keys(s.DependsOn)) {
		s.dependency(d, name, s.DependsOn[name])
	}
	d.Blank()
}

func (s *service) networksOf(d *spec.Draft) {
	switch mode := s.NetworkMode; mode {
	case "", "default":
	case "bridge":
		s.note(Changed, s.origin("network_mode"), "network_mode bridge", "It is on the stack's own network "+s.networks[defaultNetwork]+" now, where services find each other by name.")
	default:
		s.note(Refused, s.origin("network_mode"), "network_mode: "+mode, spec.Advice("service.network_mode"))
	}
	attached := networksOf(s.ServiceConfig)
	var names []string
	for _, key := range slices.Sorted(maps.Keys(attached)) {
		names = append(names, s.networks[key])
		config := attached[key]
		if config == nil {
			continue
		}
		at := s.origin("networks", key)
		if len(config.Aliases) > 0 {
			s.note(LeftOut, at, "networks "+key+" aliases "+strings.Join(config.Aliases, ", "), "Other services find it by its name, "+s.Name+", and by its container's.")
		}
		if config.Ipv4Address != "" || config.Ipv6Address != "" || config.MacAddress != "" || len(config.LinkLocalIPs) > 0 {
			s.note(LeftOut, at, "networks "+key+" addresses", "The engine chooses its addresses; others find it by its name.")
		}
	}
	if len(s.networks) > 1 {
		d.Set("networks", spec.Quoted(names), s.at("networks"))
	}
}

// dependency writes that the service comes after another one.
func (s *service) dependency(d *spec.Draft, name string, dependency types.ServiceDependency) {
	other, ok := s.project.Services[name]
	if !ok || !slices.ContainsFunc(s.services, func(one types.ServiceConfig) bool { return one.Name == name }) {
		return // said where it was left out
	}
	at := s.origin("depends_on", name)
	condition, usual := dependency.Condition, types.ServiceConditionStarted
	if tellsHealth(other) {
		usual = types.ServiceConditionHealthy
	} else if condition == types.ServiceConditionHealthy {
		s.note(Changed, at, "depends_on "+name+" service_healthy", "Only the image of "+name+" has a healthcheck, if any; the spec needs one of its own to wait for it. Now it waits until it is started.")
		condition = types.ServiceConditionStarted
	}
	if !dependency.Required {
		s.note(LeftOut, at, "depends_on "+name+" required: false", noRoom)
	}
	if condition != usual && condition != "" && !dependency.Restart {
		d.Short(s.from(at), "condition", spec.Quote(condition), "depends_on", name)
		return
	}
	d.Open(s.from(at), "depends_on", name)
	if condition != usual && condition != "" {
		d.Set("condition", spec.Quote(condition), s.from(at))
	}
	if dependency.Restart {
		d.Set("restart", spec.Boolean(true), s.from(at))
	}
	d.Close()
}

// tellsHealth reports whether the spec will have a test for a service.
func tellsHealth(service types.ServiceConfig) bool {
	h := service.HealthCheck
	return h != nil && !h.Disable && len(h.Test) > 0 && h.Test[0] != "NONE"
}
