package plan_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/internal/plan"
)

// model is an engine that is nothing but a Live. It refuses what an engine refuses, and
// complains about what must never happen.
type model struct {
	t       testing.TB
	project *types.Project

	mu    sync.Mutex
	live  plan.Live
	first map[string]bool // services that had a container: they always have one
	by    map[string]bool // IDs of containers that were stopped on request
	made  int
	clock int64 // in seconds
	// dies is how many more calls are answered before the process is killed; negative: all.
	dies int
	// fails is how many more calls of Do go well before one fails; negative: all.
	fails int
	// halfway says that the call that fails did its work all the same.
	halfway bool
	// ordered says that a service may only be started when what it depends on is ready. To
	// take back a stop is to start regardless.
	ordered bool
}

var errModel = errors.New("the engine says no")

func newModel(t testing.TB, project *types.Project, live plan.Live) *model {
	live.Containers = slices.Clone(live.Containers)
	for i := range live.Containers {
		live.Containers[i].Actual.Networks = maps.Clone(live.Containers[i].Actual.Networks)
	}
	live.Networks, live.Volumes, live.Images = copied(live.Networks), copied(live.Volumes), copied(live.Images)
	return &model{t: t, project: project, live: live, first: services(live), by: map[string]bool{}, dies: -1, fails: -1}
}

func copied[V any](from map[string]V) map[string]V {
	to := map[string]V{}
	maps.Copy(to, from)
	return to
}

func (m *model) Do(_ context.Context, a plan.Action, _ func(string)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead() {
		return errModel
	}
	m.fails--
	if m.fails == -1 {
		if m.halfway {
			_ = m.act(a)
		}
		return fmt.Errorf("%s %s: %w", a.Verb, a.Target, errModel)
	}
	return m.act(a)
}

// Undo does what internal/engine does.
func (m *model) Undo(_ context.Context, a plan.Action) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead() {
		return errModel
	}
	switch a.Verb {
	case plan.CreateContainer:
		return m.act(plan.Action{Verb: plan.RemoveContainer, Target: a.Target})
	case plan.RenameContainer:
		return m.act(plan.Action{Verb: plan.RenameContainer, Target: a.Target, Name: a.Was})
	case plan.StopContainer:
		return m.act(plan.Action{Verb: plan.StartContainer, Target: a.Target})
	case plan.ForbidRestart:
		m.permit(a.Target)
	case plan.StartContainer:
		err := m.act(plan.Action{Verb: plan.StopContainer, Target: a.Target})
		if err == nil && a.Was != "" {
			err = m.act(plan.Action{Verb: plan.RemoveContainer, Target: a.Target})
		}
		return err
	case plan.Wait:
		if a.Was != "" {
			for _, back := range []plan.Action{{Verb: plan.StopContainer, Target: a.Target}, {Verb: plan.ForbidRestart, Target: a.Target}} {
				if err := m.act(back); err != nil {
					return err
				}
			}
			m.permit(a.Was)
			return m.act(plan.Action{Verb: plan.StartContainer, Target: a.Was})
		}
	case plan.Connect:
		return m.act(plan.Action{Verb: plan.Disconnect, Target: a.Target, Name: a.Name})
	case plan.Disconnect:
		return m.act(plan.Action{Verb: plan.Connect, Target: a.Target, Name: a.Name})
	}
	return nil
}

// permit gives a container the restart policy back that it was made with.
func (m *model) permit(target string) {
	for i, c := range m.live.Containers {
		if (c.ID == target || c.Name == target) && c.Applied != nil {
			m.live.Containers[i].Actual.Restart = c.Applied["restart"][0]
		}
	}
}

func (m *model) dead() bool {
	if m.dies > 0 {
		m.dies--
	}
	return m.dies == 0
}

func (m *model) act(a plan.Action) error {
	if err := m.change(a); err != nil {
		return fmt.Errorf("%s %s: %w", a.Verb, a.Target, err)
	}
	now := services(m.live)
	for service := range m.first {
		if !now[service] {
			m.t.Errorf("after %s %s there is no container of %s", a.Verb, a.Target, service)
		}
	}
	return nil
}

