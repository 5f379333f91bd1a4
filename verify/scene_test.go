package verify_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"gopkg.in/yaml.v3"

	"minibot/internal/host"
	"minibot/internal/plan"
	"minibot/internal/probe"
	"minibot/internal/secret"
	"minibot/render"
	"minibot/spec"
	"minibot/verify"
)

// A scene is a machine that is exactly what its spec asks for, and then what a case
// changes about it, a line each (those in [] may be left out; YAML is one line, like {a: 1}):
//
//	service NAME YAML          the container, in compose's words, changed behind minibot's back
//	was NAME YAML              the same, when the spec asked for it
//	state NAME YAML            status, health, exitcode, oomkilled, restartcount, error
//	gone NAME                  the service has no container
//	copy NAME CONTAINER        it has a second one
//	stray NAME YAML            a container that the spec does not know, in compose's words
//	container NAME YAML        project, service, imageid, published, publishall
//	publish NAME [only] PORT   asked for and published, as docker run -p; only: in place of all others
//	asks NAME [only] PORT      asked for and not published
//	unpublish NAME             asked for as before, and not published
//	network NAME YAML|gone     driver, scope, internal, options, labels
//	image REF ID|gone          what the tag names now
//	machine linux|root         it is a Linux machine, or verified by root; else it is a Mac, and its user's
//	run COMMAND => TEXT        what a program of the machine says; =! STATUS TEXT: how it fails
//	file PATH => TEXT          a file of the machine; or gone, or unreadable
//	interface NAME ADDRESS...  one more
//	listener ADDR:PORT [NAME]  one more, of that process; or unreadable
//	owner PORT [NAME]          the process that listens at a port of the stack; none: nobody does
//	address none|unreadable    of this machine; else it is 192.168.1.20
//	firewall off|unreadable    of a Mac
//	engine unreachable|remote|YAML
//	endpoint URL               where minibot asks it
//	bridge SUBNET              one more bridge of the engine
//	reach [SERVICE>]ADDR:PORT connected|filtered|refused|no-name|error; SERVICE>: from inside of it
//	secure SERVICE>ADDR:PORT no-name|refused|silent|untrusted|error
//	ask [SERVICE>]ADDR:PORT[/USER/DATABASE] open|weak|starting|busy|locked-out|unknown|refused
//	process SERVICE UID TEXT   one more that runs in its container; or unreadable
//	inspection SERVICE unreadable
//	kernel SERVICE YAML        memory and pids to which it is held; or unreadable
//	tools SERVICE none         its image has no program to dial with
//	offline                    verify --offline
//	login [wrong] ADDR:PORT[/ws] rejects|open|error
//	get URL STATUS [BODY]|refused|error
//	talk ADDR:PORT/PATH silent|refused|error
//	secret NAME missing|is TEXT
//	rules SERVICE TEXT, ...    of PostgreSQL, each TYPE [ADDRESS] METHOD; or may-not, or error
//	run-inside SERVICE TEXT    what a program in its container prints; or missing, killed, error
//	active-auth                verify --active-auth
type scene struct {
	t       *testing.T
	subject verify.Subject

	computer *computer
	reaches  map[string]string
	answers  map[string]string
	logins   map[string]string
	gets     map[string]string
	missing  map[string]bool
	values   map[string]string // of secrets
	toolless map[string]bool
	more     map[string]*seenInside // by service

	mu    sync.Mutex
	asked map[string]bool // address: nobody was let in
	tries map[string]int
}

// bridgeOfScenes is the interface of the stack's network.
const bridgeOfScenes = "br-9ad9bd149ff4"

func parse(t *testing.T, src string) *spec.Stack {
	t.Helper()
	stack, diags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return stack
}

