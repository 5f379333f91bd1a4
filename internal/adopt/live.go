package adopt

import (
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/internal/plan"
	"minibot/spec"
)

// FromLive translates a compose project that is there: the spec fits its containers as far as a spec can, so that as
// little as may be is made anew. Memory is what containers use now, in bytes by ID. The error is ErrNoService where
// options name a service that the project does not have.
func FromLive(name string, live plan.Live, memory map[string]int64, options Options) (Result, error) {
	l := &running{
		live: live,
		stack: &stack{
			translator: &translator{Options: options, secrets: &secrets{}, secretFiles: map[string]*secret{}},
			name:       name, project: &types.Project{Name: name, Services: types.Services{}, Networks: types.Networks{}, Volumes: types.Volumes{}, Secrets: types.Secrets{}},
			containers: map[string]plan.Container{}, memory: map[string]int64{},
		},
	}
	if err := l.choose(); err != nil {
		return Result{}, err
	}
	if len(l.containers) == 0 {
		return Result{Stack: name, Notes: l.sorted()}, nil
	}
	for _, service := range slices.Sorted(maps.Keys(l.containers)) {
		container := l.containers[service]
		l.stack.memory[service] = memory[container.ID]
		config := l.service(container)
		l.project.Services[service] = config
		l.services = append(l.services, config)
	}
	return l.finish(name, l.write("Written by minibot init, of the compose project "+name+" as it ran."))
}

// running is a compose project that is there.
type running struct {
	*stack
	live plan.Live
}

// choose takes a container for each service.
func (l *running) choose() error {
	var second []plan.Container
	for _, c := range l.live.Containers {
		first, there := l.containers[c.Service]
		switch {
		case c.Project != l.name, strings.EqualFold(c.Compose["oneoff"], "true"):
		case there && first.Number <= c.Number:
			second = append(second, c)
		default:
			if there {
				second = append(second, first)
			}
			l.containers[c.Service] = c
		}
	}
	for _, name := range l.Without {
		if _, there := l.containers[name]; !there {
			return noService("--without", l.name, name, slices.Sorted(maps.Keys(l.containers)))
		}
		delete(l.containers, name)
		l.note(LeftOut, origin{service: name}, "the service", "As --without says. Its container stays as it is.")
	}
	for _, c := range second {
		if _, there := l.containers[c.Service]; there {
			l.note(LeftOut, origin{service: c.Service}, "container "+c.Name, "minibot runs one container of each service. This one stays as it is, until you remove it.")
		}
	}
	if len(l.containers) == 0 {
		l.note(Refused, origin{}, "services", "No service is left.")
	}
	return nil
}

// service is what a person would have written in a compose file to get the container.
func (l *running) service(c plan.Container) types.ServiceConfig {
	image, s := l.live.Images[c.ImageID].Defaults, c.Actual
	at := origin{service: c.Service}
	if c.Applied != nil {
		l.note(Refused, at, "container "+c.Name, "minibot made it. The spec that it made it from says more than the engine can tell: take that one.")
	}
	if c.PublishAll {
		l.note(Changed, at, "ports", "The engine chose ports of the host for all that the image exposes. They are not published any more; add bind blocks for those that you need.")
	}
	l.judge(s, at)
	s.Name, s.ContainerName = c.Service, c.Name
	if c.Name == l.name+"-"+c.Service {
		s.ContainerName = "" // as minibot would call it
	}
	l.lessImage(&s, image)
	l.unescape(&s)
	l.lessEngine(&s)
	l.ports(&s, c)
	l.mounts(&s, at)
	l.deliveries(&s)
	l.attach(&s)
	s.DependsOn = dependencies(c.Compose["depends_on"])
	return s
}

