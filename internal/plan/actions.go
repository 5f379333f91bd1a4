package plan

import (
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
)

// step turns a change into actions. The order of a replacement is what keeps the old
// container until the new one is healthy: it is put aside under another name, stopped
// only when the new one is ready to start, and removed last.
func (c change) step(project *types.Project, service types.ServiceConfig) Step {
	name := containerName(project, service)
	s := Step{ID: "service/" + service.Name, Kind: c.kind, Object: "service", Name: service.Name, Causes: c.causes}
	add := func(actions ...Action) { s.Actions = append(s.Actions, actions...) }
	wait := Action{Verb: Wait, Target: name, Service: service.Name, Timeout: patience(service)}
	create := Action{Verb: CreateContainer, Target: name, Service: service.Name}
	start := Action{Verb: StartContainer, Target: name}
	switch c.kind {
	case Create:
		add(create, start, wait)
	case Start:
		add(c.verbs...)
	case Update:
		add(c.update(service)...)
		add(c.verbs...)
	case Replace:
		c.replace(add, name, create, start, wait)
	}
	return s
}

func (c change) replace(add func(...Action), name string, create, start, wait Action) {
	old := c.current
	switch {
	case c.current != nil && c.aside != nil && len(c.causes) == 1 && c.causes[0].Old == c.aside.Name:
		add(Action{Verb: RemoveContainer, Target: c.aside.ID})
		return
	case c.current != nil && c.aside != nil:
		// The new one was being made when minibot was stopped; the one aside is what ran.
		add(Action{Verb: RemoveContainer, Target: c.current.ID})
		old = c.aside
	case c.current != nil:
		add(Action{Verb: RenameContainer, Target: c.current.ID, Name: name + replacedSuffix, Was: name})
	default:
		old = c.aside
	}
	add(create)
	if running := []string{"running", "paused", "restarting"}; slices.Contains(running, old.State.Status) {
		add(Action{Verb: StopContainer, Target: old.ID})
	}
	add(start, wait, Action{Verb: RemoveContainer, Target: old.ID})
}

// update changes a container while it runs.
func (c change) update(service types.ServiceConfig) []Action {
	var actions []Action
	limits := false
	for _, cause := range c.causes {
		network, isNetwork := networkOf(cause.Path)
		switch {
		case isNetwork && cause.Old == "":
			actions = append(actions, Action{Verb: Connect, Target: c.current.ID, Name: network, Service: service.Name})
		case isNetwork:
			actions = append(actions, Action{Verb: Disconnect, Target: c.current.ID, Name: network, Service: service.Name})
		case inPlace[cause.Path]:
			limits = true
		}
	}
	if limits {
		actions = append(actions, Action{Verb: UpdateContainer, Target: c.current.ID, Service: service.Name})
	}
	return actions
}

func networkOf(path string) (string, bool) {
	const prefix = "networks."
	if len(path) <= len(prefix) || path[:len(prefix)] != prefix {
		return "", false
	}
	return path[len(prefix):], true
}

// Destroy plans the removal of the stack's containers and networks. Volumes stay.
func Destroy(stack string, live Live) Plan {
	p := Plan{Stack: stack, Steps: []Step{}}
	var services []string
	for _, container := range live.Containers {
		if container.Project != stack {
			continue
		}
		id := "container/" + container.Name
		services = append(services, id)
		s := Step{ID: id, Kind: Remove, Object: "container", Name: container.Name, Causes: []Cause{{Path: "container", Old: container.Name}}}
		if container.State.Status != "created" && container.State.Status != "exited" {
			s.Actions = append(s.Actions, Action{Verb: StopContainer, Target: container.ID})
		}
		s.Actions = append(s.Actions, Action{Verb: RemoveContainer, Target: container.ID})
		p.Steps = append(p.Steps, s)
	}
	for _, name := range sorted(live.Networks) {
		if live.Networks[name].Labels[LabelProject] == stack {
			p.Steps = append(p.Steps, Step{
				ID: "network/" + name, Kind: Remove, Object: "network", Name: name, After: services,
				Causes: []Cause{{Path: "network", Old: name}}, Actions: []Action{{Verb: RemoveNetwork, Target: name}},
			})
		}
	}
	return p
}