// newScene builds the machine that the spec asks for.
func newScene(t *testing.T, src string) *scene {
	t.Helper()
	stack := parse(t, src)
	project, _, err := render.Project(stack)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{
		t: t, subject: verify.Subject{Stack: stack, Project: project, Live: liveAs(project), Local: true, Endpoint: "unix:///var/run/docker.sock", Now: time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)},
		computer: newMac(stack.Remote("ssh") != nil), reaches: map[string]string{}, answers: map[string]string{}, logins: map[string]string{}, gets: map[string]string{},
		missing: map[string]bool{}, values: map[string]string{}, toolless: map[string]bool{}, more: map[string]*seenInside{}, asked: map[string]bool{}, tries: map[string]int{},
	}
	s.subject.Prober, s.subject.Inside, s.subject.Containers, s.subject.Secret = s, s, s, s.secret
	for _, service := range stack.Services {
		for _, bind := range service.Binds {
			addr := netip.AddrPortFrom(netip.MustParseAddr(bind.HostIP), uint16(bind.Published))
			s.computer.listeners = append(s.computer.listeners, host.Listener{Protocol: bind.Protocol, Addr: addr, PID: 900, Process: "com.docker.backend"})
		}
	}
	return s
}

// liveAs is what the engine holds when all is as the file asks.
func liveAs(project *types.Project) plan.Live {
	live := plan.Live{
		Engine: plan.Engine{
			Version: "29.8.1", API: "1.56", OperatingSystem: "Docker Desktop", Name: "docker-desktop", Platform: "Docker Desktop 4.44.3 (202357)", Runc: "1.2.8", Data: "/var/lib/docker",
			Memory: 8 << 30, Security: []string{"name=seccomp,profile=unconfined"}, InsecureRegistries: []netip.Prefix{netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("127.0.0.0/8")},
		},
		Networks: map[string]plan.Network{}, Volumes: map[string]plan.Volume{}, Images: map[string]plan.Image{},
	}
	labels := map[string]string{plan.LabelProject: project.Name}
	for _, n := range project.Networks {
		options := map[string]string{}
		for name, value := range n.DriverOpts {
			options[name] = value
		}
		live.Networks[n.Name] = plan.Network{
			Name: n.Name, ID: strings.TrimPrefix(bridgeOfScenes, "br-"), Driver: n.Driver, Scope: "local", Internal: n.Internal, Options: options, Labels: labels,
			Subnets: []netip.Prefix{netip.MustParsePrefix("172.30.0.0/24")},
		}
	}
	for _, v := range project.Volumes {
		live.Volumes[v.Name] = plan.Volume{Name: v.Name, Driver: "local", Labels: labels}
	}
	applied := plan.Desired(project)
	for _, name := range project.ServiceNames() {
		service := project.Services[name]
		image := plan.Image{ID: fmt.Sprintf("sha256:%x", service.Image)}
		live.Images[service.Image], live.Images[image.ID] = image, image
		container := plan.Container{
			ID: "id-" + service.ContainerName, Name: service.ContainerName, Project: project.Name, Service: name, Number: 1,
			Applied: applied[name], Actual: actual(project, service), ImageID: image.ID,
			State: plan.State{Status: "running"}, Published: plan.Ports(service),
		}
		if service.HealthCheck != nil && !service.HealthCheck.Disable {
			container.State.Health = "healthy"
		}
		live.Containers = append(live.Containers, container)
	}
	return live
}

// actual is a service as inspection shows it: with the engine's names and defaults.
func actual(project *types.Project, service types.ServiceConfig) types.ServiceConfig {
	networks := map[string]*types.ServiceNetworkConfig{}
	for key := range service.Networks {
		networks[project.Networks[key].Name] = nil
	}
	service.Networks = networks
	service.Volumes = slices.Clone(service.Volumes)
	for i, volume := range service.Volumes {
		if volume.Type == types.VolumeTypeVolume {
			service.Volumes[i].Source = project.Volumes[volume.Source].Name
		}
	}
	if service.ShmSize == 0 {
		service.ShmSize = 64 << 20
	}
	service.DependsOn, service.Secrets, service.Configs = nil, nil, nil
	return service
}

// play changes the machine as the lines say.
func (s *scene) play(lines string) {
	s.t.Helper()
	for _, line := range strings.Split(lines, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verb, rest, _ := strings.Cut(line, " ")
		name, arg, _ := strings.Cut(rest, " ")
		if err := s.change(verb, name, arg); err != nil {
			s.t.Fatalf("%s: %v", line, err)
		}
	}
	s.subject.Machine = s.computer.machine()
	if s.subject.Unseen != nil {
		s.subject.Live = plan.Live{}
		return
	}
	slices.Reverse(s.subject.Live.Containers) // they come in any order
	s.subject.Plan = plan.Diff(s.subject.Project, s.subject.Live)
}

