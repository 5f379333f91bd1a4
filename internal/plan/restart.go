package plan

import (
	"maps"
	"slices"
	"time"
)

// restarts adds a restart for each service that asks for one when what it depends on gets a
// new container (depends_on with restart: true), and for those that depend on it likewise. A
// container that is older than its dependency's has yet to restart: minibot was stopped before.
func (d *differ) restarts() {
	for again := true; again; {
		again = false
		for _, name := range slices.Sorted(maps.Keys(d.changes)) {
			c := d.changes[name]
			if c.kind != "" && c.kind != Update || c.current == nil || !c.current.State.up() {
				continue // it starts anyway, or does not run
			}
			for _, other := range slices.Sorted(maps.Keys(c.service.DependsOn)) {
				kind := d.changes[other].kind
				if c.service.DependsOn[other].Restart && (kind == Create || kind == Replace || kind == Restart || c.current.State.StartedAt.Before(d.newest(other))) {
					c.kind = Restart
					c.causes = append(c.causes, Cause{Path: "depends_on." + other, Old: "its old container", New: "its new one", Note: "it restarts with " + other})
				}
			}
			if c.kind == Restart {
				d.changes[name], again = c, true
			}
		}
	}
}

// newest is when the service's container was made, or one that it has to restart with, whichever
// is later. The zero time is before all others.
func (d *differ) newest(name string) time.Time {
	var made time.Time
	if current := d.changes[name].current; current != nil {
		made = current.Created
	}
	for other, dependency := range d.project.Services[name].DependsOn {
		if later := d.newest(other); dependency.Restart && later.After(made) {
			made = later
		}
	}
	return made
}

// restart stops a container and starts it again.
func (c change) restart() []Action {
	id := c.current.ID
	return []Action{{Verb: StopContainer, Target: id}, {Verb: StartContainer, Target: id}, c.wait(id)}
}
