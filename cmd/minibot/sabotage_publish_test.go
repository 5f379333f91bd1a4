package main

import (
	"fmt"
	"net"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"

	"minibot/internal/testbed"
)

// publishSabotages move ports about on loopback, which only the stack itself notices.
var publishSabotages = []sabotage{
	{
		name: "no port", check: "net.publish.present", culprit: "STACK-redis does not publish port 6379",
		does: publishing(),
	},
	{
		name: "another port", check: "net.publish.port-number", culprit: "port 6379 of STACK-redis is published as 8PORT",
		does: publishing("127.0.0.1:8PORT:6379"),
	},
	{
		name: "free port", check: "net.publish.port-number", culprit: "port 6379 of STACK-redis is published as 3",
		does: publishing("127.0.0.1::6379"),
	},
	{
		name: "another loopback address", check: "net.publish.unexpected", culprit: "STACK-redis publishes 127.0.0.2:PORT:6379",
		does: publishing("127.0.0.2:PORT:6379"),
	},
	{
		name: "IPv6 loopback as well", check: "net.publish.unexpected", culprit: "STACK-redis publishes [::1]:PORT:6379",
		does: publishing("127.0.0.1:PORT:6379", "[::1]:PORT:6379"),
	},
	{
		name: "second port", check: "net.publish.unexpected", culprit: "STACK-redis publishes 127.0.0.1:8PORT:6380",
		does: publishing("127.0.0.1:PORT:6379", "127.0.0.1:8PORT:6380"),
	},
	{
		name: "UDP as well", check: "net.publish.unexpected", culprit: "STACK-redis publishes 127.0.0.1:PORT:6379/udp",
		does: publishing("127.0.0.1:PORT:6379", "127.0.0.1:PORT:6379/udp"),
	},
	{
		name: "port of the system", check: "hard.ports.privileged", culprit: "127.0.0.1:9PORT_",
		does: publishing("127.0.0.1:PORT:6379", "127.0.0.1:9PORT_:6379"),
	},
}

// openSabotages open a port to everyone, which every stack on the machine notices.
var openSabotages = []sabotage{
	{
		name: "open port", check: "net.publish.loopback", culprit: "STACK-redis publishes 0.0.0.0:PORT:6379, open to the network",
		does: publishing("0.0.0.0:PORT:6379"),
	},
	{
		name: "open port, by its socket", check: "net.listen.host", culprit: "docker-proxy",
		does: publishing("0.0.0.0:PORT:6379"),
	},
	{
		name: "open port, by dialling", check: "net.dial.lan", culprit: testbed.HostOnWire + ":PORT is answered",
		does: publishing("0.0.0.0:PORT:6379"),
	},
	{
		name: "open port, beside the right one", check: "net.publish.loopback", culprit: "STACK-redis publishes 0.0.0.0:8PORT:6380, open to the network",
		does: publishing("127.0.0.1:PORT:6379", "0.0.0.0:8PORT:6380"),
	},
	{
		name: "open UDP port", check: "net.publish.loopback", culprit: "STACK-redis publishes 0.0.0.0:8PORT:53/udp, open to the network",
		does: publishing("127.0.0.1:PORT:6379", "0.0.0.0:8PORT:53/udp"),
	},
	{
		name: "open on IPv6", check: "net.publish.loopback", culprit: "STACK-redis publishes [::]:PORT:6379, open to the network",
		does: publishing("127.0.0.1:PORT:6379", "[::]:PORT:6379"),
	},
	{
		name: "open on IPv6, by dialling", check: "net.dial.lan", culprit: "[" + testbed.HostOnWire6 + "]:PORT is answered",
		does: publishing("127.0.0.1:PORT:6379", "[::]:PORT:6379"),
	},
	{
		name: "open on the LAN's address", check: "net.publish.loopback", culprit: "STACK-redis publishes " + testbed.HostOnWire + ":PORT:6379, open to the network",
		does: publishing("127.0.0.1:PORT:6379", testbed.HostOnWire+":PORT:6379"),
	},
	{
		name: "every port at a free one", check: "net.publish.unexpected", culprit: "(-P)",
		does: twin("redis", func(m *made) { m.Host.PublishAllPorts = true }),
	},
	{
		name: "every port of a stray at a free one", check: "net.publish.loopback", culprit: "STACK-stray publishes 0.0.0.0:",
		does: func(x *target) func() {
			m := x.stray("")
			m.ExposedPorts, m.Host.PublishAllPorts = nat.PortSet{"6379/tcp": {}}, true
			return x.runs("stray", m)
		},
	},
	{
		name: "open port of a stray", check: "net.publish.loopback", culprit: "STACK-stray publishes 0.0.0.0:8PORT:6379, open to the network",
		does: stray("", "0.0.0.0:8PORT:6379"),
	},
	{
		name: "open port of a stray, on IPv6", check: "net.publish.loopback", culprit: "STACK-stray publishes [::]:8PORT:6379, open to the network",
		does: stray("", "[::]:8PORT:6379"),
	},
	{
		name: "open port of a stray, told as such", check: "stack.extra.container", culprit: "STACK-stray",
		does: stray("", "0.0.0.0:8PORT:6379"),
	},
	{
		name: "our port on the LAN by a stray", check: "net.dial.lan", culprit: testbed.HostOnWire + ":PORT is answered",
		does: stray("", testbed.HostOnWire+":PORT:6379"),
	},
	{
		name: "twin on the host's network", check: "net.mode.host", culprit: "STACK-redis is on the host's own network",
		does: twin("redis", func(m *made) { m.Host.NetworkMode, m.Host.PortBindings, m.Networks = "host", nil, nil }),
	},
	{
		name: "stray on the host's network", check: "net.mode.host", culprit: "STACK-stray is on the host's own network",
		does: stray("host"),
	},
	{
		name: "stray on the host's network, on our port", check: "net.listen.host", culprit: "redis-server",
		does: func(x *target) func() {
			m := x.stray("host")
			m.Cmd = []string{"redis-server", "--port", x.port, "--bind", testbed.HostOnWire}
			return x.runs("stray", m)
		},
	},
	{
		name: "process of the machine on our port, on the LAN", check: "net.listen.host", culprit: "listens on " + testbed.HostOnWire + ":PORT/tcp",
		does: listener("tcp4", testbed.HostOnWire+":PORT"),
	},
	{
		name: "process of the machine on our port, on IPv6", check: "net.listen.host", culprit: "listens on [" + testbed.HostOnWire6 + "]:PORT/tcp",
		does: listener("tcp6", "["+testbed.HostOnWire6+"]:PORT"),
	},
	{
		name: "process of the machine on our port, dialled", check: "net.dial.lan", culprit: testbed.HostOnWire + ":PORT is answered",
		does: listener("tcp4", testbed.HostOnWire+":PORT"),
	},
}

