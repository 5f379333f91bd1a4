package engine

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
	"github.com/docker/go-units"

	"minibot/internal/plan"
)

// definition is a service in the engine's words.
type definition struct {
	config  *container.Config
	host    *container.HostConfig
	network *network.NetworkingConfig // the first network
	more    []string                  // networks to connect before the start

	fingerprints plan.Fields // of the secrets in it and in its files
}

// create translates a service of the compose file. Expand resolves the $ syntax of
// compose in one string, secrets included. What create writes, observe reads.
func create(project *types.Project, service types.ServiceConfig, expand func(string) (string, error)) (definition, error) {
	e := expander{expand: expand}
	config := &container.Config{
		Image:       e.one(service.Image),
		Hostname:    e.one(service.Hostname),
		User:        e.one(service.User),
		Cmd:         e.all(service.Command),
		Entrypoint:  e.all(service.Entrypoint),
		WorkingDir:  e.one(service.WorkingDir),
		Labels:      map[string]string{},
		StopSignal:  service.StopSignal,
		Healthcheck: healthcheck(service.HealthCheck, &e),
	}
	for key, value := range service.Environment {
		if value != nil {
			config.Env = append(config.Env, key+"="+e.one(*value))
		}
	}
	slices.Sort(config.Env)
	for key, value := range service.Labels {
		config.Labels[key] = e.one(value)
	}
	if service.StopGracePeriod != nil {
		seconds := int(time.Duration(*service.StopGracePeriod).Round(time.Second).Seconds())
		config.StopTimeout = &seconds
	}
	host := &container.HostConfig{
		RestartPolicy:  restart(service.Restart),
		ReadonlyRootfs: service.ReadOnly,
		CapAdd:         service.CapAdd,
		CapDrop:        service.CapDrop,
		SecurityOpt:    service.SecurityOpt,
		GroupAdd:       service.GroupAdd,
		ExtraHosts:     service.ExtraHosts.AsList(":"),
		DNS:            service.DNS,
		Init:           service.Init,
		ShmSize:        int64(service.ShmSize),
		Tmpfs:          tmpfs(service.Tmpfs),
		Resources:      resources(service),
		Mounts:         mounts(project, service),
	}
	slices.Sort(host.ExtraHosts)
	if service.Logging != nil {
		host.LogConfig = container.LogConfig{Type: service.Logging.Driver, Config: service.Logging.Options}
	}
	config.ExposedPorts, host.PortBindings = ports(service)
	first, more := networks(project, service)
	host.NetworkMode = container.NetworkMode(first)
	return definition{
		config: config, host: host, more: more,
		network: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{first: endpoint(service)}},
	}, e.err
}

// expander expands strings and keeps the first error.
type expander struct {
	expand func(string) (string, error)
	err    error
}

func (e *expander) one(text string) string {
	expanded, err := e.expand(text)
	if err != nil && e.err == nil {
		e.err = err
	}
	return expanded
}

func (e *expander) all(words []string) []string {
	if words == nil {
		return nil
	}
	expanded := make([]string, len(words))
	for i, word := range words {
		expanded[i] = e.one(word)
	}
	return expanded
}

// resources are the limits, which a running container takes over as well.
func resources(service types.ServiceConfig) container.Resources {
	r := container.Resources{
		Memory:     int64(service.MemLimit),
		MemorySwap: int64(service.MemSwapLimit),
		NanoCPUs:   nanoCPUs(service.CPUS),
	}
	if service.PidsLimit != 0 {
		r.PidsLimit = &service.PidsLimit
	}
	for name, limit := range service.Ulimits {
		soft, hard := int64(limit.Soft), int64(limit.Hard)
		if limit.Single != 0 {
			soft, hard = int64(limit.Single), int64(limit.Single)
		}
		r.Ulimits = append(r.Ulimits, &units.Ulimit{Name: name, Soft: soft, Hard: hard})
	}
	slices.SortFunc(r.Ulimits, func(a, b *units.Ulimit) int { return strings.Compare(a.Name, b.Name) })
	return r
}

// nanoCPUs converts through the shortest decimal: 0.1 is not 0.10000000149 CPUs.
func nanoCPUs(cpus float32) int64 {
	exact, _ := strconv.ParseFloat(strconv.FormatFloat(float64(cpus), 'f', -1, 32), 64)
	return int64(exact*1e9 + 0.5)
}

