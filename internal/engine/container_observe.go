package engine

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/go-connections/nat"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"minibot/internal/plan"
)

// observeContainer reads an inspection. What create writes, observe reads; beyond that
// it reads what minibot never writes but others may: privileged, devices, namespaces.
func observeContainer(c container.InspectResponse) plan.Container {
	labels := c.Config.Labels
	number, _ := strconv.Atoi(labels[plan.LabelNumber])
	observed := plan.Container{
		ID: c.ID, Name: strings.TrimPrefix(c.Name, "/"), ImageID: c.Image,
		Project: labels[plan.LabelProject], Service: labels[plan.LabelService], Number: number,
		State: observeState(c), PublishAll: c.HostConfig.PublishAllPorts,
	}
	if text, ok := labels[plan.LabelApplied]; ok {
		// A label that cannot be read counts as none: the plan then says that minibot did
		// not make this container.
		observed.Applied, _ = plan.ParseLabel(text)
	}
	observed.Published = observePorts(c.NetworkSettings.Ports)
	observed.Actual = observe(c, observed.Applied)
	return observed
}

// observe translates an inspection into compose's words.
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
		if was := applied["environment."+key]; len(was) == 1 && secretRef.MatchString(was[0]) {
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

// secretRef matches a reference to a secret in compose's syntax.
var secretRef = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*):\?[^}]*\}`)

// restore turns a value that holds a secret back into the text that it was made from,
// if it fits; a value that does not fit is not shown.
func restore(applied, value string) string {
	var pattern strings.Builder
	last := 0
	for _, at := range secretRef.FindAllStringIndex(applied, -1) {
		pattern.WriteString(regexp.QuoteMeta(strings.ReplaceAll(applied[last:at[0]], "$$", "$")) + `(?s:.+)`)
		last = at[1]
	}
	pattern.WriteString(regexp.QuoteMeta(strings.ReplaceAll(applied[last:], "$$", "$")))
	if regexp.MustCompile(`^` + pattern.String() + `$`).MatchString(value) {
		return applied
	}
	return plan.Hidden
}

// masked is a command without the secrets that were put into it.
func masked(command []string, applied []string) types.ShellCommand {
	if command == nil {
		return nil
	}
	was := []string{}
	if len(applied) == 1 {
		was = words(applied[0])
	}
	seen := make(types.ShellCommand, len(command))
	for i, word := range command {
		seen[i] = escape(word)
		if i < len(was) && secretRef.MatchString(was[i]) {
			seen[i] = restore(was[i], word)
		}
	}
	return seen
}

// escape writes a value as the compose file would: each $ doubled.
func escape(value string) string { return strings.ReplaceAll(value, "$", "$$") }

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

func observeRestart(p container.RestartPolicy) string {
	if p.Name == container.RestartPolicyOnFailure && p.MaximumRetryCount > 0 {
		return fmt.Sprintf("on-failure:%d", p.MaximumRetryCount)
	}
	return cmp.Or(string(p.Name), "no")
}

func observeResources(r container.Resources, service *types.ServiceConfig) {
	service.MemLimit, service.MemSwapLimit = types.UnitBytes(r.Memory), types.UnitBytes(r.MemorySwap)
	service.CPUS = float32(float64(r.NanoCPUs) / 1e9)
	if r.NanoCPUs == 0 && r.CPUQuota > 0 && r.CPUPeriod > 0 {
		service.CPUS = float32(float64(r.CPUQuota) / float64(r.CPUPeriod))
	}
	if r.PidsLimit != nil && *r.PidsLimit > 0 {
		service.PidsLimit = *r.PidsLimit
	}
	for _, limit := range r.Ulimits {
		if service.Ulimits == nil {
			service.Ulimits = map[string]*types.UlimitsConfig{}
		}
		service.Ulimits[limit.Name] = &types.UlimitsConfig{Soft: int(limit.Soft), Hard: int(limit.Hard)}
	}
	for _, device := range r.Devices {
		service.Devices = append(service.Devices, types.DeviceMapping{Source: device.PathOnHost, Target: device.PathInContainer, Permissions: device.CgroupPermissions})
	}
	service.CgroupParent = r.CgroupParent
}

// observeMounts reads what is really mounted, whichever of the engine's ways it came.
func observeMounts(c container.InspectResponse, service *types.ServiceConfig) {
	for _, m := range c.Mounts {
		if m.Type == "tmpfs" {
			continue // among the tmpfs entries
		}
		v := types.ServiceVolumeConfig{Type: string(m.Type), Source: m.Source, Target: m.Destination, ReadOnly: !m.RW}
		if m.Type == "volume" {
			v.Source = m.Name
		} else {
			v.Bind = &types.ServiceVolumeBind{}
			v.Source = escape(m.Source)
		}
		service.Volumes = append(service.Volumes, v)
	}
	slices.SortFunc(service.Volumes, func(a, b types.ServiceVolumeConfig) int { return strings.Compare(a.Target, b.Target) })
}

func observeBindings(bindings nat.PortMap, service *types.ServiceConfig) {
	for port, all := range bindings {
		for _, binding := range all {
			service.Ports = append(service.Ports, types.ServicePortConfig{
				HostIP: binding.HostIP, Published: binding.HostPort, Target: uint32(port.Int()), Protocol: port.Proto(),
			})
		}
	}
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

// observeNamespaces reads what minibot never sets; each is left empty at the engine's default.
func observeNamespaces(h *container.HostConfig, service *types.ServiceConfig) {
	service.Privileged = h.Privileged
	service.Pid = string(h.PidMode)
	service.Uts = string(h.UTSMode)
	service.UserNSMode = string(h.UsernsMode)
	if ipc := string(h.IpcMode); ipc != "private" && ipc != "shareable" {
		service.Ipc = ipc
	}
	if mode := h.NetworkMode; mode.IsHost() || mode.IsContainer() || mode.IsNone() {
		service.NetworkMode = string(mode)
	}
	if len(h.Sysctls) > 0 {
		service.Sysctls = h.Sysctls
	}
}

// capabilities drops the CAP_ that some engines add.
func capabilities(names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, strings.TrimPrefix(name, "CAP_"))
	}
	return all
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

// observeImage reads what an image itself sets.
func observeImage(i image.InspectResponse) plan.Image {
	observed := plan.Image{ID: i.ID}
	if i.Config == nil {
		return observed
	}
	observed.Defaults = imageDefaults(i.Config)
	for path := range i.Config.Volumes {
		observed.Volumes = append(observed.Volumes, path)
	}
	slices.Sort(observed.Volumes)
	return observed
}

func imageDefaults(c *dockerspec.DockerOCIImageConfig) types.ServiceConfig {
	config := &container.Config{
		User: c.User, Env: c.Env, Cmd: c.Cmd, Entrypoint: c.Entrypoint, WorkingDir: c.WorkingDir, Labels: c.Labels, StopSignal: c.StopSignal,
	}
	if h := c.Healthcheck; h != nil {
		config.Healthcheck = &container.HealthConfig{Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, Retries: h.Retries}
	}
	return observeConfig(config, nil)
}
