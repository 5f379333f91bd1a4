package verify

import (
	"context"
	"net/netip"

	"minibot/internal/host"
)

// Machine shows the machine that minibot runs on. An error means that a fact could not be
// read, or, as host.ErrNotApplicable, that this kind of machine does not have it.
type Machine interface {
	// Firewall is the state of the macOS application firewall.
	Firewall(ctx context.Context) (host.FirewallState, error)
	// Listeners are all sockets that wait for others.
	Listeners(ctx context.Context) ([]host.Listener, error)
	// Owners adds to listeners the processes that this user may know.
	Owners(ctx context.Context, listeners []host.Listener) ([]host.Listener, error)
	// Addresses are the machine's own at which others may reach it, but none that lies in except.
	Addresses(except []netip.Prefix) ([]netip.Addr, error)
}

// Host is the real machine, by package host.
type Host struct{}

// Firewall asks the system's own tool; that takes up to 5 seconds.
func (Host) Firewall(ctx context.Context) (host.FirewallState, error) {
	return host.This().Firewall(ctx)
}

// Listeners reads the system's tables of sockets.
func (Host) Listeners(ctx context.Context) ([]host.Listener, error) {
	return host.This().Listeners(ctx)
}

// Owners looks through the processes.
func (Host) Owners(ctx context.Context, listeners []host.Listener) ([]host.Listener, error) {
	return host.This().Owners(ctx, listeners)
}

// Addresses reads the network interfaces.
func (Host) Addresses(except []netip.Prefix) ([]netip.Addr, error) {
	return host.This().Addresses(except)
}
