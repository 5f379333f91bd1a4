package host

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// parseNetstat reads the output of macOS's `netstat -anl -p tcp` or udp and keeps the listeners. A row in the state LISTEN
// that it does not understand is an error; other rows are none of its business.
func parseNetstat(out []byte, protocol string) ([]Listener, error) {
	var list []Listener
	header := false
	for line := range bytes.Lines(out) {
		fields := strings.Fields(string(line))
		const family, local, foreign, state = 0, 3, 4, 5
		switch {
		case len(fields) > 0 && fields[family] == "Proto":
			header = true
			continue
		case len(fields) <= foreign || !strings.HasPrefix(fields[family], protocol):
			continue
		case protocol == "tcp" && (len(fields) <= state || fields[state] != "LISTEN"):
			continue
		case protocol == "udp" && (fields[foreign] != "*.*" || fields[local] == "*.*"):
			continue
		}
		addr, err := parseNetstatAddr(fields[family], fields[local])
		if err != nil {
			return nil, err
		}
		list = append(list, Listener{Protocol: protocol, Addr: addr})
	}
	if !header {
		return nil, fmt.Errorf("no table of sockets in %.80q", out)
	}
	return list, nil
}

// parseNetstatAddr reads `127.0.0.1.5432`, `*.22`, `::1.631` and `fe80::1%lo0.631`: the port follows the last dot.
func parseNetstatAddr(family, text string) (netip.AddrPort, error) {
	dot := strings.LastIndexByte(text, '.')
	if dot < 0 {
		return netip.AddrPort{}, fmt.Errorf("not an address: %.80q", text)
	}
	port, err := strconv.ParseUint(text[dot+1:], 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("not a port: %.80q", text)
	}
	if text[:dot] == "*" {
		if strings.HasSuffix(family, "4") {
			return netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port)), nil
		}
		return netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(port)), nil
	}
	addr, err := netip.ParseAddr(text[:dot])
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("not an address: %.80q", text)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), nil
}

// lsofOwners asks lsof, which shows a user his own processes: the runtimes that publish ports are among them.
// Status 1 with no output is lsof's way to say that it found none.
func (m Machine) lsofOwners(ctx context.Context, list []Listener) error {
	out, err := m.Run(ctx, "/usr/sbin/lsof", "-nP", "-iTCP", "-sTCP:LISTEN", "-F", "pcn")
	if _, none := ended(err, 1); err != nil && !none {
		return err
	}
	owners := parseLsof(out)
	for i, one := range list {
		if one.Protocol != "tcp" {
			continue
		}
		for _, owner := range owners {
			if owner.listens(one.Addr) && (list[i].PID == 0 || owner.pid < list[i].PID) {
				list[i].PID, list[i].Process = owner.pid, owner.process
			}
		}
	}
	return nil
}

// lsofOwner is a process and where one of its sockets listens; an invalid address stands for lsof's `*`,
// which is every address of either family.
type lsofOwner struct {
	pid     int
	process string
	addr    netip.Addr
	port    uint16
}

func (o lsofOwner) listens(at netip.AddrPort) bool {
	return o.port == at.Port() && (o.addr == at.Addr() || !o.addr.IsValid() && at.Addr().IsUnspecified())
}

// parseLsof reads the output of `lsof -F pcn`: a line for each field, its first byte naming it. A name it
// does not understand is passed over, as an owner may stay unknown.
func parseLsof(out []byte) []lsofOwner {
	var owners []lsofOwner
	var current lsofOwner
	for line := range bytes.Lines(out) {
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			continue
		}
		switch field, value := text[0], text[1:]; field {
		case 'p':
			pid, err := strconv.Atoi(value)
			if err != nil || pid < 0 {
				pid = 0
			}
			current = lsofOwner{pid: pid}
		case 'c':
			current.process = printable(strings.ReplaceAll(value, `\x20`, " "))
		case 'n':
			if owner, ok := current.at(value); ok && current.pid > 0 {
				owners = append(owners, owner)
			}
		}
	}
	return owners
}

// at adds to an owner the address lsof calls `127.0.0.1:5432`, `[::1]:631` or `*:22`.
func (o lsofOwner) at(name string) (lsofOwner, bool) {
	if portText, ok := strings.CutPrefix(name, "*:"); ok {
		port, err := strconv.ParseUint(portText, 10, 16)
		o.port = uint16(port)
		return o, err == nil
	}
	at, err := netip.ParseAddrPort(name)
	o.addr, o.port = at.Addr().Unmap(), at.Port()
	return o, err == nil
}
