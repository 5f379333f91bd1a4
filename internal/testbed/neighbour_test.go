package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
)

// doors are where the neighbour knocks in TestNeighbour.
var doors = []struct{ what, address string }{
	{"published on 127.0.0.1, at the machine's address", HostOnWire + ":7001"},
	{"published everywhere, at the machine's address", HostOnWire + ":7002"},
	{"published on 127.0.0.1, at the container's address", "172.30.0.2:6379"},
	{"published on 127.0.0.1, at 127.0.0.1 over the wire", "127.0.0.1:7001"},
	{"not published, at the container's address", "172.30.0.4:6379"},
	{"published on 127.0.0.1, on a network made later", "172.31.0.2:6379"},
	{"published on 127.0.0.1, on the default network", "172.17.0.2:6379"},
}

// TestNeighbour holds what Debian's engine lets through to another machine on its LAN (facts/network-security.md §1.2, by
// its topology), and what it does not any more behind the wall. A port that is published on 127.0.0.1 is closed at the
// machine's own addresses, and open to those who send packets to the container itself, or to 127.0.0.1 over the wire.
func TestNeighbour(t *testing.T) {
	shared, refs := Require(t)
	p := RequirePrivate(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Load(ctx, shared, refs.Redis); err != nil {
		t.Fatal(err)
	}
	n, err := p.Neighbour(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	l := lan{t, ctx, p, n, refs.Redis}
	l.network("early", "172.30.0.0/24")
	l.redis("early", "172.30.0.2", nat.PortBinding{HostIP: "127.0.0.1", HostPort: "7001"})
	l.redis("early", "172.30.0.3", nat.PortBinding{HostIP: "0.0.0.0", HostPort: "7002"})
	silent := l.redis("early", "172.30.0.4")
	for _, to := range []string{"127.0.0.0/8", "172.17.0.0/16"} {
		l.succeeds(n.Route(ctx, netip.MustParsePrefix(to)))
	}
	l.network("late", "172.31.0.0/24")
	l.redis("late", "172.31.0.2", nat.PortBinding{HostIP: "127.0.0.1", HostPort: "7003"})
	l.redis("bridge", "172.17.0.2", nat.PortBinding{HostIP: "127.0.0.1", HostPort: "7004"}) // where the first one comes to be

	for _, policy := range []string{"DROP", "ACCEPT"} {
		_, err := p.Run(ctx, "iptables", "-P", "FORWARD", policy)
		l.succeeds(err)

		l.knock("FORWARD "+policy+", wall", map[string]error{doors[0].what: syscall.ECONNREFUSED}, context.DeadlineExceeded)
		l.goesOn(silent)

		l.succeeds(errors.Join(p.Wall(ctx), p.Raze(ctx))) // once is enough, though it was put up twice
		closed := map[string]error{doors[0].what: syscall.ECONNREFUSED}
		if policy == "DROP" {
			closed["not published, at the container's address"] = context.DeadlineExceeded
		}
		l.knock("FORWARD "+policy+", no wall", closed, nil)
		l.succeeds(p.Wall(ctx))
	}
	l.succeeds(p.Raze(ctx))
	if left, err := p.Run(ctx, "iptables-save"); err != nil || strings.Contains(left, "minibot") {
		t.Errorf("the wall is not gone: %v\n%s", err, left)
	}
}

// lan is a private engine and its neighbour.
type lan struct {
	*testing.T
	ctx   context.Context
	p     *Private
	n     *Neighbour
	image string
}

func (l lan) succeeds(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// network makes one that the neighbour has a route to.
func (l lan) network(name, subnet string) {
	l.Helper()
	ipam := &network.IPAM{Config: []network.IPAMConfig{{Subnet: subnet}}}
	_, err := l.p.Client.NetworkCreate(l.ctx, name, network.CreateOptions{IPAM: ipam})
	l.succeeds(errors.Join(err, l.n.Route(l.ctx, netip.MustParsePrefix(subnet))))
}

// redis starts one on that network, which gives it that address.
func (l lan) redis(name, ip string, publish ...nat.PortBinding) *instance {
	l.Helper()
	config := &container.Config{Image: l.image, ExposedPorts: nat.PortSet{"6379/tcp": {}}}
	hostConfig := &container.HostConfig{NetworkMode: container.NetworkMode(name), PortBindings: nat.PortMap{"6379/tcp": publish}}
	endpoint := &network.EndpointSettings{}
	if name != "bridge" {
		endpoint.IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: ip}
	}
	created, err := l.p.Client.ContainerCreate(l.ctx, config, hostConfig,
		&network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{name: endpoint}}, nil, "")
	l.succeeds(err)
	l.succeeds(l.p.Client.ContainerStart(l.ctx, created.ID, container.StartOptions{}))
	waitFor(l.T, "Redis at "+ip, func() error { return says(l.ctx, l.p, ip+":6379", "PING", "+PONG") })
	return &instance{cli: l.p.Client, id: created.ID}
}

// knock has the neighbour try every door; want is what comes of those that are not in special.
func (l lan) knock(when string, special map[string]error, want error) {
	l.Helper()
	var all sync.WaitGroup
	for _, door := range doors {
		want := want
		if err, ok := special[door.what]; ok {
			want = err
		}
		all.Go(func() {
			if err := l.n.pong(l.ctx, door.address); !errors.Is(err, want) {
				l.Errorf("%s: %s: %v, want %v", when, door.what, err, want)
			}
		})
	}
	all.Wait()
}

// goesOn holds what a wall must leave alone: this machine reaches its ports, and a container reaches another machine and
// a container of its own network.
func (l lan) goesOn(from *instance) {
	l.Helper()
	l.succeeds(says(l.ctx, l.p, "127.0.0.1:7001", "PING", "+PONG"))
	l.succeeds(from.says(l.ctx, "PONG", "redis-cli", "-h", "172.30.0.2", "PING"))
	listener, err := l.n.Listen()
	l.succeeds(err)
	defer listener.Close()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = io.WriteString(conn, "+out it goes\r\n")
			conn.Close()
		}
	}()
	host, port, err := net.SplitHostPort(listener.Addr().String())
	l.succeeds(err)
	l.succeeds(from.says(l.ctx, "out it goes", "redis-cli", "-h", host, "-p", port, "PING"))
}

// pong asks a Redis for a sign of life.
func (n *Neighbour) pong(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := n.Dial(ctx, "tcp", address)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return context.DeadlineExceeded
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return err
	}
	if said, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(said, "+PONG") {
		return fmt.Errorf("it says %q, %w", said, err)
	}
	return nil
}
