package host

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

var compareAddrs = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })

func at(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

// The rows are of Linux 6.1, cut out of real tables: a listener of each family, an established and a closed one.
const (
	procTCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1531 1 0000000016f0dd5d 100 0 0 10 0                      
   1: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 2001 1 0000000000000000 100 0 0 10 0                      
   2: 020200C0:CA22 507100CB:01BB 06 00000000:00000000 03:000014C7 00000000     0        0 0 3 000000001645985e                                      
   3: 0100007F:1538 0100007F:D2A4 01 00000000:00000000 00:00000000 00000000   999        0 2002 1 0000000000000000 20 4 30 10 -1                     
`
	procTCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:4965 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 3001 1 0000000000000000 100 0 0 10 0
   1: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3002 1 0000000000000000 100 0 0 10 0
   2: 0000000000000000FFFF00000100007F:18EB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 3003 1 0000000000000000 100 0 0 10 0
   3: B80D01200000000000000000DDCCBBAA:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3004 1 0000000000000000 100 0 0 10 0
`
	procUDP = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            
  511: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000   104        0 4001 2 0000000000000000 0         
  900: 0100007F:A000 0100007F:0035 01 00000000:00000000 00:00000000 00000000     0        0 4002 2 0000000000000000 0         
`
	procUDP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
`
)

var procNet = fstest.MapFS{
	"net/tcp":  {Data: []byte(procTCP)},
	"net/tcp6": {Data: []byte(procTCP6)},
	"net/udp":  {Data: []byte(procUDP)},
	"net/udp6": {Data: []byte(procUDP6)},
}

// below puts files below a folder.
func below(folder string, files fstest.MapFS) fstest.MapFS {
	moved := fstest.MapFS{}
	for path, file := range files {
		moved[folder+"/"+path] = file
	}
	return moved
}

// without is procNet, one file of it replaced or, if data is nil, missing.
func without(name string, data []byte) fstest.MapFS {
	changed := fstest.MapFS{}
	for path, file := range procNet {
		changed[path] = file
	}
	delete(changed, name)
	if data != nil {
		changed[name] = &fstest.MapFile{Data: data}
	}
	return changed
}

func TestListenersOnLinux(t *testing.T) {
	got, err := Machine{GOOS: "linux", Files: below("proc", procNet)}.Listeners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []Listener{
		{Protocol: "tcp", Addr: at("0.0.0.0:2024"), Inode: 1531},
		{Protocol: "udp", Addr: at("0.0.0.0:5353"), Inode: 4001},
		{Protocol: "tcp", Addr: at("127.0.0.1:5432"), Inode: 2001},
		{Protocol: "tcp", Addr: at("127.0.0.1:6379"), Inode: 3003},
		{Protocol: "tcp", Addr: at("[::]:22"), Inode: 3002},
		{Protocol: "tcp", Addr: at("[::1]:18789"), Inode: 3001},
		{Protocol: "tcp", Addr: at("[2001:db8::aabb:ccdd]:80"), Inode: 3004},
	}
	if diff := cmp.Diff(want, got, compareAddrs); diff != "" {
		t.Errorf("listeners (-want +got):\n%s", diff)
	}
}

func TestListenersOnLinuxUnreadable(t *testing.T) {
	for name, test := range map[string]struct {
		proc fstest.MapFS
		ok   bool
	}{
		"no IPv6":          {without("net/tcp6", nil), true},
		"no IPv6, UDP":     {without("net/udp6", nil), true},
		"no table":         {without("net/tcp", nil), false},
		"no table, UDP":    {without("net/udp", nil), false},
		"empty":            {without("net/tcp6", []byte{}), false},
		"another file":     {without("net/tcp", []byte("Inter-|   Receive\n")), false},
		"a row cut short":  {without("net/tcp", []byte(procTCP[:200])), false},
		"an address short": {without("net/tcp", []byte(strings.Replace(procTCP, "0100007F:1538", "00007F:1538", 1))), false},
		"an address odd":   {without("net/tcp", []byte(strings.Replace(procTCP, "0100007F:1538", "0100007G:1538", 1))), false},
		"no port":          {without("net/tcp", []byte(strings.Replace(procTCP, "0100007F:1538", "0100007F", 1))), false},
		"a port too big":   {without("net/tcp", []byte(strings.Replace(procTCP, "0100007F:1538", "0100007F:11538", 1))), false},
		"no inode":         {without("net/tcp", []byte(strings.Replace(procTCP, " 2001 ", " x ", 1))), false},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := Machine{GOOS: "linux", Files: below("proc", test.proc)}.Listeners(t.Context())
			if (err == nil) != test.ok || (err != nil && list != nil) {
				t.Errorf("%v, %v", list, err)
			}
		})
	}
}

