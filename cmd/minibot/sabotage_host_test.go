package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"minibot/internal/testbed"
)

// hostSabotages lead others to the machine, or to its engine; and make the spec say what does not hold.
var hostSabotages = []sabotage{
	{
		name: "funnel", check: "remote.tailscale.funnel", culprit: "mini.tail.ts.net:443",
		does: tailscale(`{"Web":{"mini.tail.ts.net:443":{"Handlers":{"/":{"Proxy":"http://127.0.0.1:9"}}}},"AllowFunnel":{"mini.tail.ts.net:443":true}}`, `{"RunSSH":false}`),
	},
	{
		name: "funnel in the foreground", check: "remote.tailscale.funnel", culprit: "mini.tail.ts.net:8443",
		does: tailscale(`{"Foreground":{"0123":{"Web":{"mini.tail.ts.net:8443":{"Handlers":{"/":{"Proxy":"http://127.0.0.1:PORT"}}}},"AllowFunnel":{"mini.tail.ts.net:8443":true}}}}`, `{"RunSSH":false}`),
	},
	{
		name: "port served to the tailnet", check: "remote.tailscale.serve", culprit: "127.0.0.1:PORT, which is redis",
		does: tailscale(`{"TCP":{"6379":{"TCPForward":"127.0.0.1:PORT"}}}`, `{"RunSSH":false}`),
	},
	{
		name: "login by the tailnet", check: "remote.tailscale.ssh", culprit: "Tailscale's SSH server is on",
		does: tailscale(`{}`, `{"RunSSH":true}`),
	},
	{
		name: "containers routed to the tailnet", check: "remote.tailscale.routes", culprit: "172.16.0.0/12",
		does: tailscale(`{}`, `{"RunSSH":false,"AdvertiseRoutes":["172.16.0.0/12"]}`),
	},
	{
		name: "port opened on another machine by ssh", check: "remote.tunnel.listeners", culprit: "ssh (",
		does: running("ssh", "-N", "-R", "PORT:127.0.0.1:PORT", "elsewhere"),
	},
	{
		name: "port opened to the LAN by ssh", check: "remote.tunnel.listeners", culprit: "ssh (",
		does: running("ssh", "-N", "-g", "-L", "9PORT:127.0.0.1:PORT", "elsewhere"),
	},
	{
		name: "something where engines listen", check: "host.docker.api-tcp", culprit: "something answers at " + testbed.HostOnWire + ":2375",
		does: listener("tcp4", testbed.HostOnWire+":2375"),
	},
	{
		name: "the engine for everybody", check: "host.docker.socket-perm", culprit: "every user of the machine may command the engine",
		does: func(x *target) func() {
			socket := strings.TrimPrefix(x.host, "unix://")
			was, err := os.Stat(socket)
			x.must(err)
			x.must(os.Chmod(socket, 0o666))
			return func() { x.must(os.Chmod(socket, was.Mode().Perm())) }
		},
	},
	{
		name: "older engine than the spec allows", check: "host.engine.min-version", culprit: "engine 20.10",
		does: respec(`min_engine = "20.10.0"`, `min_engine = "28.3.3"`),
	},
	{
		name: "Tailscale demanded, and not there", check: "remote.tailscale.up", culprit: "Tailscale is not installed",
		does: respec(`required = false`, `required = true`),
	},
	{
		name: "waiver that waives nothing", check: "accept.unused", culprit: "nothing fails that it could waive",
		does: respec(`host {`, "accept \"limit.memory\" { reason = \"none\" }\n\nhost {"),
	},
	{
		name: "waiver of a check that is none", check: "accept.unknown", culprit: `no check has the id "limit.memorie"`,
		does: respec(`host {`, "accept \"limit.memorie\" { reason = \"none\" }\n\nhost {"),
	},
	{
		name: "waiver that has ended", check: "accept.expired", culprit: "2020-01-31",
		does: respec(`reason  = "it is`, "until   = \"2020-01-31\"\n  reason  = \"it is"),
	},
}

// tailscale puts a Tailscale in the place of none, which says that of what it serves and of its settings. A real one would have
// to log in. It is there for minibot alone.
func tailscale(serve, prefs string) func(*target) func() {
	return func(x *target) func() {
		x.Helper()
		dir := x.TempDir()
		const status = `{"BackendState":"Running","TailscaleIPs":["100.64.0.7"],"Self":{},"Health":[]}`
		script := fmt.Sprintf("#!/bin/sh\ncase \"$1 $2\" in\n'status --json') echo '%s' ;;\n'serve status') echo '%s' ;;\n'debug prefs') echo '%s' ;;\n*) exit 1 ;;\nesac\n", status, x.fill(serve), prefs)
		x.must(os.WriteFile(filepath.Join(dir, "tailscale"), []byte(script), 0o755))
		x.wrap = []string{"unshare", "--mount", "--propagation", "private", "sh", "-c", `mount --bind "$0" /usr/local/bin && exec "$@"`, dir}
		return func() { x.wrap = nil }
	}
}

// running is a program of that name on this machine, which does nothing.
func running(name string, args ...string) func(*target) func() {
	return func(x *target) func() {
		x.Helper()
		self, err := os.Executable()
		x.must(err)
		program := filepath.Join(x.TempDir(), name)
		x.must(os.Symlink(self, program))
		var filled []string
		for _, arg := range args {
			filled = append(filled, x.fill(arg))
		}
		cmd := exec.CommandContext(x.ctx, program, filled...)
		cmd.Env = append(os.Environ(), standVariable+"=1")
		begun, err := cmd.StdoutPipe()
		x.must(err)
		stdin, err := cmd.StdinPipe()
		x.must(err)
		x.must(cmd.Start())
		_, err = io.ReadFull(begun, make([]byte, 1))
		x.must(err)
		return func() { x.must(stdin.Close()); x.must(cmd.Wait()) }
	}
}

// standVariable makes of this test's own program one that does nothing.
const standVariable = "MINIBOT_TEST_STAND"

// stand says that it is there, and stays until nobody holds its standard input.
func stand() {
	fmt.Print(".")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// respec changes the spec, and not the machine.
func respec(from, to string) func(*target) func() {
	return func(x *target) func() {
		x.Helper()
		was, err := os.ReadFile(filepath.Join(x.dir, "minibot.hcl"))
		x.must(err)
		if strings.Count(string(was), from) != 1 {
			x.Fatalf("%q stands not once in the spec", from)
		}
		x.spec(strings.Replace(string(was), from, to, 1))
		return func() { x.spec(string(was)) }
	}
}
