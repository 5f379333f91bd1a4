package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
)

// Listener is a socket that waits for others: a TCP socket that listens, or a UDP socket without a peer, which may
// also be a client's.
type Listener struct {
	Protocol string // "tcp" or "udp"

	// Addr is where it is bound. 0.0.0.0 is every IPv4 address; :: is every IPv6 address and, unless the program
	// asked otherwise, every IPv4 address too. IPv4 within IPv6 is shown as IPv4.
	Addr netip.AddrPort

	// PID and Process are filled by [Machine.Owners] where they can be known; else 0 and "".
	PID     int
	Process string

	// Inode is the socket's number on Linux, by which its owner is found; 0 elsewhere.
	Inode uint64
}

// Listeners lists all listeners of the machine (on Linux: of this network namespace), in the order of their
// addresses, without their owners. It needs no root. What cannot be read or understood is an error,
// since a listener overlooked would pass for none; so is another system, as [ErrNotApplicable].
//
// A port that Docker forwards by NAT alone, without its userland proxy, has no listener: only a dial shows it
// (facts/network-security.md §2.3).
func (m Machine) Listeners(ctx context.Context) ([]Listener, error) {
	var list []Listener
	var err error
	switch m.GOOS {
	case "linux":
		list, err = m.procListeners()
	case "darwin":
		list, err = m.netstatListeners(ctx)
	default:
		err = fmt.Errorf("%w: listeners are read on Linux and macOS, and this is %s", ErrNotApplicable, m.GOOS)
	}
	if err != nil {
		return nil, fmt.Errorf("listeners: %w", err)
	}
	slices.SortFunc(list, func(a, b Listener) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Inode, b.Inode))
	})
	return list, nil
}

// Owners returns a copy of the listeners with PID and Process filled where this user may know them. Without
// root, that is his own processes' only; to know nothing is no error. On macOS, owners of UDP sockets are not looked up.
// Of several processes that share a socket, the one with the lowest PID is named.
func (m Machine) Owners(ctx context.Context, listeners []Listener) ([]Listener, error) {
	owned := slices.Clone(listeners)
	var err error
	switch m.GOOS {
	case "linux":
		err = m.procOwners(ctx, owned)
	case "darwin":
		err = m.lsofOwners(ctx, owned)
	default:
		err = fmt.Errorf("%w: owners are read on Linux and macOS, and this is %s", ErrNotApplicable, m.GOOS)
	}
	if err != nil {
		return nil, fmt.Errorf("owners of listeners: %w", err)
	}
	return owned, nil
}

// procListeners reads Linux's four tables. Those of IPv6 are absent where the kernel has none.
func (m Machine) procListeners() ([]Listener, error) {
	var list []Listener
	proc := m.proc()
	for _, table := range []struct {
		path, protocol string
		optional       bool
	}{
		{path: "net/tcp", protocol: "tcp"},
		{path: "net/tcp6", protocol: "tcp", optional: true},
		{path: "net/udp", protocol: "udp"},
		{path: "net/udp6", protocol: "udp", optional: true},
	} {
		data, err := fs.ReadFile(proc, table.path)
		if table.optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found, err := parseProcNet(data, table.protocol)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table.path, err)
		}
		list = append(list, found...)
	}
	return list, nil
}

// netstatListeners asks macOS's netstat, which shows every user's sockets to all. -l keeps it from cutting IPv6
// addresses short.
func (m Machine) netstatListeners(ctx context.Context) ([]Listener, error) {
	var list []Listener
	for _, protocol := range []string{"tcp", "udp"} {
		out, err := m.Run(ctx, "/usr/sbin/netstat", "-a", "-n", "-l", "-p", protocol)
		if err != nil {
			return nil, err
		}
		found, err := parseNetstat(out, protocol)
		if err != nil {
			return nil, fmt.Errorf("netstat: %w", err)
		}
		list = append(list, found...)
	}
	return list, nil
}
