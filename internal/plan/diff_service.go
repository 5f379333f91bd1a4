package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// change is what is to be done about one service.
type change struct {
	service  types.ServiceConfig
	name     string        // of its container
	job      bool          // it is meant to end
	patience time.Duration // until it works
	current  *Container    // the container that stands for the service
	aside    *Container    // one that an unfinished replacement put aside
	kind     Kind          // "" for nothing
	causes   []Cause
}

// makes reports whether a container is made, so that the image is needed.
func (c change) makes() bool { return c.kind == Create || c.kind == Replace }

// service compares one service with its container.
func (d *differ) service(service types.ServiceConfig) change {
	c := change{service: service, name: containerName(d.project, service), job: Job(d.project, service.Name), patience: jobTime}
	if !c.job {
		c.patience = patience(service.HealthCheck, d.live.Images[service.Image].Defaults.HealthCheck)
	}
	if !d.find(&c) {
		return change{}
	}
	d.decide(&c)
	d.asked(&c)
	if c.makes() {
		d.leaves(c)
		d.anonymous(service)
		d.keepsPassword(c)
	}
	return c
}

// leaves warns of data that stays behind in a volume, where the service gets a new one in its place.
func (d *differ) leaves(c change) {
	for _, cause := range c.causes {
		target, ok := strings.CutSuffix(strings.TrimPrefix(cause.Path, "volumes."), ".source")
		_, there := d.live.Volumes[cause.New]
		if !ok || there || cause.Old == "" || cause.New == "" || strings.HasPrefix(cause.Old, "/") || strings.HasPrefix(cause.New, "/") {
			continue
		}
		d.warning("service", c.service.Name, fmt.Sprintf("its volume at %s will be the new %s, which is empty; what is there now stays in %s", target, cause.New, cause.Old),
			"To go on with what is there, give the volume its old name back in the spec.")
	}
}

// find looks for the service's container and for the one put aside for it. False if the
// name is somebody else's, or nobody can tell which container it is.
func (d *differ) find(c *change) bool {
	var taken *Container
	var renamed []*Container
	for i := range d.live.Containers {
		container := &d.live.Containers[i]
		switch ours := container.Project == d.project.Name && container.Service == c.service.Name; {
		case ours && container.Name == c.name:
			c.current, d.known[container] = container, true
		case ours && container.Name == c.name+replacedSuffix:
			c.aside, d.known[container] = container, true
		case container.Name == c.name:
			taken = container
		case ours && container.Number == 1:
			renamed = append(renamed, container)
		}
	}
	switch {
	case taken != nil:
		d.problem("service", c.service.Name, fmt.Sprintf("a container named %q is there already and %s", c.name, d.whose(taken)),
			fmt.Sprintf("Look at it (docker inspect %s), then rename or remove it: docker rename %s %s-old", c.name, c.name, c.name))
		return false
	case c.current != nil || c.aside != nil || len(renamed) == 0:
		return true
	}
	for _, container := range renamed {
		d.known[container] = true
	}
	if len(renamed) > 1 {
		// To make one more would let several work on the same volumes.
		d.problem("service", c.service.Name, fmt.Sprintf("the containers %q and %q both belong to it, and neither is named %q", renamed[0].Name, renamed[1].Name, c.name),
			fmt.Sprintf("Keep one: docker rename %s %s, and remove the other.", renamed[0].Name, c.name))
		return false
	}
	c.current = renamed[0]
	return true
}

// decide chooses the least step that brings the container to what is wanted.
func (d *differ) decide(c *change) {
	const unfinished = "an unfinished replacement; it will be finished"
	back := c.current == nil && c.aside != nil && !sharesFiles(c.service) && !broken(c.aside.State) && !slices.ContainsFunc(d.causes(c.service, *c.aside), restarts)
	if back {
		c.current, c.aside = c.aside, nil
	}
	switch {
	case c.current == nil && c.aside != nil:
		c.kind = Replace
		c.causes = []Cause{{Path: "container", Old: c.aside.Name, New: c.name, Note: unfinished}}
		return
	case c.current == nil, c.aside == nil && c.current.State.Status == "removing":
		c.kind = Create
		c.causes = []Cause{{Path: "container", New: c.name}}
		return
	}
	state := c.current.State
	c.causes = d.owned(c, d.causes(c.service, *c.current))
	for i, cause := range c.causes {
		if back && (cause.Path == "container_name" || cause.Path == "restart" && cause.Old == "no") {
			c.causes[i].Drift, c.causes[i].Note = false, "an unfinished replacement; the spec asks for the old one again"
		}
	}
	done := c.job && state.Status == "exited" && state.ExitCode == 0
	interrupted := c.aside != nil && !done && !c.takes()
	idle := state.Status != "running" && !done && !(state.Status == "restarting" && c.takes())
	switch {
	case slices.ContainsFunc(c.causes, restarts), interrupted, broken(state):
		c.kind = Replace
	case idle:
		c.kind = Start
	case len(c.causes) > 0:
		c.kind = Update
	}
	switch {
	case interrupted, c.aside != nil && c.kind == Replace && !state.took():
		c.causes = append(c.causes, Cause{Path: "container", Old: c.aside.Name, New: c.name, Note: unfinished})
	case idle:
		c.causes = append(c.causes, Cause{Path: "state", Old: state.Status, New: "running", Drift: state.Status != "created" && !back, Note: state.note()})
	}
}

// takes reports whether the container may yet take over from the one aside, or has done so.
// One that crashes again and again is seen now running and now restarting: the plan must be
// the same for both. That it works is known only after a wait.
func (c change) takes() bool {
	state := c.current.State
	return c.aside != nil && (state.works() || state.Status == "restarting" && !c.job)
}

// took reports whether a container is known to have taken over from the one aside.
func (s State) took() bool { return s.works() && s.Health == "healthy" }

// broken reports whether a container can only be made anew: its files may be missing, or
// part of it is removed.
func broken(state State) bool {
	return state.Status == "created" || state.Status == "dead" || state.Status == "removing"
}

// note says of a container that does not run what its status does not.
func (s State) note() string {
	switch {
	case s.Status == "created":
		return "it was never started"
	case s.OOMKilled:
		return "it was killed for want of memory"
	case s.ExitCode != 0:
		return fmt.Sprintf("exit code %d", s.ExitCode)
	}
	return ""
}

// Job reports whether a service is meant to end: another one waits for its completion.
func Job(project *types.Project, name string) bool {
	for _, other := range project.Services {
		if other.DependsOn[name].Condition == types.ServiceConditionCompletedSuccessfully {
			return true
		}
	}
	return false
}

// ready reports whether a service that nothing is done about is what another one waits for.
func (d *differ) ready(name, condition string) bool {
	current := d.changes[name].current
	switch {
	case current == nil:
		return true // a problem tells why
	case condition == types.ServiceConditionCompletedSuccessfully:
		return current.State.Status == "exited"
	case condition == types.ServiceConditionHealthy:
		return current.State.Health == "healthy" || current.State.Health == ""
	}
	return true
}

// inPlace lists the paths that a running container takes over without a restart (Engine
// API, POST /containers/{id}/update and /rename); networks can be attached and detached too.
var inPlace = map[string]bool{
	"mem_limit": true, "memswap_limit": true, "cpus": true, "pids_limit": true, "restart": true, "container_name": true,
}

// restarts reports whether a difference cannot be put right in place.
func restarts(cause Cause) bool {
	return !inPlace[cause.Path] && !strings.HasPrefix(cause.Path, "networks.")
}
