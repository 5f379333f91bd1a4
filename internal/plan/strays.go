package plan

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// strays lists the containers that the spec does not know, with why they matter, or plans
// their removal.
func (d *differ) strays() {
	for i, container := range d.live.Containers {
		if d.known[&d.live.Containers[i]] {
			continue
		}
		why := d.why(container)
		switch {
		case len(why) == 0:
		case d.goes(container):
			causes := []Cause{{Path: "container", Old: container.Name, Note: "it " + strings.Join(why, "; it ")}}
			for _, port := range container.Published {
				causes = append(causes, Cause{Path: "ports", Old: port.String()})
			}
			d.step(Step{ID: "container/" + container.Name, Kind: Remove, Object: "container", Name: container.Name, Causes: causes, Actions: remove(&container)})
		default:
			d.plan.Strays = append(d.plan.Strays, Stray{ID: container.ID, Name: container.Name, Image: container.Actual.Image, Project: container.Project, Why: why})
		}
	}
}

// goes reports whether a stray is to be removed. One of another compose project never is.
func (d *differ) goes(container Container) bool {
	return d.options.RemoveStrays && (container.Project == "" || container.Project == d.project.Name)
}

func (d *differ) why(container Container) []string {
	var why []string
	if container.Project == d.project.Name {
		if _, ok := d.project.Services[container.Service]; ok {
			why = append(why, fmt.Sprintf("is a second container of service %q", container.Service))
		} else {
			why = append(why, fmt.Sprintf("belongs to the stack, but the spec has no service %q", container.Service))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(d.project.Networks)) {
		name := d.project.Networks[key].Name
		if _, on := container.Actual.Networks[name]; on {
			why = append(why, fmt.Sprintf("is on the network %q, where it reaches every service", name))
		}
	}
	if container.Actual.NetworkMode == "host" {
		why = append(why, "is on the host's own network, where its ports are open to everyone")
	}
	managed := d.managed()
	for _, port := range container.Published {
		service, held := managed[portKey{port.Protocol, port.Published}]
		open := !port.HostIP.IsLoopback()
		switch {
		case held && open:
			why = append(why, fmt.Sprintf("publishes %s, the port of service %q, open to the network", port, service))
		case held:
			why = append(why, fmt.Sprintf("publishes %s, the port of service %q", port, service))
		case open:
			why = append(why, fmt.Sprintf("publishes %s, open to the network", port))
		}
	}
	return slices.Compact(why)
}

type portKey struct {
	protocol string
	port     uint16
}

// managed maps the host ports of the stack to their services.
func (d *differ) managed() map[portKey]string {
	ports := map[portKey]string{}
	for _, name := range slices.Sorted(maps.Keys(d.project.Services)) {
		for _, port := range Ports(d.project.Services[name]) {
			ports[portKey{port.Protocol, port.Published}] = name
		}
	}
	return ports
}

// clashes reports whether the host cannot publish both ports.
func (p Port) clashes(other Port) bool {
	return p.Published == other.Published && p.Protocol == other.Protocol && overlap(p.HostIP, other.HostIP)
}

// overlap reports whether two addresses of the host cannot both have one port.
func overlap(a, b netip.Addr) bool {
	return !a.IsValid() || !b.IsValid() || a == b || a.IsUnspecified() || b.IsUnspecified()
}

// anonymous refuses an image whose declared volume would get an anonymous one: its data
// would be lost with the container.
func (d *differ) anonymous(service types.ServiceConfig) {
	for _, declared := range d.live.Images[service.Image].Volumes {
		dir := path.Clean(declared)
		mounted := slices.ContainsFunc(service.Volumes, func(v types.ServiceVolumeConfig) bool { return path.Clean(v.Target) == dir })
		mounted = mounted || slices.ContainsFunc(service.Tmpfs, func(entry string) bool {
			target, _, _ := strings.Cut(entry, ":")
			return path.Clean(target) == dir
		})
		if !mounted {
			d.problem("service", service.Name, fmt.Sprintf("the image %s keeps data in %s, and the spec mounts nothing there; it would be lost with the container", service.Image, dir),
				fmt.Sprintf("Add to service %q: volume \"%s-%s\" { target = %q }, or tmpfs = [%q] if it may be lost.", service.Name, service.Name, path.Base(dir), dir, dir))
		}
	}
}
