package host

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Tunnel is a program by which others, elsewhere, may get to this machine.
type Tunnel struct {
	PID     int
	Program string
	What    string // what it does, in words of minibot's own
}

// String is such as "ssh (pid 77) opens 127.0.0.1:5432 on another machine".
func (t Tunnel) String() string { return fmt.Sprintf("%s (pid %d) %s", t.Program, t.PID, t.What) }

// brokers are programs whose one purpose is to lead others in, by a third machine.
var brokers = []string{
	"bore", "chisel", "cloudflared", "devtunnel", "frpc", "gost", "inlets", "inlets-pro", "loclx", "ngrok", "piko", "playit", "rathole", "wstunnel", "zrok",
}

// Tunnels lists the programs that lead others to the machine's ports: brokers whatever they lead to, since that may stand in a
// configuration elsewhere; ssh where it forwards to one of the ports; socat and web servers where they pass them on. What a
// process reads from a configuration of its own after its start, and ssh from ~/.ssh/config, is not seen.
func (m Machine) Tunnels(ctx context.Context, ports []uint16) ([]Tunnel, error) {
	list, err := m.processes(ctx, tunnelNames())
	if err != nil {
		return nil, err
	}
	var found []Tunnel
	searched := map[string]string{} // what a kind of proxy passes on
	for _, p := range list {
		what := ""
		switch {
		case p.Name == "ssh":
			what = sshForwards(p.Args, ports)
		case p.Name == "socat":
			what = socatForwards(p.Args, ports)
		case slices.Contains(brokers, p.Name):
			what = brokered(p)
		default:
			known, again := searched[p.Name]
			if !again {
				if known, err = m.proxied(p, ports); err != nil {
					return nil, err
				}
				searched[p.Name] = known
			}
			if what = known; again {
				what = "" // its workers
			}
		}
		if what != "" {
			found = append(found, Tunnel{p.PID, p.Name, what})
		}
	}
	return found, nil
}

// tunnelNames are the names of programs that may lead others in.
func tunnelNames() []string { return slices.Concat(brokers, proxyNames(), []string{"ssh", "socat"}) }

// brokered says what a broker does. cloudflared can also be a resolver of names, or a client.
func brokered(p Process) string {
	if p.Name == "cloudflared" && !slices.Contains(p.Args, "tunnel") && len(p.Args) > 1 {
		return ""
	}
	return "leads others to this machine, past its firewall"
}

// socatForwards says to which of the ports socat passes on what it gets, such as TCP:127.0.0.1:5432.
func socatForwards(args []string, ports []uint16) string {
	for _, arg := range args[min(1, len(args)):] {
		for _, port := range ports {
			upper := strings.ToUpper(arg)
			kind, rest, _ := strings.Cut(upper, ":")
			rest, _, _ = strings.Cut(rest, ",")
			if slices.Contains([]string{"TCP", "TCP4", "TCP6", "TCP-CONNECT", "TCP4-CONNECT", "TCP6-CONNECT", "OPENSSL", "UDP", "UDP-CONNECT"}, kind) &&
				strings.HasSuffix(rest, fmt.Sprintf(":%d", port)) {
				return fmt.Sprintf("passes on what it gets to port %d", port)
			}
		}
	}
	return ""
}
