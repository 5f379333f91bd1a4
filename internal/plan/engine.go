package plan

import "net/netip"

// Engine tells which engine it was, and what it says of itself. What an engine is too old to say is empty.
type Engine struct {
	// Version is the engine's, such as "28.5.2"; API the version negotiated, such as "1.51".
	Version string
	API     string
	// OperatingSystem is what the engine says it runs on, such as "Docker Desktop", and Name the name of that machine,
	// such as "colima".
	OperatingSystem string
	Name            string
	// Platform is the product that the engine is a part of, such as "Docker Desktop 4.44.3 (202357)".
	Platform string
	// Runc is the version of the program that starts containers.
	Runc string
	// Data is the folder where it keeps images, containers and volumes.
	Data string
	// Memory is how much the engine's machine has, in bytes.
	Memory int64
	// Warnings are the engine's own, such as that its API is open to the network.
	Warnings []string
	// Firewall is how it filters packets: "iptables", "nftables", each maybe with "+firewalld". From API 1.49 on.
	Firewall string
	// Security lists what keeps containers in, such as "name=seccomp,profile=default" and "name=rootless".
	Security []string
	// InsecureRegistries are networks and names from which images are fetched without checking who answers.
	InsecureRegistries []netip.Prefix
	InsecureHosts      []string
	// Swarm says that it is part of a swarm.
	Swarm bool
}
