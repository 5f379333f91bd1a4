package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/network"

	"minibot/verify"
)

// wall is what somebody makes of a machine's packet filter.
type wall struct {
	name string
	// rules are lines of iptables, in which LAN stands for the interface of the LAN, BRIDGE and SUBNET for the stack's
	// network and PORT for the port that it publishes on 127.0.0.1. The policy of FORWARD is DROP before them.
	rules []string
	// open are the ways that verify says they leave to the neighbour: "bridge" and "loopback".
	open string
	// closed are those of them by which he gets nowhere all the same: verify cannot know, and is cautious.
	closed string
}

// walls are what closes the hole of Debian's engine, and what only looks as if it did.
var walls = []wall{
	{name: "none", open: "bridge loopback"},
	{name: "none, and forwarding was on before", rules: []string{"-P FORWARD ACCEPT"}, open: "bridge loopback"},
	{name: "of engine 28", rules: []string{"-t raw -I PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP", "-t raw -I PREROUTING ! -i BRIDGE -d SUBNET -j DROP"}},
	{name: "of engine 28, for 127.0.0.1 alone", rules: []string{"-t raw -I PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP"}, open: "bridge"},
	{name: "of engine 28, for the bridge alone", rules: []string{"-t raw -I PREROUTING ! -i BRIDGE -d SUBNET -j DROP"}, open: "loopback"},
	{name: "of engine 28, for this port", rules: []string{"-t raw -I PREROUTING -p tcp -d 127.0.0.1 --dport PORT ! -i lo -j DROP", "-t raw -I PREROUTING -i LAN -d SUBNET -j DROP"}},
	{name: "of engine 28, for another port", rules: []string{"-t raw -I PREROUTING -p tcp -d 127.0.0.1 --dport 7 ! -i lo -j DROP", "-t raw -I PREROUTING -i LAN -d SUBNET -j DROP"}, open: "loopback"},
	{name: "of engine 28, behind an exception", rules: []string{"-t raw -I PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP", "-t raw -I PREROUTING ! -i BRIDGE -d SUBNET -j DROP", "-t raw -I PREROUTING -i LAN -j ACCEPT"}, open: "bridge loopback"},
	{name: "of engine 28, in a chain of its own", rules: []string{"-t raw -N GUARD", "-t raw -A GUARD -i lo -j RETURN", "-t raw -A GUARD -i BRIDGE -j RETURN", "-t raw -A GUARD -d 127.0.0.0/8 -j DROP", "-t raw -A GUARD -d SUBNET -j DROP", "-t raw -A PREROUTING -j GUARD"}},
	{name: "of engine 28, in a chain that nobody calls", rules: []string{"-t raw -N GUARD", "-t raw -A GUARD -d 127.0.0.0/8 -j DROP", "-t raw -A GUARD -d SUBNET -j DROP"}, open: "bridge loopback"},
	{name: "in mangle", rules: []string{"-t mangle -I PREROUTING -i LAN -d 127.0.0.0/8 -j DROP", "-t mangle -I PREROUTING -i LAN -d SUBNET -j DROP"}},
	{name: "in DOCKER-USER", rules: []string{"-I DOCKER-USER -i LAN -m conntrack --ctstate NEW -j DROP"}},
	{name: "in DOCKER-USER, whatever the policy", rules: []string{"-P FORWARD ACCEPT", "-I DOCKER-USER -i LAN -m conntrack --ctstate NEW -j DROP"}},
	{name: "in DOCKER-USER, with an answer", rules: []string{"-I DOCKER-USER -i LAN -j REJECT"}},
	{name: "in DOCKER-USER, for all but bridges", rules: []string{"-I DOCKER-USER ! -i br-+ -o br-+ -m conntrack --ctstate NEW -j DROP"}},
	{name: "in DOCKER-USER, after its end", rules: []string{"-A DOCKER-USER -i LAN -j DROP"}, open: "bridge loopback"},
	{name: "in DOCKER-USER, for another interface", rules: []string{"-I DOCKER-USER -i eth9 -j DROP"}, open: "bridge loopback"},
	{name: "in DOCKER-USER, for what is known already", rules: []string{"-I DOCKER-USER -i LAN -m conntrack --ctstate INVALID -j DROP"}, open: "bridge loopback"},
	{name: "in DOCKER-USER, for the published number", rules: []string{"-I DOCKER-USER -i LAN -p tcp --dport PORT -j DROP"}, open: "bridge loopback"},
	{name: "in DOCKER-USER, for others' addresses", rules: []string{"-I DOCKER-USER -i LAN ! -s 192.168.42.0/24 -j DROP"}, open: "bridge loopback"},
	{name: "in DOCKER-USER, without connection tracking", rules: []string{"-I DOCKER-USER -i LAN -m conntrack --ctstate NEW -j DROP", "-t raw -I PREROUTING -i LAN -j CT --notrack"}, open: "bridge loopback", closed: "loopback"},
	{name: "in DOCKER-USER, behind an exception in FORWARD", rules: []string{"-I DOCKER-USER -i LAN -j DROP", "-I FORWARD -i LAN -j ACCEPT"}, open: "bridge loopback"},
	{name: "in FORWARD, first", rules: []string{"-I FORWARD -i LAN -j DROP"}},
	{name: "in FORWARD, last", rules: []string{"-A FORWARD -i LAN -j DROP"}, open: "bridge loopback"},
	{name: "in INPUT", rules: []string{"-P INPUT DROP", "-I INPUT -i lo -j ACCEPT", "-I INPUT -i BRIDGE -j ACCEPT"}, open: "bridge loopback"},
	{name: "for one in a thousand", rules: []string{"-I DOCKER-USER -i LAN -m statistic --mode nth --every 1000 --packet 999 -j DROP"}, open: "bridge loopback"},
	{name: "for all, in a way that minibot does not know", rules: []string{"-I DOCKER-USER -i LAN -m statistic --mode nth --every 1 --packet 0 -j DROP"}, open: "bridge loopback", closed: "bridge loopback"},
}

