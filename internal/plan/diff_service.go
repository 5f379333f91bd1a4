package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// inPlace lists the paths that a running container takes over without a restart
// (Engine API, POST /containers/{id}/update); networks can be attached and detached too.
var inPlace = map[string]bool{"mem_limit": true, "memswap_limit": true, "cpus": true, "pids_limit": true, "restart": true}

// invisible lists the paths that no inspection shows: for them only what was last
// asked for can be compared.
var invisible = map[string]bool{"depends_on": true, "secrets": true, "configs": true, "pull_policy": true, "platform": true}

// engineDefaults are what the engine fills in where nobody says anything.
var engineDefaults = Fields{"shm_size": {"67108864"}, "restart": {"no"}, "logging.driver": {"json-file"}}

// change is what is to be done about one service.
type change struct {
	kind    Kind // "" for nothing
	causes  []Cause
	current *Container // the container that stands for the service
	aside   *Container // one that an unfinished replacement put aside
	verbs   []Action   // for Start and Update
}

// makes reports whether a container is made, so that the image is needed.
func (c change) makes() bool { return c.kind == Create || c.kind == Replace }

// service compares one service with its container.
func (d *differ) service(service types.ServiceConfig, wanted Fields) change {
	var c change
	name := containerName(d.project, service)
	for i := range d.live.Containers {
		container := &d.live.Containers[i]
		switch {
		case container.Own(d.project, service):
			c.current = container
		case container.Name == name:
			d.problem("service", service.Name, fmt.Sprintf("a container named %q is there already and is not this stack's%s", name, of(container.Project)),
				fmt.Sprintf("Look at it (docker inspect %s), then rename or remove it: docker rename %s %s-old", name, name, name))
			return change{}
		case container.Project == d.project.Name && container.Service == service.Name && container.Name == name+replacedSuffix:
			c.aside = container
		}
	}
	c.decide(d, service, wanted)
	if c.makes() {
		d.anonymous(service)
	}
	if c.makes() || c.kind == Start {
		d.portsTaken(service)
	}
	return c
}

// decide chooses the least step that brings the container to what is wanted.
func (c *change) decide(d *differ, service types.ServiceConfig, wanted Fields) {
	switch {
	case c.current == nil && c.aside != nil:
		c.kind = Replace
		c.causes = []Cause{{Path: "container", Old: c.aside.Name, New: wanted["container_name"][0], Note: "an unfinished replacement; it will be finished"}}
		return
	case c.current == nil:
		c.kind = Create
		c.causes = []Cause{{Path: "container", New: wanted["container_name"][0]}}
		return
	}
	c.causes = d.causes(service, wanted, *c.current)
	state := c.current.State.Status
	restart := slices.ContainsFunc(c.causes, func(cause Cause) bool {
		return !inPlace[cause.Path] && !strings.HasPrefix(cause.Path, "networks.")
	})
	switch {
	case restart, state == "created", state == "dead":
		c.kind = Replace
	case len(c.causes) > 0:
		c.kind = Update
	}
	if state != "running" && !finished(d.project, service, c.current.State) {
		note := ""
		if c.current.State.ExitCode != 0 {
			note = fmt.Sprintf("exit code %d", c.current.State.ExitCode)
		}
		c.causes = append(c.causes, Cause{Path: "state", Old: state, New: "running", Drift: true, Note: note})
		if c.kind == "" || c.kind == Update {
			c.verbs = c.start(service)
			if c.kind == "" {
				c.kind = Start
			}
		}
	}
	if c.kind == "" && c.aside != nil {
		c.kind = Replace
		c.causes = []Cause{{Path: "container", Old: c.aside.Name, Note: "left by an unfinished replacement; the new one runs"}}
	}
}

// start brings back a container that is there and as wanted.
func (c *change) start(service types.ServiceConfig) []Action {
	id := c.current.ID
	wait := Action{Verb: Wait, Target: id, Service: service.Name, Timeout: patience(service)}
	switch c.current.State.Status {
	case "paused":
		return []Action{{Verb: Unpause, Target: id}, wait}
	case "restarting":
		return []Action{{Verb: StopContainer, Target: id}, {Verb: StartContainer, Target: id}, wait}
	}
	return []Action{{Verb: StartContainer, Target: id}, wait}
}

