package plan

import (
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
)

// Settle plans to wait for the services that run and have yet to become healthy. It changes
// nothing: a service that is starting is no difference.
func Settle(project *types.Project, live Live) Plan {
	p := Plan{Stack: project.Name, Steps: []Step{}}
	for _, name := range slices.Sorted(maps.Keys(project.Services)) {
		service := project.Services[name]
		service.Name = name
		for _, c := range byName(live.Containers) {
			if c.Own(project, service) && c.State.Status == "running" && c.State.Health == "starting" {
				wait := Action{Verb: Wait, Target: c.ID, Service: name, Timeout: patience(service.HealthCheck, live.Images[service.Image].Defaults.HealthCheck), Settle: settleNew}
				p.Steps = append(p.Steps, Step{ID: "service/" + name, Kind: Start, Object: "service", Name: name, Actions: []Action{wait}})
			}
		}
	}
	return p
}
