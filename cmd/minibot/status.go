package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/internal/journal"
	"minibot/internal/plan"
)

type statusCmd struct {
	DetailedExitcode bool `help:"Exit 2 if a service does not run or is not healthy."`
}

func (*statusCmd) Examples() []example {
	return []example{
		{"minibot status", "how the services are doing"},
		{"minibot status --detailed-exitcode --json", "for scripts: exit 2 if one is not well"},
	}
}

// stackStatus is how a stack is doing at one moment.
type stackStatus struct {
	FormatVersion string          `json:"format_version"`
	Stack         string          `json:"stack"`
	Engine        string          `json:"engine"`
	Well          bool            `json:"well"`
	Services      []serviceStatus `json:"services"`
	// LastDeed is the last apply, destroy or rotation, LastVerify the last whole verify; both from this machine's state.
	LastDeed   *journal.Entry `json:"last_deed,omitempty"`
	LastVerify *verified      `json:"last_verify,omitempty"`

	source string // who said which engine
}

// serviceStatus is how one service of the spec is doing.
type serviceStatus struct {
	Service   string `json:"service"`
	Container string `json:"container"`
	// State is the engine's word for the container, or absent; Health is "" without a healthcheck.
	State     string     `json:"state"`
	Health    string     `json:"health,omitempty"`
	Well      bool       `json:"well"`
	StartedAt *time.Time `json:"started_at,omitempty"` // of one that runs
	Restarts  int        `json:"restarts"`             // by the engine, since it was started
	ExitCode  int        `json:"exit_code"`
	OOMKilled bool       `json:"oom_killed"`
	// MemoryUsed is missing where it does not run; both are in bytes.
	MemoryUsed  *int64   `json:"memory_used,omitempty"`
	MemoryLimit int64    `json:"memory_limit"`
	Ports       []string `json:"ports"`
	// MissingPorts are those of the spec that it does not publish, though it runs.
	MissingPorts []string `json:"missing_ports,omitempty"`
}

// Run shows one screen about the stack.
func (c *statusCmd) Run(ctx context.Context, a *app) error {
	s, err := a.glance(ctx)
	if err != nil {
		return err
	}
	defer s.engine.Close()
	status, err := s.status(ctx)
	if err != nil {
		return err
	}
	if err := a.viewStatus(status, time.Now()); err != nil {
		return err
	}
	if c.DetailedExitcode && !status.Well {
		return errDiffers
	}
	return nil
}

// status asks the engine. It opens no secret store.
func (s *site) status(ctx context.Context) (stackStatus, error) {
	live, err := s.glance.Observe(ctx, s.loaded.project)
	if err != nil {
		return stackStatus{}, err
	}
	endpoint := s.engine.Endpoint
	status := stackStatus{FormatVersion: "1", Stack: s.loaded.stack.Name, Engine: endpoint.Host, Well: true, source: endpoint.Source}
	var running []string
	for _, c := range live.Containers {
		if c.State.Status == "running" {
			running = append(running, c.ID)
		}
	}
	used, err := s.engine.Memory(ctx, running)
	if err != nil {
		return stackStatus{}, err
	}
	for _, declared := range s.loaded.stack.Services {
		one := statusOf(s.loaded.project, s.loaded.project.Services[declared.Name], live, used)
		status.Services = append(status.Services, one)
		status.Well = status.Well && one.Well
	}
	if book, err := journalOf(status.Stack, endpoint); err == nil {
		if entries, err := book.Last(1); err == nil && len(entries) == 1 {
			status.LastDeed = &entries[0]
		}
	}
	status.LastVerify = lastVerified(status.Stack, endpoint)
	return status, nil
}

// statusOf finds a service's container, and reads how it is doing.
func statusOf(project *types.Project, service types.ServiceConfig, live plan.Live, used map[string]int64) serviceStatus {
	status := serviceStatus{Service: service.Name, Container: service.ContainerName, State: "absent", MemoryLimit: int64(service.MemLimit), Ports: []string{}}
	i := slices.IndexFunc(live.Containers, func(c plan.Container) bool { return c.Own(project, service) })
	if i < 0 {
		return status
	}
	c := live.Containers[i]
	status.State, status.Health, status.Restarts = c.State.Status, c.State.Health, c.State.RestartCount
	status.ExitCode, status.OOMKilled, status.MemoryLimit = c.State.ExitCode, c.State.OOMKilled, int64(c.Actual.MemLimit)
	job := plan.Job(project, service.Name)
	status.Well = status.State == "running" && (status.Health == "" || status.Health == "healthy") || job && status.State == "exited" && status.ExitCode == 0
	if status.State == "running" {
		status.StartedAt = &c.State.StartedAt
		if bytes, ok := used[c.ID]; ok {
			status.MemoryUsed = &bytes
		}
	}
	for _, port := range c.Published {
		status.Ports = append(status.Ports, portWords(port))
	}
	for _, port := range plan.Ports(service) {
		if status.State == "running" && !slices.Contains(c.Published, port) {
			status.MissingPorts = append(status.MissingPorts, portWords(port))
		}
	}
	return status
}

// portWords is where a port can be reached, and which one it is in the container if that is another.
func portWords(port plan.Port) string {
	where := fmt.Sprintf("%s:%d", port.HostIP, port.Published)
	switch {
	case !port.HostIP.IsValid():
		where = fmt.Sprintf("*:%d", port.Published) // every address of the machine
	case port.HostIP.Is6():
		where = fmt.Sprintf("[%s]:%d", port.HostIP, port.Published)
	}
	if port.Target != port.Published {
		where += fmt.Sprintf("→%d", port.Target)
	}
	if port.Protocol != "" && port.Protocol != "tcp" {
		where += "/" + port.Protocol
	}
	return where
}
