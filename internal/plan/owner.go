package plan

import (
	"fmt"
	"slices"
	"strings"
)

// unowned is the cause of a container that another tool made.
var unowned = Cause{Path: "labels." + LabelApplied, New: "set", Note: "minibot did not make this container"}

// owned lets a container be that another tool made and that is as wanted in all that can be
// seen: a database is not made anew for a label. Its files cannot be compared, and that is
// said.
func (d *differ) owned(c *change, causes []Cause) []Cause {
	if !slices.Equal(causes, []Cause{unowned}) || broken(c.current.State) || slices.Contains(d.options.Replace, c.service.Name) {
		return causes
	}
	unseen := ""
	if fields := DesiredOf(d.project, c.service); len(c.service.Secrets)+len(c.service.Configs) > 0 || fields.refers() {
		unseen = "; its files and secrets cannot be compared"
	}
	d.warning("service", c.service.Name, "another tool made its container, which is as the spec says in all that can be seen"+unseen,
		fmt.Sprintf("To make it minibot's own, with a short stop: minibot apply --replace %s", c.service.Name))
	return nil
}

// asked makes a change of a service that a person wants to have a new container.
func (d *differ) asked(c *change) {
	if c.current == nil || c.kind == Create || !slices.Contains(d.options.Replace, c.service.Name) {
		return
	}
	c.kind = Replace
	c.causes = append(c.causes, Cause{Path: "container", Old: c.current.Name, New: c.name, Note: "asked for by --replace"})
}

// refers reports whether a field holds a reference to a secret, whose value cannot be
// compared.
func (f Fields) refers() bool {
	for _, values := range f {
		if slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, ":?") && strings.Contains(value, "${") }) {
			return true
		}
	}
	return false
}