func (s *scene) change(verb, name, arg string) error {
	live := &s.subject.Live
	switch verb {
	case "service", "was", "state", "gone", "copy", "container", "publish", "asks", "unpublish":
		return s.changeContainer(verb, name, arg)
	case "stray":
		stray := plan.Container{ID: "id-" + name, Name: name, State: plan.State{Status: "running"}, Actual: types.ServiceConfig{ContainerName: name}}
		err := patch(&stray.Actual, arg)
		live.Containers = append(live.Containers, stray)
		return err
	case "network":
		if arg == "gone" {
			delete(live.Networks, name)
			return nil
		}
		network := live.Networks[name]
		network.Name = name
		err := patch(&network, arg)
		live.Networks[name] = network
		return err
	case "image":
		delete(live.Images, name)
		if arg != "gone" {
			live.Images[name] = plan.Image{ID: arg}
		}
	case "machine":
		s.computer.root = s.computer.root || name == "root"
		if name == "linux" {
			s.computer.becomeLinux()
			live.Engine.OperatingSystem, live.Engine.Name, live.Engine.Platform = "Debian GNU/Linux 12 (bookworm)", "mini", ""
			live.Engine.Security = []string{"name=seccomp,profile=default"}
			for i := range s.computer.listeners {
				s.computer.listeners[i].Process = "docker-proxy"
			}
		}
	case "run", "file", "interface", "listener", "owner", "address", "firewall":
		return s.computer.change(verb, strings.TrimSpace(name+" "+arg))
	case "engine":
		if strings.HasPrefix(name, "{") {
			return patch(&live.Engine, name+" "+arg)
		}
		s.subject.Local = name != "remote"
		if name == "unreachable" {
			s.subject.Unseen = errors.New("cannot connect to the Docker Engine at unix:///var/run/docker.sock")
		}
	case "endpoint":
		s.subject.Endpoint = name
	case "bridge":
		live.Bridges = append(live.Bridges, netip.MustParsePrefix(name))
	case "reach", "secure":
		s.reaches[name] = arg
	case "process", "kernel", "inspection":
		return s.changeInside(verb, name, arg)
	case "tools":
		s.toolless[name] = true
	case "offline":
		s.subject.Offline = true
	case "ask":
		s.answers[name] = arg
	case "login":
		if name == "wrong" { // a password that is made up
			name, arg, _ = strings.Cut(arg, " ")
			name = "wrong " + name
		}
		s.logins[name] = arg
	case "get", "talk":
		s.gets[name] = arg
	case "secret":
		value, given := strings.CutPrefix(arg, "is ")
		if given {
			s.values[name] = value
		}
		s.missing[name] = !given
	case "rules", "run-inside":
		s.gets[verb+" "+name] = arg
	case "active-auth":
		s.subject.ActiveAuth = true
	default:
		return errors.New("no such line")
	}
	return nil
}

func (s *scene) changeContainer(verb, name, arg string) error {
	live := &s.subject.Live
	i := slices.IndexFunc(live.Containers, func(c plan.Container) bool { return c.Service == name || c.Service == "" && c.Name == name })
	if i < 0 {
		return errors.New("no such container")
	}
	c := &live.Containers[i]
	switch verb {
	case "service":
		return patch(&c.Actual, arg)
	case "was":
		err := patch(&c.Actual, arg)
		for path, values := range plan.FieldsOf(c.Actual) {
			c.Applied[path] = values
		}
		return err
	case "state":
		if err := patch(&c.State, arg); err != nil {
			return err
		}
		if c.State.Status != "running" {
			c.Published, c.State.Health = nil, ""
		}
	case "gone":
		live.Containers = slices.Delete(live.Containers, i, i+1)
	case "copy":
		second := *c
		second.ID, second.Name, second.Published, second.Actual.Ports = "id-"+arg, arg, nil, nil
		live.Containers = append(live.Containers, second)
	case "container":
		return patch(c, arg)
	case "unpublish":
		c.Published = nil
	case "publish", "asks":
		if only, ok := strings.CutPrefix(arg, "only "); ok {
			c.Published, c.Actual.Ports, arg = nil, nil, only
		}
		port, err := parsePort(arg)
		config := types.ServicePortConfig{Published: strconv.Itoa(int(port.Published)), Target: uint32(port.Target), Protocol: port.Protocol}
		if port.HostIP.IsValid() {
			config.HostIP = port.HostIP.String()
		}
		c.Actual.Ports = append(slices.Clone(c.Actual.Ports), config)
		if verb == "publish" {
			c.Published = append(slices.Clone(c.Published), port)
		}
		return err
	}
	return nil
}

