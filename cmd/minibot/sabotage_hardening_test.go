package main

import (
	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-units"
)

// hardeningSabotages take guards down by a container that is made a little differently.
var hardeningSabotages = []sabotage{
	{
		name: "privileged twin", check: "hard.privileged", culprit: "STACK-redis is privileged",
		does: twin("redis", func(m *made) { m.Host.Privileged = true }),
	},
	{
		name: "capability that owns the machine", check: "hard.caps", culprit: "STACK-redis has SYS_ADMIN",
		does: twin("redis", func(m *made) { m.Host.CapAdd = []string{"SYS_ADMIN"} }),
	},
	{
		name: "harmless-looking capability", check: "hard.caps", culprit: "STACK-redis has NET_RAW",
		does: twin("redis", func(m *made) { m.Host.CapAdd = []string{"CAP_NET_RAW"} }),
	},
	{
		name: "capabilities kept", check: "hard.caps", culprit: "STACK-redis has not dropped ALL",
		does: twin("redis", func(m *made) { m.Host.CapDrop = nil }),
	},
	{
		name: "no-new-privileges lost", check: "hard.no-new-privileges", culprit: "STACK-redis",
		does: twin("redis", func(m *made) { m.Host.SecurityOpt = nil }),
	},
	{
		name: "seccomp unconfined", check: "hard.seccomp-apparmor", culprit: "seccomp",
		does: twin("redis", func(m *made) { m.Host.SecurityOpt = append(m.Host.SecurityOpt, "seccomp=unconfined") }),
	},
	{
		name: "AppArmor unconfined", check: "hard.seccomp-apparmor", culprit: "STACK-redis",
		does: twin("redis", func(m *made) { m.Host.SecurityOpt = append(m.Host.SecurityOpt, "apparmor=unconfined") }),
	},
	{
		name: "docker.sock mounted", check: "hard.docker-sock", culprit: "STACK-redis mounts /var/run/docker.sock",
		does: twin("redis", func(m *made) { m.Host.Binds = []string{"/var/run/docker.sock:/var/run/docker.sock"} }),
	},
	{
		name: "docker.sock mounted by its folder", check: "hard.docker-sock", culprit: "STACK-redis mounts /run of the host",
		does: twin("redis", func(m *made) { m.Host.Binds = []string{"/run:/host:ro"} }),
	},
	{
		name: "the whole disk mounted", check: "hard.docker-sock", culprit: "STACK-redis mounts / of the host",
		does: twin("redis", func(m *made) { m.Host.Binds = []string{"/:/host:ro"} }),
	},
	{
		name: "/etc mounted", check: "hard.mounts.sensitive", culprit: "STACK-redis mounts /etc",
		does: twin("redis", func(m *made) { m.Host.Binds = []string{"/etc:/host:ro"} }),
	},
	{
		name: "root's home mounted", check: "hard.mounts.sensitive", culprit: "STACK-redis mounts /root",
		does: twin("redis", func(m *made) { m.Host.Binds = []string{"/root:/host"} }),
	},
	{
		name: "device rule", check: "hard.devices", culprit: "STACK-redis",
		does: twin("redis", func(m *made) { m.Host.DeviceCgroupRules = []string{"c 1:11 r"} }),
	},
	{
		name: "cgroup of another", check: "hard.ns", culprit: "STACK-redis",
		does: twin("redis", func(m *made) { m.Host.CgroupParent = "/elsewhere" }),
	},
	{
		name: "root file system writable", check: "hard.readonly-root", culprit: "STACK-redis can write",
		does: twin("redis", func(m *made) { m.Host.ReadonlyRootfs = false }),
	},
	{
		name: "root", check: "hard.user", culprit: "STACK-redis",
		does: twin("redis", func(m *made) {
			m.User, m.Host.CapDrop = "0:0", nil // without any capability it could not read its configuration
			m.Entrypoint = []string{}
		}),
	},
	{
		name: "processes of the host", check: "hard.ns", culprit: "STACK-redis",
		does: twin("redis", func(m *made) { m.Host.PidMode = "host" }),
	},
	{
		name: "shared memory of the host", check: "hard.ns", culprit: "STACK-redis",
		does: twin("redis", func(m *made) { m.Host.IpcMode = "host" }),
	},
	{
		name: "host name of the host", check: "hard.ns", culprit: "STACK-redis",
		does: twin("redis", func(m *made) { m.Host.UTSMode = "host" }),
	},
	{
		name: "users of the host", check: "hard.ns", culprit: "STACK-redis",
		does: twin("redis", func(m *made) { m.Host.UsernsMode = "host" }),
	},
	{
		name: "device", check: "hard.devices", culprit: "/dev/kmsg",
		does: twin("redis", func(m *made) {
			m.Host.Devices = []container.DeviceMapping{{PathOnHost: "/dev/kmsg", PathInContainer: "/dev/kmsg", CgroupPermissions: "r"}}
		}),
	},
	{
		name: "restart policy", check: "hard.restart", culprit: `the policy of STACK-redis is "no"`,
		does: func(x *target) func() {
			set := func(name container.RestartPolicyMode) {
				x.Helper()
				_, err := x.api.ContainerUpdate(x.ctx, x.name("redis"), container.UpdateConfig{RestartPolicy: container.RestartPolicy{Name: name}})
				x.must(err)
			}
			set("no")
			return func() { set("unless-stopped") }
		},
	},
	{
		name: "ulimit", check: "hard.ulimits", culprit: "STACK-redis has no limit core",
		does: twin("redis", func(m *made) { m.Host.Ulimits = []*units.Ulimit{{Name: "nofile", Soft: 512, Hard: 512}} }),
	},
	{
		name: "name for the host", check: "hard.extra-hosts", culprit: "host-gateway",
		does: twin("redis", func(m *made) { m.Host.ExtraHosts = []string{"gateway:host-gateway"} }),
	},
	{
		name: "kernel setting", check: "stack.drift", culprit: "sysctls",
		does: twin("redis", func(m *made) { m.Host.Sysctls = map[string]string{"net.ipv4.ip_unprivileged_port_start": "0"} }),
	},
}