// finished reports whether a service is one that runs once and did so well.
func finished(project *types.Project, service types.ServiceConfig, state State) bool {
	return state.Status == "exited" && state.ExitCode == 0 && Job(project, service.Name)
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

// causes lists the differences between what is wanted and what the container is.
func (d *differ) causes(service types.ServiceConfig, wanted Fields, container Container) []Cause {
	var causes []Cause
	defaults := FieldsOf(d.live.Images[container.ImageID].Defaults)
	want := overlay(defaults, wanted)
	actual := FieldsOf(container.Actual)
	for _, path := range paths(want, actual, container.Applied) {
		top, _, _ := strings.Cut(path, ".")
		if invisible[top] {
			if container.Applied != nil && !slices.Equal(container.Applied[path], wanted[path]) {
				causes = append(causes, split(path, container.Applied[path], wanted[path], false)...)
			}
			continue
		}
		if slices.Equal(want[path], actual[path]) {
			continue
		}
		drift := container.Applied != nil && slices.Equal(container.Applied[path], wanted[path])
		old := actual[path]
		if top == "environment" && !slices.Equal(old, container.Applied[path]) && !slices.Equal(old, defaults[path]) && len(old) > 0 {
			old = []string{Hidden} // somebody else's value, which may be a password
		}
		causes = append(causes, split(path, old, want[path], drift)...)
	}
	if container.Applied == nil {
		causes = append(causes, Cause{Path: "labels." + LabelApplied, New: "set", Note: "minibot did not make this container"})
	}
	if image, ok := d.live.Images[service.Image]; ok && image.ID != container.ImageID && slices.Equal(want["image"], actual["image"]) {
		causes = append(causes, Cause{Path: "image", Old: short(container.ImageID), New: short(image.ID), Note: "the tag " + service.Image + " names another image now"})
	}
	return causes
}

// Hidden stands for a value that minibot does not show, because it may be a secret.
const Hidden = "(hidden)"

// overlay is what a container must be: the engine's defaults, over them the image's,
// over them what the file says. An entrypoint of the file drops the image's command.
func overlay(image, wanted Fields) Fields {
	want := maps.Clone(engineDefaults)
	for path, values := range image {
		if path == "command" && wanted["entrypoint"] != nil {
			continue
		}
		want[path] = values
	}
	for path, values := range wanted {
		if top, _, _ := strings.Cut(path, "."); !invisible[top] {
			want[path] = values
		}
	}
	return want
}

// split makes causes of one path: one for a single value, one for each value that a set
// gained or lost.
func split(path string, old, new []string, drift bool) []Cause {
	if len(old) <= 1 && len(new) <= 1 {
		return []Cause{{Path: path, Old: strings.Join(old, ""), New: strings.Join(new, ""), Drift: drift}}
	}
	var causes []Cause
	for _, value := range old {
		if !slices.Contains(new, value) {
			causes = append(causes, Cause{Path: path, Old: value, Drift: drift})
		}
	}
	for _, value := range new {
		if !slices.Contains(old, value) {
			causes = append(causes, Cause{Path: path, New: value, Drift: drift})
		}
	}
	if len(causes) == 0 { // the same values, one of them twice
		return []Cause{{Path: path, Old: strings.Join(old, " "), New: strings.Join(new, " "), Drift: drift}}
	}
	return causes
}

// patience is how long a service may take to become healthy: as long as its healthcheck
// allows it to fail, and 30 seconds more for a slow engine.
func patience(service types.ServiceConfig) time.Duration {
	const slack = 30 * time.Second
	h := service.HealthCheck
	if h == nil || h.Disable {
		return slack
	}
	interval, timeout, retries, start := 30*time.Second, 30*time.Second, uint64(3), time.Duration(0)
	if h.Interval != nil {
		interval = time.Duration(*h.Interval)
	}
	if h.Timeout != nil {
		timeout = time.Duration(*h.Timeout)
	}
	if h.Retries != nil {
		retries = *h.Retries
	}
	if h.StartPeriod != nil {
		start = time.Duration(*h.StartPeriod)
	}
	return start + time.Duration(retries)*(interval+timeout) + slack
}

// short is an image's digest as people read it.
func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(12, len(id))]
}
