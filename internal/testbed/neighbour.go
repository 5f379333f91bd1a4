package testbed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
)

// The wire between a private engine's machine and its neighbour: its name at both ends, and their addresses on it.
const (
	wire        = "lan0"
	HostOnWire  = "192.168.42.10"
	HostOnWire6 = "fd42::10"
	neighbour   = "192.168.42.20"
	neighbour6  = "fd42::20"
)

// Neighbour is another machine on the same wire as a private engine's, and nothing else: what it reaches, anybody on the
// same LAN can reach. It knows no Docker and has no rights on the other machine; it may write any address on a packet.
type Neighbour struct{ net *netns }

// Neighbour plugs a machine into a wire with the engine's. There can be one at a time. It needs the ip program. When
// the engine is killed, the wire is gone. The caller is to Close it.
func (p *Private) Neighbour(ctx context.Context) (*Neighbour, error) {
	machine, err := newNetns()
	if err != nil {
		return nil, err
	}
	n := &Neighbour{net: machine}
	type command func(ctx context.Context, args ...string) error
	for _, step := range []struct {
		ip   command
		args []string
	}{
		{p.ip, []string{"link", "add", wire, "type", "veth", "peer", "name", wire, "netns", machine.path()}},
		{p.ip, []string{"address", "add", HostOnWire + "/24", "dev", wire}},
		{p.ip, []string{"address", "add", HostOnWire6 + "/64", "dev", wire, "nodad"}},
		{p.ip, []string{"link", "set", wire, "up"}},
		{n.ip, []string{"address", "add", neighbour + "/24", "dev", wire}},
		{n.ip, []string{"address", "add", neighbour6 + "/64", "dev", wire, "nodad"}},
		{n.ip, []string{"link", "set", wire, "up"}},
	} {
		if err := step.ip(ctx, step.args...); err != nil {
			n.Close()
			return nil, fmt.Errorf("neighbour: %w", err)
		}
	}
	return n, nil
}

// Route has the neighbour send what is for those addresses over the wire to the engine's machine, which a router would
// not do: the engine's bridges, or even 127.0.0.0/8, of which no packet should ever be seen on a wire.
func (n *Neighbour) Route(ctx context.Context, to netip.Prefix) error {
	if to.Addr().IsLoopback() {
		if err := errors.Join(
			n.ip(ctx, "address", "flush", "dev", "lo"), // or it would send them to itself, and take the answers for forged
			n.net.do(func() error { return os.WriteFile("/proc/sys/net/ipv4/conf/all/route_localnet", []byte("1"), 0o644) }),
		); err != nil {
			return fmt.Errorf("neighbour: %w", err)
		}
	}
	if err := n.ip(ctx, "route", "replace", to.String(), "via", HostOnWire, "dev", wire, "src", neighbour); err != nil {
		return fmt.Errorf("neighbour: %w", err)
	}
	return nil
}

// Dial connects to an IP address and port as the neighbour sees it. It is what an http.Transport takes.
func (n *Neighbour) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = n.net.do(func() error {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen listens on the neighbour, for what the engine's containers call.
func (n *Neighbour) Listen() (listener net.Listener, err error) {
	err = n.net.do(func() error {
		listener, err = net.Listen("tcp", neighbour+":0")
		return err
	})
	return listener, err
}

// Close unplugs the neighbour. Connections that it has lose theirs.
func (n *Neighbour) Close() { n.net.close() }

func (n *Neighbour) ip(ctx context.Context, args ...string) error {
	return n.net.do(func() error {
		_, err := run(ctx, "", nil, "ip", args...)
		return err
	})
}

func (p *Private) ip(ctx context.Context, args ...string) error {
	_, err := p.Run(ctx, "ip", args...)
	return err
}