// parsePort reads [ADDR:]PUBLISHED:TARGET.
func parsePort(text string) (plan.Port, error) {
	port := plan.Port{Protocol: "tcp"}
	front, target, _ := strings.Cut(text, ":")
	if i := strings.LastIndex(text, ":"); i >= 0 {
		front, target = text[:i], text[i+1:]
	}
	published := front
	if i := strings.LastIndex(front, ":"); i >= 0 {
		addr, err := netip.ParseAddr(strings.Trim(front[:i], "[]"))
		if err != nil {
			return port, err
		}
		port.HostIP, published = addr, front[i+1:]
	}
	p, err := strconv.ParseUint(published, 10, 16)
	q, err2 := strconv.ParseUint(target, 10, 16)
	port.Published, port.Target = uint16(p), uint16(q)
	return port, errors.Join(err, err2)
}

// patch sets the fields that a line of YAML names, and leaves the others.
func patch(target any, text string) error {
	var fields any
	if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
		return err
	}
	encoded, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return json.Unmarshal(encoded, target)
}

// What answers at the doors of the scene's machine.

// key is an address as a line names it: with the service from inside of which it is meant.
func (s *scene) key(from, addr string) string {
	for _, c := range s.subject.Live.Containers {
		if c.ID == from {
			return c.Service + ">" + addr
		}
	}
	if from != "" {
		s.t.Errorf("no container %s to look from", from)
	}
	return addr
}

func (s *scene) Dialer(_ context.Context, container string) (probe.Dialer, error) {
	if s.toolless[strings.TrimSuffix(s.key(container, ""), ">")] {
		return nil, errors.New("its image has no program that can make a connection")
	}
	return nil, nil // the scene's own probes do not dial
}

func (s *scene) Reach(_ context.Context, from, addr string) (probe.Reach, error) {
	switch how := s.reaches[s.key(from, addr)]; {
	case how == "error":
		return "", fmt.Errorf("dial %s: no route to host", addr)
	case how == "no-name":
		return "", fmt.Errorf("dial %s: %w", addr, &net.DNSError{Err: "no such host", IsNotFound: true})
	case how != "":
		return probe.Reach(how), nil
	case from != "", slices.ContainsFunc(s.computer.listeners, func(l host.Listener) bool { return l.Addr.String() == addr }):
		return probe.Connected, nil
	}
	return probe.Refused, nil
}

func (s *scene) Secure(_ context.Context, from, addr string) (string, error) {
	if how := s.reaches[s.key(from, addr)]; how != "" {
		return "", map[string]error{
			"no-name":   &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}},
			"refused":   &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
			"silent":    fmt.Errorf("no answer in time: %w", context.DeadlineExceeded),
			"untrusted": fmt.Errorf("%w: x509: certificate signed by unknown authority", probe.ErrHandshake),
			"error":     errors.New("the program in the container has ended"),
		}[how]
	}
	return "TLS 1.3", nil
}

var askErrors = map[string]error{
	"starting": probe.ErrStarting, "busy": probe.ErrBusy, "locked-out": probe.ErrRateLimited, "unknown": probe.ErrUnknownReply,
	"refused": syscall.ECONNREFUSED,
}

