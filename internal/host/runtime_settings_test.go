package host

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestSettings(t *testing.T) {
	const (
		desktop = "Users/mini/Library/Group Containers/group.com.docker/settings-store.json"
		linux   = "Users/mini/.docker/desktop/settings-store.json"
		orb     = "/usr/local/bin/orb config show"
		colima  = "Users/mini/.colima/default/colima.yaml"
		lima    = "Users/mini/.lima/box/lima.yaml"
	)
	type ask func(Machine) (Setting, error)
	portBinding := func(m Machine) (Setting, error) { return m.PortBinding() }
	exposed := func(m Machine) (Setting, error) { return m.ExposedToLAN(t.Context()) }
	vm := func(kind Kind, name string) ask {
		return func(m Machine) (Setting, error) { return m.VMNetwork(kind, name) }
	}
	for name, test := range map[string]struct {
		ask        ask
		goos       string
		path, text string
		out        said
		want       string // "" is an error
	}{
		"Docker Desktop, no file":    {ask: portBinding, want: "PortBindingBehavior is default-port-binding (default; there is no file of settings)"},
		"Docker Desktop, not set":    {ask: portBinding, path: desktop, text: `{"Cpus": 4}`, want: "PortBindingBehavior is default-port-binding (default)"},
		"Docker Desktop, set":        {ask: portBinding, path: desktop, text: `{"PortBindingBehavior": "local-only-port-binding"}`, want: "PortBindingBehavior is local-only-port-binding"},
		"Docker Desktop, cut short":  {ask: portBinding, path: desktop, text: `{"PortBindingBehavior": "local`},
		"Docker Desktop, a number":   {ask: portBinding, path: desktop, text: `{"PortBindingBehavior": 3}`},
		"Docker Desktop on Linux":    {ask: portBinding, goos: "linux", path: linux, text: `{"PortBindingBehavior": "x"}`, want: "PortBindingBehavior is x"},
		"OrbStack, open":             {ask: exposed, path: "usr/local/bin/orb", out: said{orb: {out: "cpu: 8\ndocker.expose_ports_to_lan: true\n"}}, want: "docker.expose_ports_to_lan is true"},
		"OrbStack, closed":           {ask: exposed, path: "usr/local/bin/orb", out: said{orb: {out: "docker.expose_ports_to_lan: false"}}, want: "docker.expose_ports_to_lan is false"},
		"OrbStack, another setting":  {ask: exposed, path: "usr/local/bin/orb", out: said{orb: {out: "machines.docker.expose_ports_to_lan: false\nexpose_ports_to_lan: true\n"}}},
		"OrbStack, another word":     {ask: exposed, path: "usr/local/bin/orb", out: said{orb: {out: "docker.expose_ports_to_lan: yes\n"}}},
		"OrbStack, fails":            {ask: exposed, path: "usr/local/bin/orb", out: said{orb: {out: "docker.expose_ports_to_lan: false\n", err: exitStatus(1)}}},
		"OrbStack, no program":       {ask: exposed},
		"Colima, no file":            {ask: vm(Colima, "colima"), want: "network.mode is shared (default; there is no file of settings)"},
		"Colima, shared":             {ask: vm(Colima, "colima"), path: colima, text: "network:\n  address: true\n  mode: shared\n", want: "network.mode is shared"},
		"Colima, bridged":            {ask: vm(Colima, "colima"), path: colima, text: "network:\n  address: true\n  mode: bridged\n", want: "network.mode is bridged"},
		"Colima, bridged, no effect": {ask: vm(Colima, "colima"), path: colima, text: "network:\n  address: false\n  mode: bridged\n", want: "network.address is false"},
		"Colima, before modes":       {ask: vm(Colima, "colima"), path: colima, text: "network:\n  address: true\n", want: "network.mode is shared (default)"},
		"Colima, another profile":    {ask: vm(Colima, "Colima-Dev"), path: "Users/mini/.config/colima/dev/colima.yaml", text: "network: {address: true, mode: bridged}", want: "network.mode is bridged"},
		"Colima, no YAML":            {ask: vm(Colima, "colima"), path: colima, text: "network: [\n"},
		"Lima, no file":              {ask: vm(Lima, "lima-box"), want: "networks is shared (default; there is no file of settings)"},
		"Lima, user mode":            {ask: vm(Lima, "lima-box"), path: lima, text: "networks: []\n", want: "networks is shared (default)"},
		"Lima, shared":               {ask: vm(Lima, "lima-box"), path: lima, text: "networks:\n- lima: shared\n", want: "networks is shared"},
		"Lima, bridged":              {ask: vm(Lima, "lima-box"), path: lima, text: "networks:\n- lima: shared\n- lima: bridged\n", want: "networks is bridged"},
		"Lima, by a socket":          {ask: vm(Lima, "lima-box"), path: lima, text: "networks:\n- socket: /var/run/socket_vmnet\n", want: "networks is bridged"},
		"another runtime":            {ask: vm(OrbStack, "orbstack")},
	} {
		t.Run(name, func(t *testing.T) {
			m := Machine{GOOS: test.goos, Home: "Users/mini", Files: fstest.MapFS{}, Run: test.out.run}
			if test.path != "" {
				m.Files = fstest.MapFS{test.path: {Data: []byte(test.text)}}
			}
			setting, err := test.ask(m)
			if (err != nil) != (test.want == "") {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.want, setting.String()); err == nil && diff != "" {
				t.Errorf("setting (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDaemon(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want Daemon
		ok   bool
	}{
		"nothing":   {"{}\n", Daemon{}, true},
		"on":        {`{"iptables": true, "allow-direct-routing": false}`, Daemon{}, true},
		"off":       {`{"iptables": false, "debug": true}`, Daemon{NoFilter: true}, true},
		"routes":    {`{"allow-direct-routing": true}`, Daemon{DirectRoutes: true}, true},
		"cut short": {`{"iptables": false`, Daemon{}, false},
		"a text":    {`{"iptables": "false"}`, Daemon{}, false},
		"empty":     {"", Daemon{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Machine{Files: fstest.MapFS{"etc/docker/daemon.json": {Data: []byte(test.text)}}}.Daemon()
			if diff := cmp.Diff(test.want, got); (err == nil) != test.ok || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	if got, err := (Machine{Files: fstest.MapFS{}}).Daemon(); err != nil || got != (Daemon{}) {
		t.Errorf("without a file: %+v, %v", got, err)
	}
}

func TestRoutesLoopback(t *testing.T) {
	m := Machine{GOOS: "linux", Files: fstest.MapFS{
		"proc/sys/net/ipv4/conf/eth0/route_localnet": {Data: []byte("0\n")},
		"proc/sys/net/ipv4/conf/br-1/route_localnet": {Data: []byte("1\n")},
		"proc/sys/net/ipv4/conf/odd/route_localnet":  {Data: []byte("")},
	}}
	for name, want := range map[string]struct {
		on, ok bool
	}{"eth0": {false, true}, "br-1": {true, true}, "odd": {}, "gone": {}} {
		if on, err := m.RoutesLoopback(name); on != want.on || (err == nil) != want.ok {
			t.Errorf("%s: %v, %v", name, on, err)
		}
	}
	if _, err := m.RoutesLoopback("gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	m.GOOS = "darwin"
	if _, err := m.RoutesLoopback("eth0"); !errors.Is(err, ErrNotApplicable) {
		t.Errorf("error %v", err)
	}
}

func TestRemembering(t *testing.T) {
	runs := map[string]int{}
	m := Machine{Run: func(_ context.Context, argv ...string) ([]byte, error) {
		line := strings.Join(argv, " ")
		runs[line]++
		return []byte(line), nil
	}}.Remembering()
	for range 3 {
		for _, argv := range [][]string{{"/a", "b c"}, {"/a", "b", "c"}} {
			if out, err := m.Run(t.Context(), argv...); string(out) != "/a b c" || err != nil {
				t.Errorf("%q, %v", out, err)
			}
		}
	}
	if runs["/a b c"] != 2 {
		t.Errorf("%d runs of two commands", runs["/a b c"])
	}
}
