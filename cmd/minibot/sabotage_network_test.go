package main

import (
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
)

// networkSabotages change networks, and who is on them.
var networkSabotages = []sabotage{
	{
		name: "on a network more", check: "net.network.membership", culprit: "STACK-redis is on STACK-more, which the spec does not say",
		does: func(x *target) func() {
			x.network("more", network.CreateOptions{})
			x.connect("more", "redis")
			return func() { x.disconnect("more", "redis"); x.unmake("more") }
		},
	},
	{
		name: "on the default network", check: "net.network.membership", culprit: "STACK-redis is on bridge, which the spec does not say",
		does: func(x *target) func() {
			x.must(x.api.NetworkConnect(x.ctx, "bridge", x.name("redis"), nil))
			return func() { x.must(x.api.NetworkDisconnect(x.ctx, "bridge", x.name("redis"), true)) }
		},
	},
	{
		name: "off its network", check: "net.network.membership", culprit: "STACK-redis is not on STACK-net",
		does: func(x *target) func() {
			x.disconnect("net", "redis")
			return func() { x.connect("net", "redis") }
		},
	},
	{
		name: "on no network", check: "net.network.membership", culprit: "STACK-redis is not on STACK-net",
		does: twin("redis", func(m *made) { m.Host.NetworkMode, m.Networks = "none", nil }),
	},
	{
		name: "network removed", check: "net.network.exists", culprit: "there is no network STACK-net",
		does: func(x *target) func() {
			was := x.definition("net")
			x.disconnect("net", "redis")
			x.unmake("net")
			return func() { x.network("net", was); x.connect("net", "redis") }
		},
	},
	{
		name: "network of somebody else", check: "net.network.exists", culprit: "the network STACK-net is there and is not this stack's",
		does: remade(func(d *network.CreateOptions) { d.Labels = nil }),
	},
	{
		name: "network that publishes everywhere", check: "net.network.options", culprit: "host_binding_ipv4 is not set",
		does: remade(func(d *network.CreateOptions) { delete(d.Options, "com.docker.network.bridge.host_binding_ipv4") }),
	},
	{
		name: "network that publishes everywhere, told as such", check: "net.network.default-bind", culprit: "what names no address is published on all of them",
		does: remade(func(d *network.CreateOptions) { delete(d.Options, "com.docker.network.bridge.host_binding_ipv4") }),
	},
	{
		name: "network that publishes on the LAN", check: "net.network.options", culprit: "host_binding_ipv4 is 0.0.0.0",
		does: remade(func(d *network.CreateOptions) { d.Options["com.docker.network.bridge.host_binding_ipv4"] = "0.0.0.0" }),
	},
	{
		name: "network that lets neighbours in", check: "net.network.options", culprit: "gateway_mode_ipv4 is nat-unprotected: neighbours on the LAN reach every port",
		does: remade(func(d *network.CreateOptions) {
			d.Options["com.docker.network.bridge.gateway_mode_ipv4"] = "nat-unprotected"
		}),
	},
	{
		name: "network that is routed", check: "net.network.options", culprit: "gateway_mode_ipv4 is routed: neighbours on the LAN reach the ports",
		does: remade(func(d *network.CreateOptions) {
			d.Options["com.docker.network.bridge.gateway_mode_ipv4"] = "routed"
		}),
	},
	{
		name: "network that trusts an interface", check: "net.network.options", culprit: "trusted_host_interfaces is lan0: neighbours on lan0 reach ports",
		does: remade(func(d *network.CreateOptions) {
			d.Options["com.docker.network.bridge.trusted_host_interfaces"] = "lan0"
		}),
	},
	{
		name: "network that is internal", check: "net.network.options", culprit: "internal is true, not false",
		does: remade(func(d *network.CreateOptions) { d.Internal = true }),
	},
	{
		name: "internal network swallows the port", check: "net.publish.present", culprit: "the network STACK-net is internal",
		does: remade(func(d *network.CreateOptions) { d.Internal = true }),
	},
	{
		name: "network that leads out", check: "net.network.options", culprit: "enable_ip_masquerade is not set",
		does: remade(func(d *network.CreateOptions) { delete(d.Options, "com.docker.network.bridge.enable_ip_masquerade") }),
	},
	{
		name: "network that leads a database out", check: "net.egress.db-unneeded", culprit: "STACK-redis can call out: STACK-net leads out",
		does: remade(func(d *network.CreateOptions) { delete(d.Options, "com.docker.network.bridge.enable_ip_masquerade") }),
	},
	{
		name: "network more, that leads a database out", check: "net.egress.db-unneeded", culprit: "STACK-redis can call out: STACK-more is not a network of this stack",
		does: func(x *target) func() {
			x.network("more", network.CreateOptions{})
			x.connect("more", "redis")
			return func() { x.disconnect("more", "redis"); x.unmake("more") }
		},
	},
	{
		name: "stray on our network", check: "stack.extra.container", culprit: `STACK-stray (image STACK.test/redis:7) is on the network "STACK-net"`,
		does: stray("STACK-net"),
	},
	{
		name: "stray in our network", check: "net.mode.host", culprit: "STACK-stray shares the network of STACK-redis, which takes it for 127.0.0.1",
		does: func(x *target) func() {
			m := x.stray("container:STACK-redis")
			m.Cmd = []string{"redis-server", "--port", "7777"}
			return x.runs("stray", m)
		},
	},
	{
		name: "in the network of a stray", check: "net.mode.host", culprit: "STACK-redis shares the network of STACK-stray",
		does: func(x *target) func() {
			m := x.stray("")
			m.Cmd = []string{"redis-server", "--port", "7777"}
			remove := x.runs("stray", m)
			undo := twin("redis", func(m *made) {
				m.Host.NetworkMode = container.NetworkMode("container:" + x.name("stray"))
				m.Host.PortBindings, m.ExposedPorts, m.Networks = nil, nil, nil
			})(x)
			return func() { undo(); remove() }
		},
	},
	{
		name: "our port held by a stray", check: "stack.extra.container", culprit: `publishes 127.0.0.1:PORT:6379, the port of service "redis"`,
		does: func(x *target) func() {
			free := publishing()(x)
			remove := stray("", "127.0.0.1:PORT:6379")(x)
			return func() { remove(); free() }
		},
	},
}

