package plan

import (
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
)

// order fills in what each step must wait for: what its actions use, and, where it starts
// a service, the services that this one depends on.
func (d *differ) order() {
	ids, starts := map[string]bool{}, map[string]bool{}
	for _, step := range d.plan.Steps {
		ids[step.ID] = true
		starts[step.Name] = starts[step.Name] || step.Object == "service" && waits(step)
	}
	for i := range d.plan.Steps {
		step := &d.plan.Steps[i]
		after, afterStart := map[string]bool{}, map[string]bool{}
		for _, id := range step.After {
			after[id] = true
		}
		for _, action := range step.Actions {
			switch action.Verb {
			case CreateContainer:
				d.uses(d.project.Services[step.Name], after)
			case Connect:
				after["network/"+action.Name] = true
			}
		}
		if step.Object == "service" {
			for _, id := range d.before[step.Name] {
				after[id] = true
			}
		}
		if starts[step.Name] && step.Object == "service" {
			service := d.project.Services[step.Name]
			for _, name := range slices.Backward(slices.Sorted(maps.Keys(service.DependsOn))) {
				if condition := service.DependsOn[name].Condition; starts[name] && condition == types.ServiceConditionStarted {
					afterStart["service/"+name] = true
				} else if starts[name] {
					after["service/"+name] = true
				} else if !d.ready(name, service.DependsOn[name].Condition) {
					other := d.changes[name]
					step.Actions = slices.Insert(step.Actions, 0, other.wait(other.current.ID))
				}
			}
		}
		maps.DeleteFunc(after, func(id string, _ bool) bool { return !ids[id] })
		maps.DeleteFunc(afterStart, func(id string, _ bool) bool { return !ids[id] || after[id] })
		step.After, step.AfterStart = slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(afterStart))
	}
}

// uses adds the steps that make what a new container of the service needs.
func (d *differ) uses(service types.ServiceConfig, after map[string]bool) {
	after["image/"+service.Image] = true
	for key := range service.Networks {
		after["network/"+d.project.Networks[key].Name] = true
	}
	for _, volume := range service.Volumes {
		if volume.Type == types.VolumeTypeVolume {
			after["volume/"+d.project.Volumes[volume.Source].Name] = true
		}
	}
}

// waits reports whether a step ends only when a service works.
func waits(step Step) bool {
	return slices.ContainsFunc(step.Actions, func(a Action) bool { return a.Verb == Wait })
}