// What net.l2.engine calls open, a neighbour on the LAN gets through, and what it calls closed he does not.
func TestNeighbourOnTheLAN(t *testing.T) {
	m := newMachine(t)
	x := m.box(t, 0)
	inspected, err := x.api.NetworkInspect(x.ctx, x.name("net"), network.InspectOptions{})
	x.must(err)
	subnet := inspected.IPAM.Config[0].Subnet
	fill := strings.NewReplacer("LAN", "lan0", "BRIDGE", "br-"+inspected.ID[:12], "SUBNET", subnet, "PORT", x.port)
	for _, to := range []string{subnet, "127.0.0.0/8"} {
		x.must(m.neighbour.Route(x.ctx, netip.MustParsePrefix(to)))
	}
	doors := map[string]string{
		"bridge":   x.inspect("redis").NetworkSettings.Networks[x.name("net")].IPAddress + ":6379",
		"loopback": "127.0.0.1:" + x.port,
	}
	x.must(m.Raze(x.ctx))
	before, err := m.Run(x.ctx, "iptables-save")
	x.must(err)
	t.Run("remedied", func(t *testing.T) {
		x := x.in(t)
		m.remedied(x, doors)
		if open := x.told(doors, subnet); len(open) > 0 {
			x.Errorf("verify calls open: %q", open)
		}
		x.must(m.Restore(x.ctx, before))
	})
	for _, w := range walls {
		t.Run(w.name, func(t *testing.T) {
			x := x.in(t)
			defer func() { x.must(m.Restore(x.ctx, before)) }()
			for _, rule := range append([]string{"-P FORWARD DROP"}, w.rules...) {
				_, err := m.Run(x.ctx, "iptables", strings.Fields(fill.Replace(rule))...)
				x.must(err)
			}
			through, told := m.through(x, doors), x.told(doors, subnet)
			if !slices.Equal(told, strings.Fields(w.open)) {
				x.Errorf("verify calls open: %q, want %q", told, w.open)
			}
			closed := func(way string) bool { return slices.Contains(strings.Fields(w.closed), way) }
			if want := slices.DeleteFunc(told, closed); !slices.Equal(through, want) {
				x.Errorf("the neighbour gets through: %q, want %q", through, want)
			}
		})
	}
}

// What verify says is to be done about it keeps the neighbour out.
func (m *machine) remedied(x *target, doors map[string]string) {
	x.Helper()
	results := x.verify().Results
	i := slices.IndexFunc(results, func(r verify.Result) bool { return r.Check == "net.l2.engine" })
	_, rules, ok := strings.Cut(results[i].Remedy, "run as root, after each start: ")
	if !ok {
		x.Fatalf("the remedy of net.l2.engine names no rules: %s", results[i].Remedy)
	}
	for _, rule := range strings.Split(rules, "; ") {
		argv := strings.Fields(rule)
		_, err := m.Run(x.ctx, argv[0], argv[1:]...)
		x.must(err)
	}
	if open := m.through(x, doors); len(open) > 0 {
		x.Errorf("after %q the neighbour gets through: %q", rules, open)
	}
}

// through lists the doors at which the neighbour gets a connection, to the stack's Redis if it is let speak.
func (m *machine) through(x *target, doors map[string]string) []string {
	x.Helper()
	var open []string
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, address := range doors {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(x.ctx, time.Second)
			defer cancel()
			conn, err := m.neighbour.Dial(ctx, "tcp", address)
			if err != nil {
				if _, ok := errors.AsType[net.Error](err); !ok {
					x.Error(err)
				}
				return
			}
			defer conn.Close()
			deadline, _ := ctx.Deadline()
			_ = conn.SetDeadline(deadline)
			fmt.Fprint(conn, "PING\r\nQUIT\r\n")
			if said, err := io.ReadAll(conn); err == nil && !strings.HasPrefix(string(said), "-NOAUTH") {
				x.Errorf("%s says %q", address, said)
			}
			mu.Lock()
			defer mu.Unlock()
			open = append(open, name)
		})
	}
	all.Wait()
	slices.Sort(open)
	return open
}

// told lists the doors that net.l2.engine says are open.
func (x *target) told(doors map[string]string, subnet string) []string {
	x.Helper()
	results := x.verify().Results
	i := slices.IndexFunc(results, func(r verify.Result) bool { return r.Check == "net.l2.engine" })
	if i < 0 {
		x.Fatal("there is no result of net.l2.engine")
	}
	r := results[i]
	var open []string
	for _, way := range []struct{ name, evidence string }{
		{"bridge", "lan0 → " + subnet + " behind br-"}, {"loopback", "lan0 → " + doors["loopback"] + "/tcp"},
	} {
		if strings.Contains(r.Evidence, way.evidence) {
			open = append(open, way.name)
		}
	}
	if want := map[bool]verify.Status{true: verify.Pass, false: verify.Fail}[open == nil]; r.Status != want {
		x.Errorf("it says %s", line(r))
	}
	return open
}
