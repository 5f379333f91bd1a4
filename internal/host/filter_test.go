package host

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"minibot/golden"
)

// TestFilter runs the cases in golden/filter: rule sets, and the ways that they leave open. The real ones were
// recorded; the others were loaded by the real tools first.
func TestFilter(t *testing.T) {
	golden.Run(t, "filter", func(t *testing.T, c golden.Case) map[string]string {
		filter, err := filterOf(t, c)
		if err != nil {
			return map[string]string{"ways": "error: " + err.Error() + "\n"}
		}
		out := "none\n"
		if ways := filter.Ways(question(t, c.File(t, "ask"))); ways != nil {
			out = strings.Join(texts(ways), "\n") + "\n"
		}
		if filter.Forwards() {
			out += "forwards by default\n"
		}
		return map[string]string{"ways": out}
	})
}

func filterOf(t *testing.T, c golden.Case) (Filter, error) {
	var all Filter
	for section, read := range map[string]func([]byte) (Filter, error){
		"iptables":  func(out []byte) (Filter, error) { return ParseIPTables(out, false) },
		"ip6tables": func(out []byte) (Filter, error) { return ParseIPTables(out, true) },
		"nft":       ParseNFT,
	} {
		if !c.Has(section) {
			continue
		}
		one, err := read([]byte(c.File(t, section)))
		if err != nil {
			return Filter{}, err
		}
		all.tables = append(all.tables, one.tables...)
	}
	return all, nil
}

// question reads lines: lan INTERFACE, bridge INTERFACE SUBNET..., port ADDRESS:PORT/PROTOCOL.
func question(t *testing.T, text string) (lan []string, bridges []Bridge, published []Published) {
	t.Helper()
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch fields[0] {
		case "lan":
			lan = append(lan, fields[1])
		case "bridge":
			bridge := Bridge{Interface: fields[1]}
			for _, subnet := range fields[2:] {
				bridge.Subnets = append(bridge.Subnets, netip.MustParsePrefix(subnet))
			}
			bridges = append(bridges, bridge)
		case "port":
			addr, protocol, _ := strings.Cut(fields[1], "/")
			published = append(published, Published{protocol, netip.MustParseAddrPort(addr)})
		default:
			t.Fatalf("no such line: %s", line)
		}
	}
	return lan, bridges, published
}

func texts[T fmt.Stringer](all []T) []string {
	var texts []string
	for _, one := range all {
		texts = append(texts, one.String())
	}
	return texts
}

// A rule set never proves more than the same one before an ACCEPT for all was put at its head.
func TestFilterWithAcceptFirst(t *testing.T) {
	for _, c := range golden.Cases(t, "filter") {
		if !c.Has("iptables") || strings.HasPrefix(c.Name, "unreadable") {
			continue
		}
		filter, err := filterOf(t, c)
		if err != nil {
			t.Fatal(err)
		}
		lan, bridges, published := question(t, c.File(t, "ask"))
		all := len(Filter{}.Ways(lan, bridges, published))
		for i := range filter.tables {
			for _, b := range filter.tables[i].bases {
				rules := filter.tables[i].chains[b.chain]
				filter.tables[i].chains[b.chain] = append([]rule{{verdict: accept}}, rules...)
			}
		}
		if got := len(filter.Ways(lan, bridges, published)); got != all {
			t.Errorf("%s: %d ways of %d are open though every table accepts all first", c.Name, got, all)
		}
	}
}

// A chain that jumps to itself is no rule set of a kernel; it must not hang.
func TestFilterLoop(t *testing.T) {
	const save = "*filter\n:FORWARD DROP [0:0]\n:A - [0:0]\n:B - [0:0]\n-A FORWARD -j A\n-A A -j B\n-A B -g A\nCOMMIT\n"
	filter, err := ParseIPTables([]byte(save), false)
	if err != nil {
		t.Fatal(err)
	}
	bridge := Bridge{"br-1", []netip.Prefix{netip.MustParsePrefix("172.18.0.0/16")}}
	if ways := filter.Ways([]string{"eth0"}, []Bridge{bridge}, nil); len(ways) != 1 {
		t.Errorf("%v", ways)
	}
}

func FuzzIPTables(f *testing.F) {
	for _, c := range golden.Cases(f, "filter") {
		if c.Has("iptables") {
			f.Add([]byte(c.Section("iptables")), false)
		}
	}
	bridge := Bridge{"br-9ad9bd149ff4", []netip.Prefix{netip.MustParsePrefix("172.18.0.0/16")}}
	f.Fuzz(func(t *testing.T, save []byte, v6 bool) {
		if filter, err := ParseIPTables(save, v6); err == nil {
			filter.Ways([]string{"eth0"}, []Bridge{bridge}, []Published{{"tcp", netip.MustParseAddrPort("127.0.0.1:5432")}})
		}
	})
}

func FuzzNFT(f *testing.F) {
	for _, c := range golden.Cases(f, "filter") {
		if c.Has("nft") {
			f.Add([]byte(c.Section("nft")))
		}
	}
	bridge := Bridge{"br-9ad9bd149ff4", []netip.Prefix{netip.MustParsePrefix("172.18.0.0/16")}}
	f.Fuzz(func(t *testing.T, out []byte) {
		if filter, err := ParseNFT(out); err == nil {
			filter.Ways([]string{"eth0"}, []Bridge{bridge}, []Published{{"tcp", netip.MustParseAddrPort("127.0.0.1:5432")}})
		}
	})
}
