package host

import (
	"errors"
	"net/netip"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"minibot/golden"
)

func TestReadFilter(t *testing.T) {
	c := goldenCase(t, "raw")
	iptables, nothing := c.File(t, "iptables"), `{"nftables": [{"metainfo": {"version": "1.0.6"}}]}`
	bridge := Bridge{"br-9ad9bd149ff4", []netip.Prefix{netip.MustParsePrefix("172.18.0.0/16")}}
	files := func(tools ...string) fstest.MapFS {
		all := fstest.MapFS{}
		for _, tool := range tools {
			all["usr/sbin/"+tool] = &fstest.MapFile{Mode: 0o755}
		}
		return all
	}
	broken := errors.New("exec format error")
	for name, test := range map[string]struct {
		m    Machine
		v6   bool
		open int
		err  error
	}{
		"closed": {
			m: Machine{GOOS: "linux", Root: true, Files: files("iptables-save", "nft"),
				Run: said{"/usr/sbin/iptables-save": {out: iptables}, "/usr/sbin/nft -j list ruleset": {out: nothing}}.run},
		},
		"by nft alone": {
			m: Machine{GOOS: "linux", Root: true, Files: files("nft"),
				Run: said{"/usr/sbin/nft -j list ruleset": {out: goldenCase(t, "nft-raw").File(t, "nft")}}.run},
		},
		"open": {
			m: Machine{GOOS: "linux", Root: true, Files: files("iptables-save", "ip6tables-save"),
				Run: said{"/usr/sbin/iptables-save": {}, "/usr/sbin/ip6tables-save": {}}.run},
			v6: true, open: 1,
		},
		"one of two fails": {
			m: Machine{GOOS: "linux", Root: true, Files: files("iptables-save", "nft"),
				Run: said{"/usr/sbin/iptables-save": {out: iptables}, "/usr/sbin/nft -j list ruleset": {err: broken}}.run},
			err: broken,
		},
		"no tool":  {m: Machine{GOOS: "linux", Root: true, Files: files()}, err: ErrNotInstalled},
		"not root": {m: Machine{GOOS: "linux", Files: files("iptables-save")}, err: ErrNeedsRoot},
		"macOS":    {m: Machine{GOOS: "darwin", Root: true}, err: ErrNotApplicable},
	} {
		t.Run(name, func(t *testing.T) {
			filter, err := test.m.Filter(t.Context(), test.v6)
			if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
				t.Fatalf("error %v", err)
			}
			if ways := filter.Ways([]string{"eth0"}, []Bridge{bridge}, nil); err == nil && len(ways) != test.open {
				t.Errorf("open: %v", ways)
			}
		})
	}
}

func goldenCase(t *testing.T, name string) golden.Case {
	t.Helper()
	for _, c := range golden.Cases(t, "filter") {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no case %s", name)
	return golden.Case{}
}

func TestLAN(t *testing.T) {
	var list []Interface
	for _, name := range []string{"lo", "eth0", "docker0", "br-0123456789ab", "minibr", "veth1a2b3c4", "vnet3", "virbr0", "tailscale0", "veth0"} {
		list = append(list, Interface{Name: name, Up: true})
	}
	list = append(list, Interface{Name: "wlan0"})
	m := Machine{Interfaces: func() ([]Interface, error) { return list, nil }, Files: fstest.MapFS{
		"sys/class/net/vnet3/brport/path_cost": {}, "sys/class/net/eth0/mtu": {},
	}}
	got, err := m.LAN([]Bridge{{Interface: "minibr"}})
	if diff := cmp.Diff([]string{"eth0", "tailscale0", "veth0", "virbr0"}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	broken := errors.New("netlink: permission denied")
	m.Interfaces = func() ([]Interface, error) { return nil, broken }
	if got, err := m.LAN(nil); !errors.Is(err, broken) || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}
