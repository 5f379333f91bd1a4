package spec

import (
	"fmt"
	"slices"
	"strings"
)

var conditions = []string{"service_completed_successfully", "service_healthy", "service_started"}

// checkDependencies finds dependencies on nothing and circles.
func (d *decoder) checkDependencies() {
	for _, service := range d.stack.Services {
		seen := once{d: d, what: "depends_on"}
		for _, dependency := range service.DependsOn {
			seen.note(dependency.Service, dependency.ServiceRange)
			other := d.stack.Service(dependency.Service)
			switch {
			case other == nil && d.incomplete[""]:
			case other == nil:
				d.diags.add(dependency.ServiceRange, "Unknown service", d.unknownService(dependency.Service))
			case !slices.Contains(conditions, dependency.Condition):
				d.diags.add(dependency.ConditionRange, "Unknown condition", oneOf(dependency.Condition, conditions))
			case dependency.Condition == "service_healthy" && !other.tellsHealth() && !d.incomplete[other.Name]:
				d.diags.add(dependency.ConditionRange, "Nothing tells that it is healthy", fmt.Sprintf("Service %q has no healthcheck with a test. Give it one, or write condition = \"service_started\".", other.Name))
			}
		}
	}
	d.checkCircles()
}

// tellsHealth reports whether the spec has a test for the service; one may be there only
// to switch the image's off.
func (s *Service) tellsHealth() bool {
	return s.Healthcheck != nil && firstWord(s.Healthcheck.Test) != "NONE"
}

func (d *decoder) checkCircles() {
	done := map[string]bool{}
	var path []string
	var visit func(service *Service)
	visit = func(service *Service) {
		if done[service.Name] {
			return
		}
		path = append(path, service.Name)
		for _, dependency := range service.DependsOn {
			if i := slices.Index(path, dependency.Service); i >= 0 {
				circle := append(slices.Clone(path[i:]), dependency.Service)
				d.diags.add(dependency.ServiceRange, "Services wait for each other", "depends_on goes in a circle: "+strings.Join(circle, " → ")+". Take one of them out.")
			} else if other := d.stack.Service(dependency.Service); other != nil {
				visit(other)
			}
		}
		path = path[:len(path)-1]
		done[service.Name] = true
	}
	for _, service := range d.stack.Services {
		visit(service)
	}
}
