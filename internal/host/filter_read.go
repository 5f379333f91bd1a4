package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
)

// Filter reads the packet filter: of IPv4, with v6 of IPv6 too, and tables that nft alone knows. Only root may; another gets
// [ErrNeedsRoot]. A machine without iptables and nft is an error, since its engine filters all the same.
func (m Machine) Filter(ctx context.Context, v6 bool) (Filter, error) {
	if err := m.only("linux"); err != nil {
		return Filter{}, err
	}
	if !m.Root {
		return Filter{}, fmt.Errorf("packet filter: %w", ErrNeedsRoot)
	}
	var all Filter
	read := 0
	for _, source := range []struct {
		name  string
		args  []string
		parse func([]byte) (Filter, error)
		of    bool
	}{
		{"iptables-save", nil, func(out []byte) (Filter, error) { return ParseIPTables(out, false) }, true},
		{"ip6tables-save", nil, func(out []byte) (Filter, error) { return ParseIPTables(out, true) }, v6},
		{"nft", []string{"-j", "list", "ruleset"}, ParseNFT, true},
	} {
		path, err := m.tool(source.name)
		if !source.of || errors.Is(err, ErrNotInstalled) {
			continue
		}
		out, err := m.Run(ctx, append([]string{path}, source.args...)...)
		if err != nil {
			return Filter{}, fmt.Errorf("packet filter: %w", err)
		}
		one, err := source.parse(out)
		if err != nil {
			return Filter{}, err
		}
		all.tables = append(all.tables, one.tables...)
		read++
	}
	if read == 0 {
		return Filter{}, fmt.Errorf("packet filter: iptables-save and nft: %w", ErrNotInstalled)
	}
	return all, nil
}

// ownLink is the name of an interface that Docker makes: a bridge, or the outer end of a container's pair.
var ownLink = regexp.MustCompile(`^(lo|docker0|docker_gwbridge|br-[0-9a-f]{12}|veth[0-9a-f]{7})$`)

// LAN lists the interfaces on which this machine may have neighbours: those that are up, but not the loopback one, not the
// bridges and those that Docker makes, and no port of a bridge, whose packets come in at the bridge. Interfaces of a VPN and
// bridges of virtual machines are in.
func (m Machine) LAN(bridges []Bridge) ([]string, error) {
	list, err := m.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("network interfaces: %w", err)
	}
	var names []string
	for _, one := range list {
		own := ownLink.MatchString(one.Name) || slices.ContainsFunc(bridges, func(b Bridge) bool { return b.Interface == one.Name })
		if !one.Up || own {
			continue
		}
		if _, err := fs.Stat(m.Files, "sys/class/net/"+one.Name+"/brport"); err == nil {
			continue
		}
		names = append(names, one.Name)
	}
	slices.Sort(names)
	return names, nil
}
