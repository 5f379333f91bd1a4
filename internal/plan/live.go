package plan

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// Live is what the engine holds that has to do with one stack.
type Live struct {
	Engine Engine
	// Containers are those of the stack, and every other one that is on its networks, holds
	// its ports, bears its names, or is open to the network. In any order.
	Containers []Container
	// Networks and Volumes are by name. Those of other stacks are not in it.
	Networks map[string]Network
	Volumes  map[string]Volume
	// Bridges are the subnets of all bridges of the engine, those of other stacks' too. A
	// machine's own addresses in them are seen by its containers alone.
	Bridges []netip.Prefix
	// Images are by reference as the spec writes it. One that the engine lacks is not in it.
	Images map[string]Image
	// Store is what is known of the secret store.
	Store Store
}

// Store is what is known of the secret store when a plan is made: names alone, no value.
type Store struct {
	// Problem is why it could not be read, so that nobody knows which secrets changed; empty
	// if it was read, or nobody had to.
	Problem string
	// Rotating are the secrets whose rotation was begun and not ended.
	Rotating []string
	// Accepted are those whose new value the running services have taken over already: their
	// containers may be made anew with it.
	Accepted []string
}

// Container is one container as inspection shows it.
type Container struct {
	ID   string
	Name string
	// Project, Service and Number are compose's labels; empty or 0 for others' containers.
	Project string
	Service string
	Number  int
	// Compose has all of compose's labels by the rest of their names, such as "depends_on" or "oneoff".
	Compose map[string]string
	// Applied is what minibot last asked for; nil where minibot did not make the container.
	Applied Fields
	// Secrets are the fingerprints of what it was given, by the secret's name; nil where there
	// are none (see LabelSecrets).
	Secrets Fields
	// Changed names those of them whose value in the store is another one now. An engine cannot
	// know: it is filled in by who can read the store.
	Changed []string
	// Actual is what the container is, in compose's words.
	Actual types.ServiceConfig
	// ImageID is the digest of the image that it was made from.
	ImageID string
	// Created is when it was made, by the engine's clock.
	Created time.Time
	State   State
	// Published lists the ports that the engine publishes now, for a running container.
	Published []Port
	// PublishAll says that every exposed port goes to a free port of all interfaces (-P).
	PublishAll bool
}

// State is how a container is doing.
type State struct {
	// Status is the engine's: created, running, paused, restarting, removing, exited or dead.
	Status string
	// Health is starting, healthy, unhealthy, or "" where there is no healthcheck.
	Health       string
	ExitCode     int
	OOMKilled    bool
	RestartCount int
	// StartedAt is by the engine's clock; the zero time of one that never was.
	StartedAt time.Time
	// Error is what the engine said when it could not start it.
	Error string
}

// Process is one that runs in a container.
type Process struct {
	// UID is the number of its user on the engine's machine; 0 is root.
	UID     int
	Command string
}

// Output is what came of a program that ran in a container beside its own.
type Output struct {
	// Stdout and Stderr are the beginnings of what it wrote.
	Stdout, Stderr string
	Code           int
	// Missing says that the image has no such program.
	Missing bool
	// Killed says that it was not done in time.
	Killed bool
}

// Limits are what the kernel holds a container to.
type Limits struct {
	// Memory is in bytes. Without a limit it is all that the machine has, or more.
	Memory uint64
	// Pids is how many processes there may be; 0 is no limit, or not known.
	Pids uint64
}

// up reports whether processes of the container are there: it holds its ports, and must be
// stopped before its successor starts.
func (s State) up() bool {
	return s.Status == "running" || s.Status == "paused" || s.Status == "restarting"
}

// works reports whether nothing speaks against the container.
func (s State) works() bool {
	return (s.Status == "running" || s.Status == "paused") && s.Health != "unhealthy"
}

// Port is one published port.
type Port struct {
	// HostIP is the zero Addr where the engine names no address: all interfaces.
	HostIP    netip.Addr
	Published uint16
	Target    uint16
	Protocol  string
}

// String writes the port in compose's short form.
func (p Port) String() string {
	text := ""
	if p.HostIP.IsValid() {
		text = p.HostIP.String() + ":"
		if p.HostIP.Is6() {
			text = "[" + p.HostIP.String() + "]:"
		}
	}
	text += strconv.Itoa(int(p.Published)) + ":" + strconv.Itoa(int(p.Target))
	if p.Protocol != "" && p.Protocol != "tcp" {
		text += "/" + p.Protocol
	}
	return text
}

// Network is one network of the engine.
type Network struct {
	Name     string
	ID       string
	Driver   string
	Scope    string
	Internal bool
	Options  map[string]string
	Subnets  []netip.Prefix
	Labels   map[string]string
}

// Volume is one named volume of the engine.
type Volume struct {
	Name   string
	Driver string
	Labels map[string]string
}

// Image is one image that the engine has.
type Image struct {
	ID string
	// Defaults are what the image itself sets: environment, command, healthcheck and so on.
	Defaults types.ServiceConfig
	// Volumes are paths that the image declares as volumes.
	Volumes []string
}

// Labels by which compose knows its containers, networks and volumes.
const (
	LabelPrefix    = "com.docker.compose."
	LabelProject   = "com.docker.compose.project"
	LabelService   = "com.docker.compose.service"
	LabelNumber    = "com.docker.compose.container-number"
	LabelOneOff    = "com.docker.compose.oneoff"
	LabelHash      = "com.docker.compose.config-hash"
	LabelImage     = "com.docker.compose.image"
	LabelDependsOn = "com.docker.compose.depends_on"
	LabelNetwork   = "com.docker.compose.network"
	LabelVolume    = "com.docker.compose.volume"
	LabelVersion   = "com.docker.compose.version"
	// LabelApplied holds what minibot last asked for, as JSON (see Fields).
	LabelApplied = "dev.minibot.applied"
	// LabelSecrets holds the fingerprints of the secrets that a container was given, as
	// JSON, name: fingerprint. Without the store's key nobody can test a guess with one.
	LabelSecrets = "dev.minibot.secrets"
	// LabelFiles marks a volume that holds only the files of one service, which minibot
	// writes anew with each container: it has no data of its own.
	LabelFiles = "dev.minibot.files"
)

// replacedSuffix ends the name of a container that was put aside for its successor.
const replacedSuffix = ".replaced"

// Own reports whether the container is the one that stands for its service in the stack:
// not a second one, and not one that was put aside.
func (c Container) Own(project *types.Project, service types.ServiceConfig) bool {
	return c.Project == project.Name && c.Service == service.Name && c.Name == containerName(project, service)
}

// byName sorts containers, so that nothing depends on the order in which they were seen.
func byName(containers []Container) []Container {
	return slices.SortedFunc(slices.Values(containers), func(a, b Container) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}

// containerName is the name of a service's container, as compose makes it.
func containerName(project *types.Project, service types.ServiceConfig) string {
	if service.ContainerName != "" {
		return service.ContainerName
	}
	return project.Name + "-" + service.Name + "-1"
}
