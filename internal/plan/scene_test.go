package plan_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/internal/plan"
	"minibot/render"
	"minibot/spec"
)

// scene is a live state, built line by line. It begins as exactly what a spec asks for.
type scene struct {
	t       testing.TB
	project *types.Project // the spec
	past    *types.Project // the spec as it was applied last
	live    plan.Live
	options plan.Options
}

// projects holds what was loaded already: nobody changes a project.
var projects sync.Map

func projectOf(t testing.TB, src string) *types.Project {
	t.Helper()
	if project, ok := projects.Load(src); ok {
		return project.(*types.Project)
	}
	stack, diags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{})
	if diags.HasErrors() {
		t.Fatalf("%s\n%s", diags, src)
	}
	project, _, err := render.Project(stack)
	if err != nil {
		t.Fatal(err)
	}
	projects.Store(src, project)
	return project
}

// newScene builds the live state that the lines describe. Lines that begin with "was" or
// "image" come first, whatever their place: the others change what follows from them.
func newScene(t testing.TB, src, lines string) *scene {
	t.Helper()
	s := &scene{t: t, project: projectOf(t, src)}
	before := src
	var rest [][]string
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case words[0] == "was":
			was, is, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "was"), " | ")
			is = strings.TrimSpace(is)
			if !ok || !strings.Contains(before, is) {
				t.Fatalf("%q: the spec does not say so", line)
			}
			before = strings.Replace(before, is, strings.TrimSpace(was), 1)
		default:
			rest = append(rest, words)
		}
	}
	s.past = projectOf(t, before)
	s.live = plan.Live{Networks: map[string]plan.Network{}, Volumes: map[string]plan.Volume{}, Images: map[string]plan.Image{}}
	for _, p := range []*types.Project{s.past, s.project} {
		for _, service := range p.Services {
			s.image(service.Image)
		}
	}
	for _, words := range rest {
		if words[0] == "image" && len(words) > 2 && strings.Contains(words[2], "=") {
			s.imageSets(words[1], words[2:])
		}
	}
	s.asAsked()
	for _, words := range rest {
		s.do(words)
	}
	return s
}

// asAsked makes everything as the past spec asks, and the volumes and networks as the new one.
func (s *scene) asAsked() {
	labels := map[string]string{plan.LabelProject: s.project.Name}
	for _, p := range []*types.Project{s.past, s.project} {
		for _, n := range p.Networks {
			network := plan.Network{Name: n.Name, Driver: n.Driver, Internal: n.Internal, Options: maps.Clone(map[string]string(n.DriverOpts)), Labels: labels}
			for _, pool := range n.Ipam.Config {
				network.Subnets = append(network.Subnets, netip.MustParsePrefix(pool.Subnet))
			}
			if _, there := s.live.Networks[n.Name]; !there {
				s.live.Networks[n.Name] = network
			}
		}
		for _, v := range p.Volumes {
			s.live.Volumes[v.Name] = plan.Volume{Name: v.Name, Driver: "local", Labels: labels}
		}
	}
	for name := range s.past.Services {
		s.live.Containers = append(s.live.Containers, made(s.past, name, s.live.Images))
	}
}

// made is the container that a service of a project gets, as an inspection would show it.
func made(p *types.Project, name string, images map[string]plan.Image) plan.Container {
	service := p.Services[name]
	image := images[service.Image]
	c := plan.Container{
		ID: "id-" + name, Name: service.ContainerName, Project: p.Name, Service: name, Number: 1,
		Applied: plan.Desired(p)[name], ImageID: image.ID, State: plan.State{Status: "running"}, Published: plan.Ports(service),
	}
	service.Secrets, service.Configs, service.DependsOn, service.Platform, service.PullPolicy = nil, nil, nil, "", ""
	networks := map[string]*types.ServiceNetworkConfig{}
	for key := range service.Networks {
		networks[p.Networks[key].Name] = nil
	}
	service.Networks = networks
	service.Volumes = slices.Clone(service.Volumes)
	for i, v := range service.Volumes {
		if v.Type == "volume" {
			service.Volumes[i].Source = p.Volumes[v.Source].Name
		}
	}
	if service.ShmSize == 0 {
		service.ShmSize = 64 << 20
	}
	inherit(&service, image.Defaults)
	if service.HealthCheck != nil {
		c.State.Health = "healthy"
	}
	c.Actual = service
	return c
}