// judge says what no spec can hold, by the same rules as of a file.
func (l *running) judge(s types.ServiceConfig, at origin) {
	said := map[string]string{"pid": s.Pid, "ipc": s.Ipc, "uts": s.Uts, "userns_mode": s.UserNSMode, "cgroup_parent": s.CgroupParent}
	for key, is := range map[string]bool{"privileged": s.Privileged, "devices": len(s.Devices) > 0, "sysctls": len(s.Sysctls) > 0} {
		if is {
			said[key] = "set"
		}
	}
	for _, key := range slices.Sorted(maps.Keys(said)) {
		if r, value := serviceKeys[key], said[key]; value != "" && !slices.Contains(r.unless, value) {
			l.note(r.kind, at, key+": "+value, spec.Advice("service."+key))
		}
	}
}

// lessImage leaves out what the image sets by itself.
func (l *running) lessImage(s *types.ServiceConfig, image types.ServiceConfig) {
	same := func(a, b any) bool { return reflect.DeepEqual(a, b) }
	if same(s.Entrypoint, image.Entrypoint) {
		s.Entrypoint = nil
		if same(s.Command, image.Command) {
			s.Command = nil
		}
	}
	if len(s.Command) == 0 {
		s.Command = nil
	}
	if same(s.HealthCheck, image.HealthCheck) {
		s.HealthCheck = nil
	}
	for _, one := range []struct{ text, usual *string }{{&s.User, &image.User}, {&s.WorkingDir, &image.WorkingDir}, {&s.StopSignal, &image.StopSignal}} {
		if *one.text == *one.usual {
			*one.text = ""
		}
	}
	s.Environment, s.Labels = maps.Clone(s.Environment), maps.Clone(s.Labels)
	maps.DeleteFunc(s.Environment, func(key string, value *string) bool { return same(value, image.Environment[key]) })
	maps.DeleteFunc(s.Labels, func(key, value string) bool { usual, there := image.Labels[key]; return there && usual == value })
}

// lessEngine leaves out what the engine does by itself, and what is made anew in any case.
func (l *running) lessEngine(s *types.ServiceConfig) {
	const usualShm = 64 << 20
	if s.ShmSize == usualShm {
		s.ShmSize = 0
	}
	s.MemSwapLimit = 0 // minibot sets it, in place
	if s.Logging != nil && (anew(*s) || isUsualLog(s.Logging)) {
		s.Logging = nil
	}
	if core := s.Ulimits["core"]; core != nil && core.Soft == 0 && core.Hard == 0 {
		s.Ulimits = maps.Clone(s.Ulimits)
		delete(s.Ulimits, "core")
	}
}

// anew reports whether minibot makes a container anew whatever the spec says of the rest: it lacks what every container
// of minibot has.
func anew(s types.ServiceConfig) bool {
	safe := slices.ContainsFunc(s.SecurityOpt, func(option string) bool {
		return strings.HasPrefix(option, "no-new-privileges") && !strings.HasSuffix(option, "false")
	})
	return !safe || s.Ulimits["core"] == nil
}

// isUsualLog reports whether logs are kept as minibot keeps them where the spec says nothing.
func isUsualLog(l *types.LoggingConfig) bool {
	return l.Driver == "json-file" && maps.Equal(l.Options, types.Options{"max-size": "10m", "max-file": "3"})
}

// unescape writes texts as programs see them: an observation has each $ doubled, as a compose file.
func (l *running) unescape(s *types.ServiceConfig) {
	plain := func(text string) string {
		if marked(text) {
			l.note(Refused, origin{service: s.Name}, "a text", "It has a character for private use, such as U+E000, which no spec can hold.")
			return ""
		}
		return strings.ReplaceAll(text, "$$", "$")
	}
	words := func(list []string) []string {
		list = slices.Clone(list)
		for i := range list {
			list[i] = plain(list[i])
		}
		return list
	}
	s.Image, s.WorkingDir = plain(s.Image), plain(s.WorkingDir)
	s.Command, s.Entrypoint = words(s.Command), words(s.Entrypoint)
	for key, value := range s.Environment {
		text := plain(*value)
		s.Environment[key] = &text
	}
	for key, value := range s.Labels {
		s.Labels[key] = plain(value)
	}
	if s.HealthCheck != nil {
		check := *s.HealthCheck
		check.Test = words(check.Test)
		s.HealthCheck = &check
	}
}

