package main

import (
	"strings"

	"github.com/docker/docker/api/types/container"
)

// lanSabotages open what keeps neighbours out, which every stack on the machine notices.
var lanSabotages = []sabotage{
	{
		name: "no wall before the engine", check: "net.l2.engine", culprit: "open: lan0 → ",
		does: func(x *target) func() {
			x.must(x.machine.Raze(x.ctx))
			return func() { x.must(x.machine.Wall(x.ctx)) }
		},
	},
	{
		name: "no wall before the engine, for the published port", check: "net.l2.engine", culprit: "lan0 → 127.0.0.1:PORT/tcp",
		does: func(x *target) func() {
			x.must(x.machine.Raze(x.ctx))
			return func() { x.must(x.machine.Wall(x.ctx)) }
		},
	},
	{
		name: "exception before the wall", check: "net.l2.engine", culprit: "open: lan0 → ",
		does: filter("-I FORWARD -i lan0 -j ACCEPT"),
	},
	{
		name: "exception in the wall", check: "net.l2.engine", culprit: "open: lan0 → ",
		does: filter("-I DOCKER-USER -s 192.168.42.20 -j ACCEPT"),
	},
	{
		name: "policy that lets everything in", check: "net.l2.forward-policy", culprit: "the policy of FORWARD is ACCEPT",
		does: func(x *target) func() {
			saved, err := x.machine.Run(x.ctx, "iptables-save")
			x.must(err)
			x.must(x.machine.Raze(x.ctx))
			_, err = x.machine.Run(x.ctx, "iptables", "-P", "FORWARD", "ACCEPT")
			x.must(err)
			return func() { x.must(x.machine.Restore(x.ctx, saved)) }
		},
	},
	{
		name: "packets for 127.0.0.1 taken from the wire", check: "net.l2.route-localnet", culprit: "route_localnet is 1 for lan0",
		does: func(x *target) func() {
			set := func(to string) {
				x.Helper()
				_, err := x.machine.Run(x.ctx, "sh", "-c", "echo "+to+" >/proc/sys/net/ipv4/conf/lan0/route_localnet")
				x.must(err)
			}
			set("1")
			return func() { set("0") }
		},
	},
	{
		name: "program of the machine in the place of a stopped container", check: "net.listen.owner", culprit: "has the port, and is none of Docker Engine's programs",
		does: func(x *target) func() {
			x.must(x.api.ContainerStop(x.ctx, x.name("redis"), container.StopOptions{}))
			end := listener("tcp4", "127.0.0.1:PORT")(x)
			return func() { end(); x.restart() }
		},
	},
}

// filter adds a rule to the packet filter.
func filter(rule string) func(*target) func() {
	return func(x *target) func() {
		x.Helper()
		saved, err := x.machine.Run(x.ctx, "iptables-save")
		x.must(err)
		_, err = x.machine.Run(x.ctx, "iptables", strings.Fields(rule)...)
		x.must(err)
		return func() { x.must(x.machine.Restore(x.ctx, saved)) }
	}
}