// services are those that have a container, other than one that is going.
func services(live plan.Live) map[string]bool {
	have := map[string]bool{}
	for _, c := range live.Containers {
		have[c.Service] = have[c.Service] || c.State.Status != "removing"
	}
	maps.DeleteFunc(have, func(_ string, stays bool) bool { return !stays })
	return have
}

func (m *model) change(a plan.Action) error {
	live := &m.live
	i := slices.IndexFunc(live.Containers, func(c plan.Container) bool { return c.ID == a.Target || c.Name == a.Target })
	switch a.Verb {
	case plan.PullImage:
		live.Images[a.Target] = plan.Image{ID: "sha256:" + a.Target}
		live.Images["sha256:"+a.Target] = plan.Image{ID: "sha256:" + a.Target}
		return nil
	case plan.CreateNetwork, plan.CreateVolume:
		return m.create(a)
	case plan.CreateContainer:
		if i >= 0 {
			return errors.New("the name is taken")
		}
		return m.createContainer(a)
	case plan.RemoveContainer:
		if i >= 0 {
			live.Containers = slices.Delete(live.Containers, i, i+1)
		}
		return nil
	}
	if i < 0 {
		return errors.New("no such container")
	}
	c := &live.Containers[i]
	up := c.State.Status == "running" || c.State.Status == "paused" || c.State.Status == "restarting"
	switch a.Verb {
	case plan.RenameContainer:
		if slices.ContainsFunc(live.Containers, func(other plan.Container) bool { return other.Name == a.Name && other.ID != c.ID }) {
			return errors.New("the name is taken")
		}
		c.Name, c.Actual.ContainerName = a.Name, a.Name
	case plan.StartContainer:
		return m.start(c)
	case plan.StopContainer:
		if up {
			c.State, c.Published = plan.State{Status: "exited", ExitCode: 143}, nil
			m.by[c.ID] = true
		}
	case plan.ForbidRestart:
		if c.State.Status == "dead" || c.State.Status == "removing" {
			return errors.New("it is marked for removal")
		}
		c.Actual.Restart = "no"
	case plan.Unpause:
		if c.State.Status != "paused" {
			return errors.New("it is not paused")
		}
		c.State.Status = "running"
	case plan.UpdateContainer:
		s := m.project.Services[a.Service]
		c.Actual.MemLimit, c.Actual.MemSwapLimit, c.Actual.CPUS = s.MemLimit, s.MemSwapLimit, s.CPUS
		c.Actual.PidsLimit, c.Actual.Restart = s.PidsLimit, s.Restart
	case plan.Connect:
		if _, there := live.Networks[a.Name]; !there && a.Name != "lan" {
			return errors.New("no such network")
		}
		c.Actual.Networks[a.Name] = nil
	case plan.Disconnect:
		delete(c.Actual.Networks, a.Name)
	case plan.Wait:
		return m.wait(c, a)
	default:
		return errors.New("unknown verb")
	}
	return nil
}

func (m *model) create(a plan.Action) error {
	labels := map[string]string{plan.LabelProject: m.project.Name}
	for _, n := range m.project.Networks {
		if _, there := m.live.Networks[n.Name]; n.Name == a.Target && !there {
			m.live.Networks[n.Name] = plan.Network{Name: n.Name, Driver: n.Driver, Internal: n.Internal, Options: n.DriverOpts, Labels: labels}
			return nil
		}
	}
	for _, v := range m.project.Volumes {
		if _, there := m.live.Volumes[v.Name]; v.Name == a.Target && !there {
			m.live.Volumes[v.Name] = plan.Volume{Name: v.Name, Driver: "local", Labels: labels}
			return nil
		}
	}
	return errors.New("it is there, or the project has none")
}

func (m *model) createContainer(a plan.Action) error {
	service := m.project.Services[a.Service]
	if _, there := m.live.Images[service.Image]; !there {
		return errors.New("no such image")
	}
	c := made(m.project, a.Service, m.live.Images)
	for name := range c.Actual.Networks {
		if _, there := m.live.Networks[name]; !there {
			return errors.New("no such network")
		}
	}
	for _, v := range c.Actual.Volumes {
		if _, there := m.live.Volumes[v.Source]; !there {
			return errors.New("no such volume")
		}
	}
	m.made++
	c.ID, c.Name, c.Published = fmt.Sprintf("made-%d", m.made), a.Target, nil
	c.Actual.ContainerName = a.Target
	c.State, c.Created = plan.State{Status: "created"}, m.tick()
	m.live.Containers = append(m.live.Containers, c)
	return nil
}