// fill writes the stack's name and port into a text.
func (x *target) fill(text string) string {
	return strings.NewReplacer("STACK", x.stack, "9PORT_", fmt.Sprint("9", x.port[len(x.port)-2:]), "8PORT", "8"+x.port[1:], "PORT", x.port).Replace(text)
}

// publishing makes a twin of redis that publishes those, written as compose's short form is.
func publishing(specs ...string) func(*target) func() {
	return func(x *target) func() {
		x.Helper()
		return twin("redis", func(m *made) { x.publish(m, specs) })(x)
	}
}

func (x *target) publish(m *made, specs []string) {
	x.Helper()
	var filled []string
	for _, spec := range specs {
		filled = append(filled, x.fill(spec))
	}
	exposed, bindings, err := nat.ParsePortSpecs(filled)
	x.must(err)
	m.ExposedPorts, m.Host.PortBindings = exposed, bindings
}

// stray runs a container that the spec does not know, on a network, with ports.
func stray(on string, specs ...string) func(*target) func() {
	return func(x *target) func() {
		x.Helper()
		return x.runs("stray", x.stray(on, specs...))
	}
}

// stray is a Redis that everybody may use.
func (x *target) stray(on string, specs ...string) made {
	x.Helper()
	m := made{
		Config: &container.Config{Image: x.image, Cmd: []string{"redis-server", "--save", ""}},
		Host:   &container.HostConfig{NetworkMode: container.NetworkMode(x.fill(on))},
	}
	if on != "" && on != "host" && !strings.HasPrefix(on, "container:") {
		m.Networks = map[string]*network.EndpointSettings{x.fill(on): {}}
	}
	x.publish(&m, specs)
	return m
}

// runs runs a container beside the stack's.
func (x *target) runs(name string, m made) (undo func()) {
	x.Helper()
	name = x.name(name)
	x.create(name, m)
	x.run(name)
	return func() { x.remove(name) }
}

// listener is a program of the machine itself, this one.
func listener(protocol, address string) func(*target) func() {
	return func(x *target) func() {
		x.Helper()
		var listens net.Listener
		x.must(x.machine.Inside(func() (err error) {
			listens, err = net.Listen(protocol, x.fill(address))
			return err
		}))
		return func() { x.must(listens.Close()) }
	}
}