func (s *scene) Ask(_ context.Context, d verify.Door) (probe.Answer, error) {
	addr := s.key(d.From, d.Addr) + socketOf(d)
	if d.Kind == "postgres" {
		database := d.Database
		if d.Replication {
			database = "replication"
		}
		if how := s.answers[addr]; how == "" {
			addr += "/" + d.User + "/" + database
		}
	}
	how := s.answers[addr]
	s.mu.Lock()
	defer s.mu.Unlock()
	door := s.key(d.From, d.Addr) + socketOf(d)
	before, again := s.asked[door]
	s.asked[door] = (how == "" || how == "weak") && (before || !again)
	switch {
	case askErrors[how] != nil:
		return probe.Answer{}, fmt.Errorf("%s: %w", d.Kind, askErrors[how])
	case how == "":
		return probe.Answer{State: probe.Refuses, Detail: "asks for a password"}, nil
	}
	return probe.Answer{State: probe.State(how), Detail: map[string]string{"open": "lets a stranger in", "weak": "keeps strangers out by weak means"}[how]}, nil
}

// Login also holds verify to its promises: no secret to a server that has let a stranger
// in, and never more than one try.
func (s *scene) Login(_ context.Context, d verify.Door, password secret.Value) (probe.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	addr := d.Addr + socketOf(d)
	if !s.asked[addr] {
		s.t.Errorf("login at %s before a stranger was turned away there", addr)
	}
	if !strings.HasPrefix(string(password.Reveal()), theSecret) && len(s.values) == 0 {
		if !d.Socket || !s.subject.ActiveAuth || s.logins["wrong "+addr] == "tried" {
			s.t.Errorf("login at %s with another secret", addr)
		}
		s.logins["wrong "+addr] = cmp.Or(s.logins["wrong "+addr], "tried")
		if s.logins["wrong "+addr] == "accepts" {
			return probe.Answer{State: probe.Accepts, Detail: "the password is accepted"}, nil
		}
		return probe.Answer{State: probe.Rejects, Detail: "the password is wrong"}, nil
	}
	most := 1
	if d.Socket && s.subject.ActiveAuth {
		most = 2 // the right one, for two checks
	}
	if s.tries[addr]++; s.tries[addr] > most {
		s.t.Errorf("%d logins at %s", s.tries[addr], addr)
	}
	switch how := s.logins[addr]; how {
	case "":
		return probe.Answer{State: probe.Accepts, Detail: "the password is accepted"}, nil
	case "error":
		return probe.Answer{}, fmt.Errorf("%s login: no answer in time: %w", d.Kind, context.DeadlineExceeded)
	default:
		return probe.Answer{State: probe.State(how), Detail: map[string]string{"rejects": "the password is wrong", "open": "no password is set"}[how]}, nil
	}
}

func (s *scene) Get(_ context.Context, url string) (probe.Response, error) {
	switch how := s.gets[url]; how {
	case "":
		return probe.Response{Status: 200, Body: []byte(`{"ok":true,"status":"all is well"}`)}, nil
	case "refused":
		return probe.Response{}, fmt.Errorf("http: %w", syscall.ECONNREFUSED)
	case "error":
		return probe.Response{}, errors.New("http: no answer in time")
	default:
		status, body, _ := strings.Cut(how, " ")
		n, err := strconv.Atoi(status)
		return probe.Response{Status: n, Body: []byte(body)}, err
	}
}

func (s *scene) Talk(_ context.Context, addr, path, _ string, _ *regexp.Regexp) (bool, error) {
	switch how := s.gets[addr+path]; how {
	case "":
		return true, nil
	case "silent":
		return false, nil
	case "refused":
		return false, fmt.Errorf("ws: %w", syscall.ECONNREFUSED)
	}
	return false, fmt.Errorf("ws: %w: status 404 to a WebSocket handshake", probe.ErrUnknownReply)
}

// theSecret begins every secret's value; no report may show it.
const theSecret = "hunter2-"

func (s *scene) secret(_ context.Context, name string) (secret.Value, error) {
	if s.missing[name] {
		return secret.Value{}, &secret.Error{Store: "keychain", Name: name, Kind: secret.ErrLocked, Remedy: "run `security unlock-keychain`"}
	}
	return secret.NewValue([]byte(cmp.Or(s.values[name], theSecret+name+"-0123456789abcdef"))), nil
}