func restart(policy string) container.RestartPolicy {
	name, count, _ := strings.Cut(policy, ":")
	retries, _ := strconv.Atoi(count)
	return container.RestartPolicy{Name: container.RestartPolicyMode(name), MaximumRetryCount: retries}
}

func healthcheck(h *types.HealthCheckConfig, e *expander) *container.HealthConfig {
	if h == nil {
		return nil
	}
	if h.Disable {
		return &container.HealthConfig{Test: []string{"NONE"}}
	}
	config := &container.HealthConfig{Test: e.all(h.Test)}
	set := func(to *time.Duration, from *types.Duration) {
		if from != nil {
			*to = time.Duration(*from)
		}
	}
	set(&config.Interval, h.Interval)
	set(&config.Timeout, h.Timeout)
	set(&config.StartPeriod, h.StartPeriod)
	if h.Retries != nil {
		config.Retries = int(*h.Retries)
	}
	return config
}

func ports(service types.ServiceConfig) (nat.PortSet, nat.PortMap) {
	exposed, bindings := nat.PortSet{}, nat.PortMap{}
	for _, port := range plan.Ports(service) {
		key := nat.Port(fmt.Sprintf("%d/%s", port.Target, port.Protocol))
		exposed[key] = struct{}{}
		bindings[key] = append(bindings[key], nat.PortBinding{HostIP: port.HostIP.String(), HostPort: strconv.Itoa(int(port.Published))})
	}
	return exposed, bindings
}

// networks are the engine's names, sorted: the first to create with, the rest to connect.
func networks(project *types.Project, service types.ServiceConfig) (first string, more []string) {
	var names []string
	for key := range service.Networks {
		names = append(names, project.Networks[key].Name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "none", nil
	}
	return names[0], names[1:]
}

// endpoint lets the other services find this one by its name.
func endpoint(service types.ServiceConfig) *network.EndpointSettings {
	return &network.EndpointSettings{Aliases: []string{service.ContainerName, service.Name}}
}

func tmpfs(entries []string) map[string]string {
	if len(entries) == 0 {
		return nil
	}
	dirs := make(map[string]string, len(entries))
	for _, entry := range entries {
		dir, options, _ := strings.Cut(entry, ":")
		dirs[dir] = options
	}
	return dirs
}

func mounts(project *types.Project, service types.ServiceConfig) []mount.Mount {
	var all []mount.Mount
	for _, v := range service.Volumes {
		m := mount.Mount{Type: mount.Type(v.Type), Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly}
		if v.Type == types.VolumeTypeVolume {
			m.Source = project.Volumes[v.Source].Name
		}
		all = append(all, m)
	}
	return all
}

// labels are compose's, so that docker compose and Docker Desktop see an ordinary
// project, and minibot's own.
func labels(project *types.Project, service types.ServiceConfig, imageID string, fingerprints plan.Fields) map[string]string {
	fields := plan.DesiredOf(project, service)
	all := map[string]string{
		plan.LabelProject:   project.Name,
		plan.LabelService:   service.Name,
		plan.LabelNumber:    "1",
		plan.LabelOneOff:    "False",
		plan.LabelHash:      configHash(service),
		plan.LabelImage:     imageID,
		plan.LabelDependsOn: dependsOn(service),
		plan.LabelVersion:   composeVersion,
		plan.LabelApplied:   fields.Label(),
	}
	if len(fingerprints) > 0 {
		all[plan.LabelSecrets] = fingerprints.Label()
	}
	return all
}

// dependsOn writes "service:condition:restart", comma-joined, as compose does.
func dependsOn(service types.ServiceConfig) string {
	var all []string
	for name, dependency := range service.DependsOn {
		all = append(all, fmt.Sprintf("%s:%s:%t", name, dependency.Condition, dependency.Restart))
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// words reads the JSON list by which plan.Fields writes a command.
func words(line string) []string {
	var list []string
	if json.Unmarshal([]byte(line), &list) != nil {
		return nil
	}
	return list
}

// hostIP is the zero Addr for "all interfaces".
func hostIP(text string) netip.Addr {
	address, _ := netip.ParseAddr(text)
	return address
}
