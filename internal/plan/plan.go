// Package plan decides what must change: Diff compares what the rendered compose file
// asks for with what the engine holds, and answers with steps, each with its causes.
//
// It is pure and total: no engine, no context, no clock; the same input gives the same
// plan. It is the only place (beside verify) that compares desired with live. It never
// plans the removal of a volume, and it never sees a secret's value: a field that holds
// a secret holds its reference, as in the file.
package plan

import (
	"slices"
	"strings"
	"time"
)

// Plan is what would be done, and what stands in the way.
type Plan struct {
	// Stack is the compose project's name.
	Stack string `json:"stack"`
	Steps []Step `json:"steps"`
	// Problems are reasons why the plan cannot be carried out. Apply refuses while there is one.
	Problems []Problem `json:"problems,omitempty"`
	// Warnings are what a person should know and settle; they stand in nobody's way.
	Warnings []Problem `json:"warnings,omitempty"`
	// Rotations are secrets whose rotation was interrupted. Apply finishes them before anything else.
	Rotations []string `json:"rotations,omitempty"`
	// Strays are containers that the spec does not know. They are left alone.
	Strays []Stray `json:"strays,omitempty"`
}

// Empty reports whether there is nothing to do and nothing in the way.
func (p Plan) Empty() bool {
	return len(p.Steps) == 0 && len(p.Problems) == 0 && len(p.Rotations) == 0
}

// Differs reports whether the machine is not what the spec says, strays included.
func (p Plan) Differs() bool { return !p.Empty() || len(p.Strays) > 0 }

// Kind says what a step does, in one word for people.
type Kind string

// The kinds of steps.
const (
	Pull    Kind = "pull"    // an image that the engine lacks
	Create  Kind = "create"  // a network, a volume or a container
	Start   Kind = "start"   // a container that is there but does not run; it may be updated first
	Update  Kind = "update"  // limits, restart policy, networks or name, in place, with no restart
	Restart Kind = "restart" // a container that asks for it when what it depends on is replaced
	Replace Kind = "replace" // a container; the old one is kept until the new one is healthy
	Remove  Kind = "remove"  // a container or network; never a volume
)

// Step is the least that brings one thing to what the spec says.
type Step struct {
	// ID is unique in the plan, such as "service/redis" or "volume/minibot_redis-data".
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// Object is what the step is about: "image", "network", "volume", "service", or
	// "container" where a container goes that nothing takes the place of.
	Object string `json:"object"`
	// Name is the image's reference, or the network's, volume's, service's or container's name.
	Name   string  `json:"name"`
	Causes []Cause `json:"causes,omitempty"`
	// After lists IDs of steps that must be done before this one begins. They never go in a
	// circle.
	After []string `json:"after,omitempty"`
	// AfterStart lists IDs of steps whose container must have been started.
	AfterStart []string `json:"after_start,omitempty"`
	Actions    []Action `json:"actions"`
}

// Cause is one difference on a path of the compose file. Old is empty where there was
// nothing, New where there shall be nothing; a value that is the empty string is "". Sizes
// are in bytes.
type Cause struct {
	Path string `json:"path"`
	Old  string `json:"old"`
	New  string `json:"new"`
	// Drift says that the spec asked for New all along: somebody changed the machine.
	Drift bool `json:"drift,omitempty"`
	// Note explains what old and new cannot.
	Note string `json:"note,omitempty"`
}

// Verb is one call, or one small group of calls, to the engine.
type Verb string

// The verbs.
const (
	PullImage       Verb = "pull-image"
	CreateNetwork   Verb = "create-network"
	CreateVolume    Verb = "create-volume"
	CreateContainer Verb = "create-container" // and put its files into it
	RenameContainer Verb = "rename-container"
	StartContainer  Verb = "start-container"
	StopContainer   Verb = "stop-container"
	Unpause         Verb = "unpause-container"
	ForbidRestart   Verb = "forbid-restart" // by an engine that restarts: another container takes over
	UpdateContainer Verb = "update-container"
	Connect         Verb = "connect-network"
	Disconnect      Verb = "disconnect-network"
	Wait            Verb = "wait-healthy"
	RemoveContainer Verb = "remove-container" // with force; its volumes stay
	RemoveNetwork   Verb = "remove-network"
)

