package host

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cidr is an interface's address as net.Interface.Addrs returns it.
func cidr(t testing.TB, texts ...string) []net.Addr {
	var addrs []net.Addr
	for _, text := range texts {
		ip, network, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, &net.IPNet{IP: ip, Mask: network.Mask})
	}
	return addrs
}

func TestAddresses(t *testing.T) {
	docker := []netip.Prefix{netip.MustParsePrefix("172.17.0.0/16"), netip.MustParsePrefix("fd00:d0c::/64")}
	for name, test := range map[string]struct {
		list   []Interface
		except []netip.Prefix
		want   []string
	}{
		"a Mac": {
			list: []Interface{
				{"lo0", true, cidr(t, "127.0.0.1/8", "::1/128", "fe80::1/64")},
				{"en0", true, cidr(t, "192.168.1.10/24", "fe80::4f:1/64", "2a02:8388::10/64")},
				{"en1", false, cidr(t, "192.168.1.11/24")},
				{"utun4", true, cidr(t, "100.101.102.103/32", "fd7a:115c:a1e0::1/48")},
				{"bridge100", true, cidr(t, "192.168.64.1/24")},
			},
			want: []string{"100.101.102.103", "192.168.1.10", "192.168.64.1", "2a02:8388::10", "fd7a:115c:a1e0::1"},
		},
		"a Linux host with Docker": {
			list: []Interface{
				{"lo", true, cidr(t, "127.0.0.1/8")},
				{"eth0", true, cidr(t, "10.0.0.5/24")},
				{"docker0", true, cidr(t, "172.17.0.1/16", "fd00:d0c::1/64")},
				{"br-1234", true, cidr(t, "172.30.0.1/24")},
				{"br-0123456789ab", true, cidr(t, "172.31.0.1/24")},
				{"vethab12345", true, cidr(t, "169.254.7.7/16")},
				{"tailscale0", true, cidr(t, "100.64.0.7/32")},
			},
			except: docker,
			want:   []string{"10.0.0.5", "100.64.0.7", "172.30.0.1"}, // 172.30: a bridge nobody named
		},
		"an address on loopback that is none": {
			list: []Interface{{"lo", true, cidr(t, "127.0.0.1/8", "10.9.9.9/32")}},
			want: []string{"10.9.9.9"},
		},
		"twice, and out of order": {
			list: []Interface{{"b", true, cidr(t, "10.0.0.9/24", "10.0.0.5/24")}, {"a", true, cidr(t, "10.0.0.9/24")}},
			want: []string{"10.0.0.5", "10.0.0.9"},
		},
		"no lease":    {list: []Interface{{"en0", true, cidr(t, "169.254.10.1/16")}}, want: []string{"169.254.10.1"}},
		"no network":  {list: []Interface{{"lo", true, cidr(t, "127.0.0.1/8")}}},
		"odd entries": {list: []Interface{{"x", true, []net.Addr{&net.IPAddr{IP: net.IPv4(10, 1, 1, 1)}, &net.UnixAddr{}, &net.IPNet{}, &net.IPNet{IP: net.IPv4zero}, &net.IPNet{IP: net.IPv4(224, 0, 0, 1)}}}}, want: []string{"10.1.1.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := Machine{Interfaces: func() ([]Interface, error) { return test.list, nil }}
			addrs, err := m.Addresses(test.except)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, addr := range addrs {
				got = append(got, addr.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddressesUnreadable(t *testing.T) {
	broken := errors.New("netlink: permission denied")
	addrs, err := Machine{Interfaces: func() ([]Interface, error) { return nil, broken }}.Addresses(nil)
	if !errors.Is(err, broken) || addrs != nil {
		t.Errorf("%v, %v", addrs, err)
	}
}

// The machine the test runs on has interfaces that can be read; what they are is its own affair.
func TestAddressesOfThisMachine(t *testing.T) {
	addrs, err := This().Addresses(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range addrs {
		if addr.IsLoopback() || addr.IsUnspecified() || addr.Is4In6() {
			t.Errorf("%v", addr)
		}
	}
}
