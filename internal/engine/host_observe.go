package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/go-connections/nat"
)

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
	for _, request := range r.DeviceRequests { // compose has gpus; here it is one device more
		service.Devices = append(service.Devices, types.DeviceMapping{Source: cmp.Or(request.Driver, "gpu"), Target: "request"})
	}
	service.DeviceCgroupRules = r.DeviceCgroupRules
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
			if m.Propagation != mount.PropagationRPrivate { // the engine's default
				v.Bind.Propagation = string(m.Propagation)
			}
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