// inherit fills in what the image sets and the service does not, as the engine does.
func inherit(service *types.ServiceConfig, image types.ServiceConfig) {
	environment := types.MappingWithEquals{}
	maps.Copy(environment, image.Environment)
	maps.Copy(environment, service.Environment)
	service.Environment = environment
	service.User = cmp.Or(service.User, image.User)
	service.WorkingDir = cmp.Or(service.WorkingDir, image.WorkingDir)
	service.StopSignal = cmp.Or(service.StopSignal, image.StopSignal)
	if len(service.Entrypoint) == 0 {
		if len(service.Command) == 0 {
			service.Command = image.Command
		}
		if service.Entrypoint == nil {
			service.Entrypoint = image.Entrypoint
		}
	}
	if service.HealthCheck == nil {
		service.HealthCheck = image.HealthCheck
	} else if image.HealthCheck != nil {
		merged := *service.HealthCheck
		merged.Interval = cmp.Or(merged.Interval, image.HealthCheck.Interval)
		service.HealthCheck = &merged
	}
}

func (s *scene) image(ref string) {
	if _, there := s.live.Images[ref]; !there {
		image := plan.Image{ID: fmt.Sprintf("sha256:%x", ref)}
		s.live.Images[ref], s.live.Images[image.ID] = image, image
	}
}

func (s *scene) imageSets(ref string, settings []string) {
	image := s.live.Images[ref]
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		switch key {
		case "volume":
			image.Volumes = append(image.Volumes, value)
		default:
			s.set(&image.Defaults, key, value)
		}
	}
	s.live.Images[ref], s.live.Images[image.ID] = image, image
}

// of finds the container of a service, or one of that name.
func (s *scene) of(name string) *plan.Container {
	i := slices.IndexFunc(s.live.Containers, func(c plan.Container) bool {
		return c.Service == name && !strings.HasSuffix(c.Name, ".replaced") || c.Name == name
	})
	if i < 0 {
		s.t.Fatalf("there is no container of %s", name)
	}
	return &s.live.Containers[i]
}

// do applies one line.
func (s *scene) do(words []string) {
	s.t.Helper()
	verb, name, args := words[0], "", []string{}
	if len(words) > 1 {
		name, args = words[1], words[2:]
	}
	value := strings.Join(args[min(1, len(args)):], " ")
	switch verb {
	case "empty":
		s.live = plan.Live{Images: s.live.Images}
	case "set":
		s.set(&s.of(name).Actual, args[0], value)
	case "applied":
		c := s.of(name)
		c.Applied = maps.Clone(c.Applied)
		c.Applied[args[0]] = []string{value}
	case "unapplied":
		c := s.of(name)
		c.Applied = maps.Clone(c.Applied)
		delete(c.Applied, args[0])
	case "no-label":
		s.of(name).Applied = nil
	case "changed":
		s.of(name).Changed = args
	case "replace":
		s.options.Replace = words[1:]
	case "pulled":
		s.options.Pulled = words[1:]
	case "remove-strays":
		s.options.RemoveStrays = true
	case "rotating":
		s.live.Store.Rotating = words[1:]
	case "accepted":
		s.live.Store.Accepted = words[1:]
	case "store-problem":
		s.live.Store.Problem = strings.Join(words[1:], " ")
	case "absent":
		s.live.Containers = slices.DeleteFunc(s.live.Containers, func(c plan.Container) bool { return c.Service == name })
	case "state":
		s.state(s.of(name), args)
	case "made", "started": // so many seconds after the beginning
		seconds, _ := strconv.ParseInt(args[0], 10, 64)
		if at := time.Unix(seconds, 0); verb == "made" {
			s.of(name).Created = at
		} else {
			s.of(name).State.StartedAt = at
		}
	case "rename":
		c := s.of(name)
		c.Name, c.Actual.ContainerName = args[0], args[0]
	case "aside":
		c := s.of(name)
		c.ID, c.Name = c.ID+"-old", c.Name+".replaced"
		c.Actual.ContainerName = c.Name
		s.state(c, args)
	case "new":
		s.live.Containers = append(s.live.Containers, made(s.project, name, s.live.Images))
		s.state(&s.live.Containers[len(s.live.Containers)-1], args)
	case "second":
		c := *s.of(name)
		c.ID, c.Name, c.Published, c.Number = "id-"+args[0], args[0], nil, 2
		if len(args) > 1 {
			c.Number, _ = strconv.Atoi(args[1])
		}
		c.Actual.ContainerName = args[0]
		s.live.Containers = append(s.live.Containers, c)
	case "foreign-name":
		c := s.of(name)
		c.Project, c.Service, c.Applied, c.Number = strings.Join(args, ""), "", nil, 0
		if c.Project == s.project.Name {
			c.Service = "other"
		}
	case "attach", "detach":
		c := s.of(name)
		c.Actual.Networks = maps.Clone(c.Actual.Networks)
		delete(c.Actual.Networks, args[0])
		if verb == "attach" {
			c.Actual.Networks[args[0]] = nil
		}
	case "stray":
		s.stray(name, args)
	case "image":
		s.imageIs(name, args)
	case "volume":
		s.volume(name, args)
	case "network":
		s.network(name, args)
	default:
		s.t.Fatalf("unknown line %q", words)
	}
}

