package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ports looks for who holds the host ports that services are about to take. A holder that
// gives its port up in this plan goes first; any other one is a problem.
func (d *differ) ports() {
	for _, name := range slices.Sorted(maps.Keys(d.changes)) {
		if c := d.changes[name]; c.makes() || c.kind == Start {
			for _, port := range Ports(c.service) {
				d.port(c, port)
			}
		}
	}
}

func (d *differ) port(c change, port Port) {
	for i := range d.live.Containers {
		holder := &d.live.Containers[i]
		if holder == c.current || holder == c.aside || !slices.ContainsFunc(holder.Published, port.clashes) {
			continue
		}
		switch other, known := holder.Service, d.known[holder]; {
		case !known && d.goes(*holder):
			d.first(c, "container/"+holder.Name)
		case known && d.changes[other].makes() && !slices.ContainsFunc(Ports(d.changes[other].service), port.clashes):
			if !d.waitsFor(other, c.service.Name) {
				d.first(c, "service/"+other)
				continue
			}
			d.problem("service", c.service.Name, fmt.Sprintf("port %s moves to it from %s, which starts after it", port, other),
				fmt.Sprintf("Move it in two steps: first give %s another port and apply.", other))
		default:
			d.problem("service", c.service.Name, fmt.Sprintf("port %s is held by the container %q", port, holder.Name),
				fmt.Sprintf("Stop it (docker stop %s), or give the service another port of the machine: published = … in its bind.", holder.Name))
		}
	}
}

// first orders a step before the one of a service.
func (d *differ) first(c change, id string) {
	d.before[c.service.Name] = append(d.before[c.service.Name], id)
}

// waitsFor reports whether a service's step comes after another's, by dependencies or by
// ports that were moved so far.
func (d *differ) waitsFor(name, other string) bool {
	if name == other {
		return true
	}
	for dependency := range d.project.Services[name].DependsOn {
		if d.waitsFor(dependency, other) {
			return true
		}
	}
	for _, id := range d.before[name] {
		if service, isService := strings.CutPrefix(id, "service/"); isService && d.waitsFor(service, other) {
			return true
		}
	}
	return false
}
