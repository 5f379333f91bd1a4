package host

import (
	"slices"
	"strings"
)

// Kind is a container runtime: what stands between a container's published port and the machine.
type Kind string

const (
	DockerDesktop  Kind = "docker-desktop"
	OrbStack       Kind = "orbstack"
	Colima         Kind = "colima"
	Lima           Kind = "lima"
	RancherDesktop Kind = "rancher-desktop"
	LinuxEngine    Kind = "linux-engine" // dockerd on the Linux that answered: this machine, or a remote one
	UnknownRuntime Kind = "unknown"
)

// Title is the runtime's name for people.
func (k Kind) Title() string {
	titles := map[Kind]string{
		DockerDesktop: "Docker Desktop", OrbStack: "OrbStack", Colima: "Colima", Lima: "Lima", RancherDesktop: "Rancher Desktop",
		LinuxEngine: "Docker Engine", UnknownRuntime: "an engine that does not say what it is",
	}
	return titles[k]
}

// VM tells whether the containers' bridge lies in a virtual machine, so that a neighbour on the LAN cannot send
// packets to it. A Colima whose network is bridged is on the LAN all the same.
func (k Kind) VM() bool {
	switch k {
	case DockerDesktop, OrbStack, Colima, Lima, RancherDesktop:
		return true
	}
	return false
}

// Runtime tells the kind from what the engine's /info calls OperatingSystem and Name (facts/network-security.md
// §2.1). Docker Desktop and OrbStack name themselves; Colima and Lima are only known by their machine's
// name, so a Linux host that is called "colima" passes for one.
func Runtime(operatingSystem, name string) Kind {
	operatingSystem, name = strings.ToLower(strings.TrimSpace(operatingSystem)), strings.ToLower(strings.TrimSpace(name))
	switch {
	case operatingSystem == "docker desktop":
		return DockerDesktop
	case operatingSystem == "orbstack":
		return OrbStack
	case strings.HasPrefix(operatingSystem, "rancher desktop"), name == "lima-rancher-desktop":
		return RancherDesktop
	case name == "colima", strings.HasPrefix(name, "colima-"):
		return Colima
	case strings.HasPrefix(name, "lima-"):
		return Lima
	case operatingSystem == "":
		return UnknownRuntime
	}
	return LinuxEngine
}

// forwarders are the programs that listen for a runtime on the ports that its containers publish; from
// facts/network-security.md §2.1. Linux keeps 15 characters of a name, and lsof may keep 9.
var forwarders = map[Kind][]string{
	DockerDesktop:  {"com.docker.backend", "com.docker.vpnkit", "vpnkit-bridge"},
	OrbStack:       {"OrbStack Helper", "OrbStack"},
	Colima:         {"limactl", "ssh", "colima"},
	Lima:           {"limactl", "ssh"},
	RancherDesktop: {"limactl", "ssh", "Rancher Desktop", "rancher-desktop-guestagent", "host-switch"},
	LinuxEngine:    {"docker-proxy", "dockerd", "rootlesskit", "rootlesskit-docker-proxy", "slirp4netns"},
}

// Forwards tells whether a process of that name is the runtime's own, which listens for its containers.
func (k Kind) Forwards(process string) bool {
	const shortest = 9
	return slices.ContainsFunc(forwarders[k], func(name string) bool {
		return name == process || len(process) >= shortest && strings.HasPrefix(name, process)
	})
}
