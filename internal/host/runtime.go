package host

import "strings"

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
