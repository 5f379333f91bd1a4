package main

import "github.com/docker/docker/api/types/container"

// limitSabotages change what a container may take, while it runs.
var limitSabotages = []sabotage{
	{
		name: "more memory", check: "limit.memory", culprit: "STACK-redis may take 128M",
		does: limits(container.Resources{Memory: 128 << 20, MemorySwap: 128 << 20}),
	},
	{
		name: "less memory", check: "limit.memory", culprit: "STACK-redis may take 32M",
		does: limits(container.Resources{Memory: 32 << 20, MemorySwap: 32 << 20}),
	},
	{
		name: "swap beside the memory", check: "limit.swap", culprit: "STACK-redis",
		does: limits(container.Resources{Memory: 64 << 20, MemorySwap: 128 << 20}),
	},
	{
		name: "no limit of memory", check: "limit.memory", culprit: "STACK-redis has no memory limit",
		does: twin("redis", func(m *made) { m.Host.Memory, m.Host.MemorySwap = 0, 0 }),
	},
	{
		name: "no limit of CPUs", check: "limit.cpu", culprit: "STACK-redis has no CPU limit",
		does: twin("redis", func(m *made) { m.Host.NanoCPUs = 0 }),
	},
	{
		name: "more CPU", check: "limit.cpu", culprit: "STACK-redis may take 2 CPUs",
		does: limits(container.Resources{NanoCPUs: 2e9}),
	},
	{
		name: "more processes", check: "limit.pids", culprit: "STACK-redis may have 1000 processes",
		does: limits(container.Resources{PidsLimit: new(int64(1000))}),
	},
	{
		name: "any number of processes", check: "limit.pids", culprit: "STACK-redis has no limit of processes",
		does: limits(container.Resources{PidsLimit: new(int64(-1))}),
	},
}

// limits sets limits of the running redis.
func limits(to container.Resources) func(*target) func() {
	return func(x *target) func() {
		was := x.inspect("redis").HostConfig.Resources
		set := func(r container.Resources) {
			x.Helper()
			_, err := x.api.ContainerUpdate(x.ctx, x.name("redis"), container.UpdateConfig{Resources: r})
			x.must(err)
		}
		set(to)
		return func() {
			set(container.Resources{Memory: was.Memory, MemorySwap: was.MemorySwap, NanoCPUs: was.NanoCPUs, PidsLimit: was.PidsLimit})
		}
	}
}
