package plan

import (
	"cmp"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// step turns a change into actions.
func (c change) step() Step {
	s := Step{ID: "service/" + c.service.Name, Kind: c.kind, Object: "service", Name: c.service.Name, Causes: c.causes}
	switch c.kind {
	case Create:
		if c.current != nil { // it is being removed: once it is gone
			s.Actions = remove(c.current)
		}
		s.Actions = append(s.Actions, c.create(), Action{Verb: StartContainer, Target: c.name}, c.wait(c.name))
	case Start:
		s.Actions = append(c.update(), c.start()...)
	case Update:
		s.Actions = c.update()
	case Restart:
		s.Actions = append(c.update(), c.restart()...)
	case Replace:
		s.Actions = c.replace()
	}
	return s
}

// leftover is the last step of a replacement that was interrupted: the new container is as
// wanted, and the one aside goes once the new one is healthy. If it does not become healthy,
// the one aside is started again in its place. A job is never run again.
func (c change) leftover() Step {
	wait := c.wait(c.current.ID)
	if !c.job {
		wait.Was = c.aside.ID
	}
	return Step{
		ID: "container/" + c.aside.Name, Kind: Remove, Object: "container", Name: c.aside.Name, After: []string{"service/" + c.service.Name},
		Causes:  []Cause{{Path: "container", Old: c.aside.Name, Note: "left by an unfinished replacement"}},
		Actions: append([]Action{wait}, remove(c.aside)...),
	}
}

func (c change) create() Action {
	return Action{Verb: CreateContainer, Target: c.name, Service: c.service.Name}
}

// How long a container without a healthcheck must stay up to count as working: a process that
// dies at once is restarted by its policy and looks alive in between. A predecessor is kept
// for longer, since it cannot come back once it is removed. Where there is none nothing is
// lost by a shorter look: the one after the last step sees who has died since.
const (
	settleNew      = 200 * time.Millisecond
	settleReplaced = 500 * time.Millisecond
)

// wait is for a container by its ID, or by its name where it has yet to be made.
func (c change) wait(target string) Action {
	wait := Action{Verb: Wait, Target: target, Service: c.service.Name, Timeout: c.patience, Settle: settleNew}
	if c.kind == Replace || c.aside != nil {
		wait.Settle = settleReplaced
	}
	return wait
}

// replace orders the actions so that the old container is kept until the new one is
// healthy: it is put aside under another name, stopped only when the new one is ready to
// start, and removed last. An engine that restarts in between starts what it finds, even what
// was stopped on request (restart policies always and on-failure, tried on 20.10): before the
// new one starts, that is forbidden for the old one.
func (c change) replace() []Action {
	var actions []Action
	old := c.current
	aside := func() Action {
		return Action{Verb: RenameContainer, Target: old.ID, Name: c.name + replacedSuffix, Was: c.name}
	}
	switch {
	case c.aside == nil:
		actions = append(actions, aside())
	case c.current == nil:
		old = c.aside
	case c.current.State.took():
		// It has taken over from the one aside, and now is to be replaced itself.
		actions = append(remove(c.aside), aside())
	default:
		// It was to take over when minibot was stopped; the one aside is what worked.
		actions = remove(c.current)
		old = c.aside
	}
	stop := Action{Verb: StopContainer, Target: old.ID}
	switch {
	case old == c.aside && !c.job:
		// It may be stopped already, and to stop it again does nothing. But whatever fails from
		// here on, taking this back starts it. A job's old run is not to be run again.
		actions = append(actions, stop, c.create())
	case old.State.up():
		actions = append(actions, c.create(), stop)
	default:
		actions = append(actions, c.create())
	}
	start := Action{Verb: StartContainer, Target: c.name}
	if !c.job {
		start.Was = old.ID
	}
	if old.policy() != "no" && !broken(old.State) { // which no engine starts
		actions = append(actions, Action{Verb: ForbidRestart, Target: old.ID, Service: c.service.Name})
	}
	return append(actions, start, c.wait(c.name), Action{Verb: RemoveContainer, Target: old.ID})
}

// policy is the restart policy that a container was made with. One that is aside may have
// another now.
func (c Container) policy() string {
	if c.Applied != nil {
		return text(c.Applied["restart"])
	}
	return c.Actual.Restart
}

// remove ends a container in good order.
func remove(container *Container) []Action {
	gone := Action{Verb: RemoveContainer, Target: container.ID}
	if container.State.up() {
		return []Action{{Verb: StopContainer, Target: container.ID}, gone}
	}
	return []Action{gone}
}

// update changes a container while it runs. Networks are attached before others are
// detached, so that it is never without one; the limits come last, since nothing takes
// them back.
func (c change) update() []Action {
	var rename, attach, detach, limits []Action
	for _, cause := range c.causes {
		network, isNetwork := strings.CutPrefix(cause.Path, "networks.")
		switch {
		case isNetwork && cause.Old == "":
			attach = append(attach, Action{Verb: Connect, Target: c.current.ID, Name: network, Service: c.service.Name})
		case isNetwork:
			detach = append(detach, Action{Verb: Disconnect, Target: c.current.ID, Name: network, Service: c.service.Name})
		case cause.Path == "container_name":
			rename = []Action{{Verb: RenameContainer, Target: c.current.ID, Name: c.name, Was: c.current.Name}}
		case inPlace[cause.Path]:
			limits = []Action{{Verb: UpdateContainer, Target: c.current.ID, Service: c.service.Name}}
		}
	}
	return append(append(append(rename, attach...), detach...), limits...)
}

// start brings back a container that is there and does not run.
func (c change) start() []Action {
	id := c.current.ID
	switch c.current.State.Status {
	case "paused":
		return []Action{{Verb: Unpause, Target: id}, c.wait(id)}
	case "restarting":
		return c.restart()
	}
	return []Action{{Verb: StartContainer, Target: id}, c.wait(id)}
}

// jobTime bounds a job, which has nothing that tells how long it may take.
const jobTime = time.Hour

// patience is how long a service may take to become healthy: as long as its healthcheck,
// which the image may have set, allows it to fail, and 30 seconds more for a slow engine.
func patience(service, image *types.HealthCheckConfig) time.Duration {
	const slack = 30 * time.Second
	none := &types.HealthCheckConfig{}
	service, image = cmp.Or(service, none), cmp.Or(image, none)
	test := service.Test
	if len(test) == 0 {
		test = image.Test
	}
	if len(test) == 0 || test[0] == "NONE" || service.Disable {
		return slack
	}
	half, three, zero := types.Duration(30*time.Second), uint64(3), types.Duration(0) // the engine's defaults
	try := *cmp.Or(service.Interval, image.Interval, &half) + *cmp.Or(service.Timeout, image.Timeout, &half)
	start := *cmp.Or(service.StartPeriod, image.StartPeriod, &zero)
	retries := *cmp.Or(service.Retries, image.Retries, &three)
	return time.Duration(start) + time.Duration(retries)*time.Duration(try) + slack
}