func TestOwnersOnLinux(t *testing.T) {
	link := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: fs.ModeSymlink} }
	proc := fstest.MapFS{
		"900/fd/3":  link("socket:[2001]"),
		"900/comm":  {Data: []byte("docker-proxy\n")},
		"77/fd/0":   link("/dev/null"),
		"77/fd/12":  link("socket:[3002]"),
		"77/comm":   {Data: []byte("ss\x1bd\n")},
		"1000/fd/4": link("socket:[3002]"), // a child of 77, with the same socket
		"1000/comm": {Data: []byte("sshd-session\n")},
		"88/fd/1":   link("socket:[3001]"), // ended before its name was read
		"self":      link("900"),
		"meminfo":   {},
	}
	list := []Listener{
		{Protocol: "tcp", Addr: at("127.0.0.1:5432"), Inode: 2001},
		{Protocol: "tcp", Addr: at("[::]:22"), Inode: 3002},
		{Protocol: "tcp", Addr: at("[::1]:18789"), Inode: 3001},
		{Protocol: "tcp", Addr: at("127.0.0.1:6379"), Inode: 3003},
		{Protocol: "tcp", Addr: at("127.0.0.1:1")},
	}
	before := slices.Clone(list)
	got, err := Machine{GOOS: "linux", Files: below("proc", proc)}.Owners(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(list)
	want[0].PID, want[0].Process = 900, "docker-proxy"
	want[1].PID, want[1].Process = 77, "ss?d"
	want[2].PID = 88
	if diff := cmp.Diff(want, got, compareAddrs); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, list, compareAddrs); diff != "" {
		t.Errorf("the caller's list changed (-want +got):\n%s", diff)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := (Machine{GOOS: "linux", Files: below("proc", proc)}).Owners(ctx, list); !errors.Is(err, context.Canceled) || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := (Machine{GOOS: "linux", Files: os.DirFS(filepath.Join(t.TempDir(), "gone"))}).Owners(t.Context(), list); err == nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOtherSystems(t *testing.T) {
	m := Machine{GOOS: "plan9"}
	if _, err := m.Listeners(t.Context()); !errors.Is(err, ErrNotApplicable) {
		t.Errorf("error %v", err)
	}
	if _, err := m.Owners(t.Context(), nil); !errors.Is(err, ErrNotApplicable) {
		t.Errorf("error %v", err)
	}
}

// On a real Linux, a listener of the test's own is found, and its owner is the test.
func TestListenersOfThisMachine(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("read on Linux and macOS")
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	list, err := This().Listeners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mine := at(socket.Addr().String())
	i := slices.IndexFunc(list, func(l Listener) bool { return l.Protocol == "tcp" && l.Addr == mine })
	if i < 0 {
		t.Fatalf("%v is not among %v", mine, list)
	}
	owned, err := This().Owners(t.Context(), list[i:i+1])
	if err != nil {
		t.Fatal(err)
	}
	if owned[0].PID != os.Getpid() || owned[0].Process == "" {
		t.Errorf("owner %+v, want %d", owned[0], os.Getpid())
	}
}

func FuzzProcNet(f *testing.F) {
	for _, sample := range []string{procTCP, procTCP6, procUDP, procUDP6, "", "sl\n"} {
		f.Add([]byte(sample))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for protocol := range listening {
			list, err := parseProcNet(data, protocol)
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