// state reads "exited 137", "running unhealthy" and the like.
func (s *scene) state(c *plan.Container, words []string) {
	c.State = plan.State{Status: words[0]}
	for _, word := range words[1:] {
		if code, err := strconv.Atoi(word); err == nil {
			c.State.ExitCode = code
		} else if word == "oom" {
			c.State.OOMKilled = true
		} else {
			c.State.Health = word
		}
	}
	if words[0] != "running" && words[0] != "paused" {
		c.Published = nil
	}
}

func (s *scene) stray(name string, settings []string) {
	c := plan.Container{ID: "id-" + name, Name: name, State: plan.State{Status: "running"}}
	c.Actual = types.ServiceConfig{ContainerName: name}
	c.Actual.Image = name + ":1"
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		switch key {
		case "network":
			c.Actual.Networks = map[string]*types.ServiceNetworkConfig{value: nil}
		case "publish":
			c.Published = append(c.Published, port(s.t, value))
		case "project":
			c.Project = value
		case "service":
			c.Service = value
		case "host":
			c.Actual.NetworkMode = "host"
		default:
			s.t.Fatalf("stray: unknown setting %q", setting)
		}
	}
	s.live.Containers = append(s.live.Containers, c)
}

func port(t testing.TB, text string) plan.Port {
	address, err := types.ParsePortConfig(text)
	if err != nil || len(address) != 1 {
		t.Fatalf("port %q: %v", text, err)
	}
	published, _ := strconv.Atoi(address[0].Published)
	host, _ := netip.ParseAddr(address[0].HostIP)
	return plan.Port{HostIP: host, Published: uint16(published), Target: uint16(address[0].Target), Protocol: address[0].Protocol}
}

func (s *scene) imageIs(ref string, args []string) {
	switch args[0] {
	case "absent":
		delete(s.live.Images, ref)
	case "moved":
		s.live.Images[ref] = plan.Image{ID: "sha256:0123456789abcdef"}
	}
}

func (s *scene) volume(name string, args []string) {
	volume := s.live.Volumes[name]
	for _, setting := range args {
		key, value, _ := strings.Cut(setting, "=")
		switch key {
		case "absent":
			delete(s.live.Volumes, name)
			return
		case "driver":
			volume.Driver = value
		case "project":
			volume.Labels = map[string]string{plan.LabelProject: value}
		}
	}
	s.live.Volumes[name] = volume
}

func (s *scene) network(name string, args []string) {
	network := s.live.Networks[name]
	for _, setting := range args {
		key, value, _ := strings.Cut(setting, "=")
		switch key {
		case "absent":
			delete(s.live.Networks, name)
			return
		case "driver":
			network.Driver = value
		case "internal":
			network.Internal = true
		case "project":
			network.Labels = map[string]string{plan.LabelProject: value}
		default:
			network.Options[key] = value
		}
	}
	s.live.Networks[name] = network
}

// set changes one path of a service through its JSON; the value "-" takes it away.
func (s *scene) set(service *types.ServiceConfig, path, value string) {
	s.t.Helper()
	encoded, err := json.Marshal(service)
	if err != nil {
		s.t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(encoded, &tree); err != nil {
		s.t.Fatal(err)
	}
	at, words := tree, false
	for {
		head, rest, nested := strings.Cut(path, ".")
		if !nested {
			break
		}
		if at[head] == nil {
			at[head] = map[string]any{}
		}
		at, path = at[head].(map[string]any), rest
		if words = head == "labels" || head == "environment"; words {
			break
		}
	}
	var parsed any
	if words || json.Unmarshal([]byte(value), &parsed) != nil {
		parsed = value
	}
	at[path] = parsed
	if value == "-" {
		delete(at, path)
	}
	encoded, err = json.Marshal(tree)
	if err != nil {
		s.t.Fatal(err)
	}
	*service = types.ServiceConfig{Name: service.Name}
	if err := json.Unmarshal(encoded, service); err != nil {
		s.t.Fatalf("%s = %s: %v", path, value, err)
	}
}