// remade puts in the place of the stack's network one that is made a little differently.
func remade(change func(*network.CreateOptions)) func(*target) func() {
	return func(x *target) func() {
		x.Helper()
		was, is := x.definition("net"), x.definition("net")
		change(&is)
		remake := func(d network.CreateOptions) {
			x.Helper()
			x.disconnect("net", "redis")
			x.unmake("net")
			x.network("net", d)
			x.connect("net", "redis")
		}
		remake(is)
		return func() { remake(was) }
	}
}

// definition is what a network of the stack is made from.
func (x *target) definition(name string) network.CreateOptions {
	x.Helper()
	n, err := x.api.NetworkInspect(x.ctx, x.name(name), network.InspectOptions{})
	x.must(err)
	return network.CreateOptions{Driver: n.Driver, Internal: n.Internal, Options: n.Options, Labels: n.Labels}
}

// network makes a network. Each time, the engine takes the chain with the wall out of FORWARD and puts it back: what
// verify would see in between is true, and not what it is asked for.
func (x *target) network(name string, d network.CreateOptions) {
	x.Helper()
	x.machine.networks.Lock()
	defer x.machine.networks.Unlock()
	_, err := x.api.NetworkCreate(x.ctx, x.name(name), d)
	x.must(err)
}

func (x *target) unmake(name string) {
	x.Helper()
	x.machine.networks.Lock()
	defer x.machine.networks.Unlock()
	x.must(x.api.NetworkRemove(x.ctx, x.name(name)))
}

func (x *target) connect(name, service string) {
	x.Helper()
	aliases := []string{x.name(service), service}
	x.must(x.api.NetworkConnect(x.ctx, x.name(name), x.name(service), &network.EndpointSettings{Aliases: aliases}))
}

func (x *target) disconnect(name, service string) {
	x.Helper()
	x.must(x.api.NetworkDisconnect(x.ctx, x.name(name), x.name(service), true))
}
