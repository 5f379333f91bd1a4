package plan

import (
	"fmt"
	"maps"
	"slices"
)

// Destroy plans the removal of the stack's containers and networks. Volumes stay.
func Destroy(stack string, live Live) Plan {
	p := Plan{Stack: stack, Steps: []Step{}}
	var containers []string
	for _, container := range byName(live.Containers) {
		if container.Project != stack {
			continue
		}
		id := "container/" + container.Name
		containers = append(containers, id)
		p.Steps = append(p.Steps, Step{
			ID: id, Kind: Remove, Object: "container", Name: container.Name,
			Causes: []Cause{{Path: "container", Old: container.Name}}, Actions: remove(&container),
		})
	}
	for _, name := range slices.Sorted(maps.Keys(live.Networks)) {
		if live.Networks[name].Labels[LabelProject] != stack {
			continue
		}
		for _, container := range byName(live.Containers) {
			if _, on := container.Actual.Networks[name]; on && container.Project != stack && container.State.up() {
				p.Problems = append(p.Problems, Problem{
					Object: "network", Name: name, Summary: fmt.Sprintf("the container %q, which is not this stack's, is on it", container.Name),
					Remedy: fmt.Sprintf("Detach it first: docker network disconnect %s %s", name, container.Name),
				})
			}
		}
		p.Steps = append(p.Steps, Step{
			ID: "network/" + name, Kind: Remove, Object: "network", Name: name, After: containers,
			Causes: []Cause{{Path: "network", Old: name}}, Actions: []Action{{Verb: RemoveNetwork, Target: name}},
		})
	}
	return p
}
