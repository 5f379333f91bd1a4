package plan

import (
	"maps"
	"slices"
)

// restarts adds a restart for each service that asks for one when what it depends on gets a
// new container (depends_on with restart: true), and for those that depend on it likewise.
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
				if c.service.DependsOn[other].Restart && (kind == Replace || kind == Restart) {
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

// restart stops a container and starts it again.
func (c change) restart() []Action {
	id := c.current.ID
	return []Action{{Verb: StopContainer, Target: id}, {Verb: StartContainer, Target: id}, c.wait(id)}
}
