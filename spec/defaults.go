package spec

import (
	"cmp"
	"net/netip"
	"path"
	"slices"
	"strings"
)

// Defaults that minibot writes out, so that the rendered file says all that holds.
const (
	// DefaultHostIP is where ports are published: only this machine reaches it.
	DefaultHostIP = "127.0.0.1"
	// DefaultPids bounds processes and threads of a container (CIS Docker Benchmark 5.29).
	DefaultPids = 256
	// DefaultRestart brings services back after a crash and after a reboot.
	DefaultRestart = "unless-stopped"
	// DefaultFileMode lets only the owner read a file block or a secret.
	DefaultFileMode = "0400"
	// DefaultCore is how large a core dump may be, in bytes, as the soft and the hard ulimit:
	// one would leave the process's memory, and the secrets in it, in the container's layer.
	DefaultCore = 0
	// DefaultMinEngine is the first engine on Linux that lets no neighbour on the LAN past 127.0.0.1, whatever reloads
	// firewalld (CVE-2025-54388).
	DefaultMinEngine = "28.3.3"
)

// setDefaults completes the stack, so that nobody after the parser has to know a default.
func (d *decoder) setDefaults() {
	for _, service := range d.stack.Services {
		d.serviceDefaults(service)
	}
	if h := d.stack.Host; h != nil {
		h.Stealth = cmp.Or(h.Stealth, &h.Firewall)
		h.DiskEncryption, h.Updates = cmp.Or(h.DiskEncryption, new(true)), cmp.Or(h.Updates, new(true))
		if h.MinEngineRange.Empty() {
			h.MinEngine = DefaultMinEngine
		}
	}
	for _, remote := range d.stack.Remotes {
		remote.Required = cmp.Or(remote.Required, new(true))
	}
}

func (d *decoder) serviceDefaults(s *Service) {
	if s.ContainerName == "" {
		s.ContainerName = d.stack.Name + "-" + s.Name
		s.ContainerNameRange = s.NameRange
	}
	if s.Networks == nil && len(d.stack.Networks) == 1 {
		s.Networks = []string{d.stack.Networks[0].Name}
		s.NetworksRange = s.NameRange
	}
	if s.CapDrop == nil {
		s.CapDrop = []string{"ALL"}
	}
	if s.Restart == "" {
		s.Restart = DefaultRestart
	}
	if s.Logging == nil {
		s.Logging = &Logging{Driver: "json-file", Options: map[string]string{"max-size": "10m", "max-file": "3"}}
	}
	if s.Limits != nil && s.Limits.Pids == 0 && s.Limits.PidsRange.Empty() {
		s.Limits.Pids = DefaultPids
	}
	for _, bind := range s.Binds {
		if bind.Published == 0 && bind.PublishedRange.Empty() {
			bind.Published, bind.PublishedRange = bind.Port, bind.PortRange
		}
		if bind.HostIP == "" && bind.HostIPRange.Empty() {
			bind.HostIP = DefaultHostIP
		} else if address, err := netip.ParseAddr(bind.HostIP); err == nil {
			bind.HostIP = address.String()
		}
		if bind.Protocol == "" {
			bind.Protocol = "tcp"
		}
	}
	for _, file := range s.Files {
		uid, gid := s.Owner()
		file.UID, file.GID = cmp.Or(file.UID, &uid), cmp.Or(file.GID, &gid)
		if file.Mode == "" {
			file.Mode = DefaultFileMode
		}
	}
	for _, dependency := range s.DependsOn {
		if dependency.Condition != "" {
			continue
		}
		dependency.Condition = "service_started"
		if other := d.stack.Service(dependency.Service); other != nil && other.tellsHealth() {
			dependency.Condition = "service_healthy"
		}
	}
	cleanPaths(s)
	for _, probe := range s.Probes {
		if probe.Path == "" {
			probe.Path = "/"
		}
		if probe.Timeout == "" {
			probe.Timeout = defaultProbeTime
		}
		if probe.Status == nil {
			probe.Status = []int{200}
		}
	}
	for _, ulimit := range s.Ulimits {
		if ulimit.Hard == nil {
			ulimit.Hard = &ulimit.Soft
		}
	}
	if !slices.ContainsFunc(s.Ulimits, func(u *Ulimit) bool { return u.Name == "core" }) {
		core := int64(DefaultCore)
		s.Ulimits = append(s.Ulimits, &Ulimit{Name: "core", Soft: core, Hard: &core})
	}
}

// cleanPaths writes every path the short way, so that what is checked is what is mounted.
func cleanPaths(s *Service) {
	for _, volume := range s.Volumes {
		volume.Target = clean(volume.Target)
	}
	for _, mount := range s.Mounts {
		mount.Source, mount.Target = clean(mount.Source), clean(mount.Target)
	}
	for _, file := range s.Files {
		file.Target = clean(file.Target)
	}
	for i, entry := range s.Tmpfs {
		dir, options, found := strings.Cut(entry, ":")
		if s.Tmpfs[i] = clean(dir); found {
			s.Tmpfs[i] += ":" + options
		}
	}
}

func clean(p string) string {
	if !path.IsAbs(p) {
		return p
	}
	return path.Clean(p)
}