// ports takes the number that the engine chose where nobody did.
func (l *running) ports(s *types.ServiceConfig, c plan.Container) {
	s.Ports = slices.Clone(s.Ports)
	for i, port := range s.Ports {
		for _, live := range c.Published {
			if number(port.Published) == 0 && uint32(live.Target) == port.Target && live.Protocol == port.Protocol {
				s.Ports[i].Published = strconv.Itoa(int(live.Published))
			}
		}
	}
}

var noName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// mounts knows a volume by its own name. One that nobody named has data that somebody has to take along.
func (l *running) mounts(s *types.ServiceConfig, at origin) {
	s.Volumes = slices.Clone(s.Volumes)
	for i, v := range s.Volumes {
		switch {
		case v.Type == types.VolumeTypeVolume && noName.MatchString(v.Source):
			s.Volumes[i].Source = ""
			name := l.name + "_" + s.Name + "-" + strings.Trim(notWord.ReplaceAllString(path.Base(v.Target), "-"), "-")
			l.note(Todo, at, "volumes "+v.Target, "Its data is in a volume without a name. To keep it, copy it while the service is stopped: docker run --rm -v "+v.Source+":/from:ro -v "+name+":/to alpine cp -a /from/. /to/")
		case v.Type == types.VolumeTypeVolume:
			l.project.Volumes[v.Source] = types.VolumeConfig{Name: v.Source}
		case v.Type == types.VolumeTypeBind:
			s.Volumes[i].Source = strings.TrimPrefix(strings.ReplaceAll(v.Source, "$$", "$"), "/host_mnt") // where Docker Desktop has the Mac's files
		}
	}
}

// inSecrets is a file that compose may have put into the container, as it does with secrets from its environment.
var inSecrets = regexp.MustCompile(`^` + spec.SecretDir + `/([A-Za-z_][A-Za-z0-9_]*)$`)

// deliveries finds files that compose put into the container, and no inspection shows.
func (l *running) deliveries(s *types.ServiceConfig) {
	for _, key := range slices.Sorted(maps.Keys(s.Environment)) {
		match := inSecrets.FindStringSubmatch(*s.Environment[key])
		if match == nil || slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return strings.HasPrefix(match[0]+"/", v.Target+"/") }) {
			continue
		}
		l.project.Secrets[match[1]] = types.SecretConfig{}
		s.Secrets = append(s.Secrets, types.ServiceSecretConfig{Source: match[1]})
	}
}

// attach knows a network by its key in the compose file. One that is as minibot would make it keeps its name.
func (l *running) attach(s *types.ServiceConfig) {
	attached := map[string]*types.ServiceNetworkConfig{}
	for _, name := range slices.Sorted(maps.Keys(s.Networks)) {
		network := l.live.Networks[name]
		key, config := name, types.NetworkConfig{Driver: network.Driver, Internal: network.Internal}
		switch own := network.Labels[plan.LabelProject] == l.name; {
		case !own:
			config.External = true
		case fits(network):
			key, config.Name = network.Labels[plan.LabelNetwork], name
		default:
			key = network.Labels[plan.LabelNetwork]
			l.note(Changed, origin{}, "network "+name, "It lacks what keeps a port that is published by hand on 127.0.0.1, and that cannot be added. The stack gets a network of its own, and its containers move to it. Afterwards: docker network rm "+name)
		}
		attached[key], l.project.Networks[key] = nil, config
	}
	s.Networks = attached
}

// fits reports whether a network is as minibot makes one.
func fits(n plan.Network) bool {
	return n.Driver == "bridge" && maps.Equal(n.Options, map[string]string{"com.docker.network.bridge.host_binding_ipv4": spec.DefaultHostIP})
}

// dependencies reads compose's label: service:condition:restart, separated by commas.
func dependencies(label string) types.DependsOnConfig {
	all := types.DependsOnConfig{}
	for one := range strings.SplitSeq(label, ",") {
		if parts := strings.Split(one, ":"); len(parts) == 3 {
			all[parts[0]] = types.ServiceDependency{Condition: parts[1], Restart: parts[2] == "true", Required: true}
		}
	}
	return all
}
