package host

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The rows are of public captures of macOS, put together here; see facts/network-security.md §2.3.
const (
	netstatTCP = `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address                                 Foreign Address                               (state)    
tcp4       0      0  192.168.1.10.52011                            17.57.146.20.5223                             ESTABLISHED
tcp4       0      0  127.0.0.1.5432                                *.*                                           LISTEN     
tcp46      0      0  *.3283                                        *.*                                           LISTEN     
tcp4       0      0  *.88                                          *.*                                           LISTEN     
tcp6       0      0  *.88                                          *.*                                           LISTEN     
tcp6       0      0  ::1.631                                       *.*                                           LISTEN     
tcp6       0      0  fe80::1%lo0.631                               *.*                                           LISTEN     
tcp6       0      0  fd7a:115c:a1e0:ab12:4843:cd96:6258:1234.443   *.*                                           LISTEN     
tcp4       0      0  127.0.0.1.62965                               127.0.0.1.12345                               TIME_WAIT  
tcp4       0      0  *.*                                           *.*                                           CLOSED     
`
	netstatUDP = `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address                                 Foreign Address                               (state)    
udp4       0      0  *.5353                                        *.*                                                      
udp6       0      0  *.5353                                        *.*                                                      
udp4       0      0  192.168.1.10.60123                            17.253.4.125.123                                         
udp46      0      0  *.*                                           *.*                                                      
`
	lsofTCP = "p600\nccom.docker.backend\nf50\nn127.0.0.1:5432\nf51\nn*:3283\np310\ncOrbStack\\x20Helper\nf9\nn[::1]:631\n" +
		"f10\nn[fe80::1%lo0]:631\np250\ncother\nf3\nn*:3283\n"

	netstatTCPLine = "/usr/sbin/netstat -a -n -l -p tcp"
	netstatUDPLine = "/usr/sbin/netstat -a -n -l -p udp"
	lsofLine       = "/usr/sbin/lsof -nP -iTCP -sTCP:LISTEN -F pcn"
)

func TestListenersOnMacOS(t *testing.T) {
	m := Machine{GOOS: "darwin", Run: said{netstatTCPLine: {out: netstatTCP}, netstatUDPLine: {out: netstatUDP}, lsofLine: {out: lsofTCP}}.run}
	got, err := m.Listeners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []Listener{
		{Protocol: "tcp", Addr: at("0.0.0.0:88")},
		{Protocol: "udp", Addr: at("0.0.0.0:5353")},
		{Protocol: "tcp", Addr: at("127.0.0.1:5432")},
		{Protocol: "tcp", Addr: at("[::]:88")},
		{Protocol: "tcp", Addr: at("[::]:3283")},
		{Protocol: "udp", Addr: at("[::]:5353")},
		{Protocol: "tcp", Addr: at("[::1]:631")},
		{Protocol: "tcp", Addr: at("[fd7a:115c:a1e0:ab12:4843:cd96:6258:1234]:443")},
		{Protocol: "tcp", Addr: at("[fe80::1%lo0]:631")},
	}
	if diff := cmp.Diff(want, got, compareAddrs); diff != "" {
		t.Errorf("listeners (-want +got):\n%s", diff)
	}

	got, err = m.Owners(t.Context(), got)
	if err != nil {
		t.Fatal(err)
	}
	for i, owner := range map[int]struct {
		pid  int
		name string
	}{2: {600, "com.docker.backend"}, 4: {250, "other"}, 6: {310, "OrbStack Helper"}, 8: {310, "OrbStack Helper"}} {
		want[i].PID, want[i].Process = owner.pid, owner.name
	}
	if diff := cmp.Diff(want, got, compareAddrs); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
}

func TestListenersOnMacOSUnreadable(t *testing.T) {
	broken := errors.New("no such file")
	for name, said := range map[string]said{
		"no tool":            {netstatTCPLine: {err: broken}, netstatUDPLine: {out: netstatUDP}},
		"words and a status": {netstatTCPLine: {out: netstatTCP, err: broken}, netstatUDPLine: {out: netstatUDP}},
		"no tool, UDP":       {netstatTCPLine: {out: netstatTCP}, netstatUDPLine: {err: broken}},
		"empty":              {netstatTCPLine: {}, netstatUDPLine: {out: netstatUDP}},
		"garbage":            {netstatTCPLine: {out: "\x00\xff\n\n"}, netstatUDPLine: {out: netstatUDP}},
		"cut short": {netstatTCPLine: {out: strings.Replace(netstatTCP, "fd7a:115c:a1e0:ab12:4843:cd96:6258:1234.443", "fd7a:115c:a1e0:a.443", 1)},
			netstatUDPLine: {out: netstatUDP}},
		"no port":        {netstatTCPLine: {out: strings.Replace(netstatTCP, "127.0.0.1.5432", "127.0.0.1.http", 1)}, netstatUDPLine: {out: netstatUDP}},
		"no dot":         {netstatTCPLine: {out: strings.Replace(netstatTCP, "127.0.0.1.5432", "localhost", 1)}, netstatUDPLine: {out: netstatUDP}},
		"a port too big": {netstatTCPLine: {out: strings.Replace(netstatTCP, "127.0.0.1.5432", "127.0.0.1.75432", 1)}, netstatUDPLine: {out: netstatUDP}},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := Machine{GOOS: "darwin", Run: said.run}.Listeners(t.Context())
			if err == nil || list != nil {
				t.Errorf("%v, %v", list, err)
			}
		})
	}
}

func TestOwnersOnMacOSUnknown(t *testing.T) {
	broken := errors.New("no such file")
	list := []Listener{{Protocol: "tcp", Addr: at("127.0.0.1:5432")}, {Protocol: "udp", Addr: at("127.0.0.1:5432")}}
	for name, test := range map[string]struct {
		out  string
		err  error
		fail bool
		pid  int
	}{
		"nothing shown":         {err: exitStatus(1)},
		"some, and status 1":    {out: lsofTCP, err: exitStatus(1), pid: 600},
		"no tool":               {err: broken, fail: true},
		"another status":        {err: exitStatus(2), fail: true},
		"garbage":               {out: "\n\x00\nn\np\npx\nc\nn127.0.0.1:5432\np-4\nn127.0.0.1:5432\nn*:x\n"},
		"a socket without name": {out: "p7\nn127.0.0.1:5432\n", pid: 7},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Machine{GOOS: "darwin", Run: said{lsofLine: {out: test.out, err: test.err}}.run}.Owners(t.Context(), list)
			if (err != nil) != test.fail {
				t.Fatalf("error %v", err)
			}
			if !test.fail && (got[0].PID != test.pid || got[1].PID != 0) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func FuzzNetstat(f *testing.F) {
	f.Add([]byte(netstatTCP))
	f.Add([]byte(netstatUDP))
	f.Fuzz(func(t *testing.T, out []byte) {
		for _, protocol := range []string{"tcp", "udp"} {
			list, err := parseNetstat(out, protocol)
			if err != nil && list != nil {
				t.Errorf("%v beside %v", list, err)
			}
			for _, one := range list {
				if !one.Addr.IsValid() {
					t.Errorf("%+v", one)
				}
			}
		}
	})
}

func FuzzLsof(f *testing.F) {
	f.Add([]byte(lsofTCP))
	f.Fuzz(func(t *testing.T, out []byte) {
		for _, owner := range parseLsof(out) {
			if owner.pid <= 0 || strings.ContainsAny(owner.process, "\x00\x1b\n") {
				t.Errorf("%+v", owner)
			}
		}
	})
}
