package engine

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"

	"minibot/internal/plan"
)

// observeContainer reads an inspection. What create writes, observe reads; beyond that
// it reads what minibot never writes but others may: privileged, devices, namespaces.
func observeContainer(c container.InspectResponse, project *types.Project) plan.Container {
	labels := c.Config.Labels
	number, _ := strconv.Atoi(labels[plan.LabelNumber])
	observed := plan.Container{
		ID: c.ID, Name: strings.TrimPrefix(c.Name, "/"), ImageID: c.Image,
		Project: labels[plan.LabelProject], Service: labels[plan.LabelService], Number: number,
		State: observeState(c), PublishAll: c.HostConfig.PublishAllPorts,
	}
	for label, value := range labels {
		if name, ok := strings.CutPrefix(label, plan.LabelPrefix); ok {
			if observed.Compose == nil {
				observed.Compose = map[string]string{}
			}
			observed.Compose[name] = value
		}
	}
	observed.Created, _ = time.Parse(time.RFC3339Nano, c.Created)
	if text, ok := labels[plan.LabelApplied]; ok {
		// A label that cannot be read counts as none: the plan then says that minibot did
		// not make this container.
		observed.Applied, _ = plan.ParseLabel(text)
	}
	if text, ok := labels[plan.LabelSecrets]; ok {
		observed.Secrets, _ = plan.ParseLabel(text) // one that cannot be read says nothing, as none
	}
	observed.Published = observePorts(c.NetworkSettings.Ports)
	pattern := observed.Applied
	if service, ok := project.Services[observed.Service]; ok && pattern == nil && observed.Project == project.Name {
		pattern = plan.DesiredOf(project, service) // made by another tool, perhaps from our file
	}
	observed.Actual = observe(c, pattern)
	return observed
}

// observe translates an inspection into compose's words. Applied is what was asked for, by
// which references to secrets are put back in the place of their values.
func observe(c container.InspectResponse, applied plan.Fields) types.ServiceConfig {
	service := observeConfig(c.Config, applied)
	service.ContainerName = strings.TrimPrefix(c.Name, "/")
	if service.Hostname == c.ID[:min(12, len(c.ID))] {
		service.Hostname = "" // the engine's own choice
	}
	h := c.HostConfig
	service.Restart = observeRestart(h.RestartPolicy)
	service.ReadOnly = h.ReadonlyRootfs
	service.CapAdd, service.CapDrop = capabilities(h.CapAdd), capabilities(h.CapDrop)
	service.SecurityOpt = h.SecurityOpt
	service.GroupAdd = h.GroupAdd
	service.ExtraHosts, _ = types.NewHostsList(h.ExtraHosts)
	service.DNS = h.DNS
	service.Init = h.Init
	service.ShmSize = types.UnitBytes(h.ShmSize)
	for dir, options := range h.Tmpfs {
		service.Tmpfs = append(service.Tmpfs, strings.TrimSuffix(dir+":"+options, ":"))
	}
	if h.LogConfig.Type != "" {
		service.Logging = &types.LoggingConfig{Driver: h.LogConfig.Type, Options: h.LogConfig.Config}
	}
	observeResources(h.Resources, &service)
	observeMounts(c, &service)
	observeBindings(h.PortBindings, &service)
	observeNamespaces(h, &service)
	service.Networks = map[string]*types.ServiceNetworkConfig{}
	for name := range c.NetworkSettings.Networks {
		if name != "host" && name != "none" {
			service.Networks[name] = nil
		}
	}
	return service
}

// observeConfig reads the part that an image can set as well.
func observeConfig(c *container.Config, applied plan.Fields) types.ServiceConfig {
	service := types.ServiceConfig{
		ContainerSpec: types.ContainerSpec{
			Image: escape(c.Image), Hostname: c.Hostname, User: c.User, WorkingDir: escape(c.WorkingDir), StopSignal: c.StopSignal,
			Command:     masked(c.Cmd, applied["command"]),
			Entrypoint:  masked(c.Entrypoint, applied["entrypoint"]),
			Environment: types.MappingWithEquals{},
			Labels:      types.Labels{},
		},
	}
	for _, line := range c.Env {
		key, value, _ := strings.Cut(line, "=")
		text := escape(value)
		if was := applied["environment."+key]; len(was) == 1 && mentioned(was[0]) {
			text = restore(was[0], value)
		}
		service.Environment[key] = &text
	}
	for key, value := range c.Labels {
		if !strings.HasPrefix(key, "com.docker.compose.") && !strings.HasPrefix(key, "dev.minibot.") {
			service.Labels[key] = escape(value)
		}
	}
	if c.StopTimeout != nil {
		period := types.Duration(time.Duration(*c.StopTimeout) * time.Second)
		service.StopGracePeriod = &period
	}
	service.HealthCheck = observeHealthcheck(c.Healthcheck)
	return service
}

func observeHealthcheck(h *container.HealthConfig) *types.HealthCheckConfig {
	if h == nil || len(h.Test) == 0 && h.Interval == 0 && h.Timeout == 0 && h.Retries == 0 && h.StartPeriod == 0 {
		return nil
	}
	config := &types.HealthCheckConfig{}
	for _, word := range h.Test {
		config.Test = append(config.Test, escape(word))
	}
	set := func(d time.Duration) *types.Duration {
		if d == 0 {
			return nil
		}
		value := types.Duration(d)
		return &value
	}
	config.Interval, config.Timeout, config.StartPeriod = set(h.Interval), set(h.Timeout), set(h.StartPeriod)
	if h.Retries > 0 {
		retries := uint64(h.Retries)
		config.Retries = &retries
	}
	return config
}

func observeState(c container.InspectResponse) plan.State {
	state := plan.State{
		Status: string(c.State.Status), ExitCode: c.State.ExitCode, OOMKilled: c.State.OOMKilled,
		RestartCount: c.RestartCount, Error: c.State.Error,
	}
	state.StartedAt, _ = time.Parse(time.RFC3339Nano, c.State.StartedAt)
	if c.State.Health != nil && c.State.Health.Status != container.NoHealthcheck {
		state.Health = string(c.State.Health.Status)
	}
	return state
}

// observePorts reads what the engine publishes now. A port that is exposed but not
// published has no bindings.
func observePorts(published nat.PortMap) []plan.Port {
	var all []plan.Port
	for port, bindings := range published {
		for _, binding := range bindings {
			number, _ := strconv.ParseUint(binding.HostPort, 10, 16)
			all = append(all, plan.Port{HostIP: hostIP(binding.HostIP), Published: uint16(number), Target: uint16(port.Int()), Protocol: port.Proto()})
		}
	}
	slices.SortFunc(all, func(a, b plan.Port) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Published, b.Published), a.HostIP.Compare(b.HostIP))
	})
	return all
}