// Action is one deed of a step.
type Action struct {
	Verb Verb `json:"verb"`
	// Target is a container's ID or name, or the name of an image, network or volume.
	Target string `json:"target"`
	// Service is whose definition is used.
	Service string `json:"service,omitempty"`
	// Name is the new name of a renamed container, or the network to connect.
	Name string `json:"name,omitempty"`
	// Was is the name of a renamed container before; of a StartContainer or a Wait, the ID of the
	// container that takes over again if it fails.
	Was string `json:"was,omitempty"`
	// Timeout bounds a Wait, and Settle is how long a container without a healthcheck must stay
	// up to end it; in JSON they are in nanoseconds.
	Timeout time.Duration `json:"timeout,omitempty"`
	Settle  time.Duration `json:"settle,omitempty"`
}

// Problem is something that only a person can settle.
type Problem struct {
	// Object and Name say where, as in a Step.
	Object string `json:"object"`
	Name   string `json:"name"`
	// Summary says what is wrong, Remedy what to do about it.
	Summary string `json:"summary"`
	Remedy  string `json:"remedy"`
}

// Stray is a container that the spec does not know but that touches the stack.
type Stray struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Image string `json:"image"`
	// Project is the compose project that it belongs to, if any.
	Project string   `json:"project,omitempty"`
	Why     []string `json:"why"`
}

// Only is the part of the plan that concerns some services and those that restart with them,
// with the networks, volumes and images that it needs.
func (p Plan) Only(services []string) Plan {
	services = p.restartsWith(services)
	needed := map[string]bool{}
	for _, step := range slices.Backward(p.Steps) {
		if step.concerns(services) || needed[step.ID] && step.Object != "service" {
			needed[step.ID] = true
			for _, id := range step.After {
				needed[id] = true
			}
		}
	}
	p.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool {
		return !needed[s.ID] || s.Object == "service" && !slices.Contains(services, s.Name)
	})
	p.Problems = slices.DeleteFunc(slices.Clone(p.Problems), func(problem Problem) bool {
		return problem.Object == "service" && !slices.Contains(services, problem.Name)
	})
	return p
}

// restartsWith are the services, and those that restart because of one of them.
func (p Plan) restartsWith(services []string) []string {
	all := slices.Clone(services)
	for again := true; again; {
		again = false
		for _, step := range p.Steps {
			with := func(c Cause) bool {
				other, isDependency := strings.CutPrefix(c.Path, "depends_on.")
				return isDependency && slices.Contains(all, other)
			}
			if step.Kind == Restart && !slices.Contains(all, step.Name) && slices.ContainsFunc(step.Causes, with) {
				all, again = append(all, step.Name), true
			}
		}
	}
	return all
}

// concerns reports whether a step is about one of the services, or about what a replacement
// of one left behind.
func (s Step) concerns(services []string) bool {
	return s.Object == "service" && slices.Contains(services, s.Name) ||
		s.Object == "container" && slices.ContainsFunc(s.Actions, func(a Action) bool { return slices.Contains(services, a.Service) })
}

// OneByOne is the plan with each step after the one before it.
func (p Plan) OneByOne() Plan {
	left := slices.Clone(p.Steps)
	p.Steps = make([]Step, 0, len(left))
	for len(left) > 0 {
		next := max(0, slices.IndexFunc(left, func(s Step) bool {
			return !slices.ContainsFunc(left, func(other Step) bool {
				return slices.Contains(s.After, other.ID) || slices.Contains(s.AfterStart, other.ID)
			})
		}))
		step := left[next]
		if n := len(p.Steps); n > 0 && !slices.Contains(step.After, p.Steps[n-1].ID) {
			step.After = append(slices.Clone(step.After), p.Steps[n-1].ID)
		}
		p.Steps, left = append(p.Steps, step), slices.Delete(left, next, next+1)
	}
	return p
}