func (m *model) start(c *plan.Container) error {
	if c.State.Status == "running" {
		return nil
	}
	if c.State.Status == "dead" || c.State.Status == "removing" || c.State.Status == "paused" {
		return errors.New("it cannot be started")
	}
	for name := range c.Actual.Networks {
		if _, there := m.live.Networks[name]; !there && name != "lan" {
			return errors.New("no such network")
		}
	}
	for _, other := range m.live.Containers {
		if other.Service == c.Service && other.ID != c.ID && (other.State.Status == "running" || other.State.Status == "paused") {
			m.t.Errorf("%s is started beside %s", c.Name, other.Name)
		}
	}
	for name, condition := range m.project.Services[c.Service].DependsOn {
		if !m.ready(name, condition.Condition) && m.ordered {
			m.t.Errorf("%s is started before %s is ready", c.Service, name)
		}
	}
	m.run(c)
	return nil
}

func (m *model) run(c *plan.Container) {
	c.State = plan.State{Status: "running"}
	if c.Actual.HealthCheck != nil {
		c.State.Health = "starting"
	}
	c.Published = plan.Ports(c.Actual)
	c.State.StartedAt = m.tick()
	delete(m.by, c.ID)
}

// tick is the time, which is never the same.
func (m *model) tick() time.Time {
	m.clock++
	return time.Unix(m.clock, 0)
}

// reboot is a power cut of the machine, after which the engine starts what it starts (tried on
// 20.10): never what was only created, and no two containers of a service must be among it.
func (m *model) reboot() {
	m.t.Helper()
	runs := map[string]string{}
	for i := range m.live.Containers {
		c := &m.live.Containers[i]
		policy, _, _ := strings.Cut(c.Actual.Restart, ":")
		up := c.State.Status == "running" || c.State.Status == "paused" || c.State.Status == "restarting"
		if up {
			c.State, c.Published = plan.State{Status: "exited", ExitCode: 255}, nil
		}
		switch {
		case c.State.Status != "exited":
		case policy == "always", policy == "unless-stopped" && !m.by[c.ID], policy == "on-failure" && c.State.ExitCode != 0:
			if other := runs[c.Service]; other != "" {
				m.t.Errorf("the engine starts both %s and %s", other, c.Name)
			}
			runs[c.Service] = c.Name
			m.run(c)
		}
	}
}

// ready reports whether a dependency is fulfilled.
func (m *model) ready(name, condition string) bool {
	return slices.ContainsFunc(m.live.Containers, func(c plan.Container) bool {
		if c.Service != name {
			return false
		}
		switch condition {
		case types.ServiceConditionCompletedSuccessfully:
			return c.State.Status == "exited" && c.State.ExitCode == 0
		case types.ServiceConditionHealthy:
			return c.State.Status == "running" && (c.State.Health == "healthy" || c.State.Health == "")
		}
		return c.State.Status == "running"
	})
}

func (m *model) wait(c *plan.Container, a plan.Action) error {
	job := plan.Job(m.project, a.Service)
	switch {
	case c.Service != a.Service:
		return errors.New("another service is waited for")
	case job && (c.State.Status == "running" || c.State.Status == "exited" && c.State.ExitCode == 0):
		c.State, c.Published = plan.State{Status: "exited"}, nil
	case c.State.Status == "restarting":
		c.State.Status = "running" // it was to try once more
	case c.State.Status != "running":
		return errors.New("it does not work")
	case c.Actual.HealthCheck != nil:
		c.State.Health = "healthy"
	}
	return nil
}

// end is what matters of a state: every container but for its ID and its health, and
// whether a job runs still.
func (m *model) end() string {
	var all []string
	for _, c := range m.live.Containers {
		status := c.State.Status
		if plan.Job(m.project, c.Service) {
			status = "a job"
		}
		all = append(all, fmt.Sprintf("%s of %s: %s, image %s, %v", c.Name, c.Service, status, c.Actual.Image, slices.Sorted(maps.Keys(c.Actual.Networks))))
	}
	slices.SortFunc(all, cmp.Compare)
	return strings.Join(all, "\n")
}
