package host

import (
	"errors"
	"net/netip"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	tailscaleStatus = "/usr/bin/tailscale status --json --peers=false"
	tailscaleServe  = "/usr/bin/tailscale serve status --json"
	tailscalePrefs  = "/usr/bin/tailscale debug prefs"
)

// tailscaleDown is the error of every command while tailscaled does not run, recorded of 1.98.
var tailscaleDown = &ExitError{Program: "/usr/bin/tailscale", Status: 1,
	Stderr: "failed to connect to local tailscaled; it doesn't appear to be running (sudo systemctl start tailscaled ?)\n"}

func TestTailscale(t *testing.T) {
	expiry := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, test := range map[string]struct {
		out  string
		err  error
		want Tailscale
		up   bool
		fail error
	}{
		"logged out": { // recorded of 1.98
			out:  `{"Version":"1.98.0","TUN":false,"BackendState":"NeedsLogin","HaveNodeKey":false,"AuthURL":"","TailscaleIPs":null,"Self":{"ID":"","HostName":"vm","KeyExpiry":null},"Health":["You are logged out."],"MagicDNSSuffix":""}`,
			want: Tailscale{State: "NeedsLogin", Health: []string{"You are logged out."}},
		},
		"running": {
			out: `{"BackendState":"Running","TailscaleIPs":["100.101.102.103","fd7a:115c:a1e0::1"],"Self":{"HostName":"mini","KeyExpiry":"2027-01-02T03:04:05Z"},"Health":[]}`,
			want: Tailscale{State: "Running", Health: []string{}, KeyExpiry: expiry,
				Addresses: []netip.Addr{netip.MustParseAddr("100.101.102.103"), netip.MustParseAddr("fd7a:115c:a1e0::1")}}, up: true,
		},
		"running, without an address": {out: `{"BackendState":"Running","TailscaleIPs":null,"Self":{}}`, want: Tailscale{State: "Running"}},
		"no expiry":                   {out: `{"BackendState":"Stopped","Self":{}}`, want: Tailscale{State: "Stopped"}},
		"down":                        {err: tailscaleDown, fail: ErrTailscaleDown},
		"fails":                       {err: exitStatus(1), fail: errAny},
		"other words":                 {out: "# Health check:\n", fail: errAny},
		"no state":                    {out: `{"Version":"1.98.0"}`, fail: errAny},
		"null":                        {out: `null`, fail: errAny},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := linux(false, said{tailscaleStatus: {test.out, test.err}}, "usr/bin/tailscale").Tailscale(t.Context())
			if (err != nil) != (test.fail != nil) || test.fail != errAny && !errors.Is(err, test.fail) {
				t.Fatalf("error %v", err)
			}
			same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
			if diff := cmp.Diff(test.want, got, same); diff != "" || got.Up() != test.up {
				t.Errorf("up %v (-want +got):\n%s", got.Up(), diff)
			}
		})
	}
	if _, err := linux(false, nil).Tailscale(t.Context()); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("not installed: %v", err)
	}
}

// The Mac App Store's Tailscale has its command in the application.
func TestTailscaleApp(t *testing.T) {
	m := Machine{GOOS: "darwin", Files: fstest.MapFS{tailscaleApp[1:]: {}}, Run: said{tailscaleApp + " status --json --peers=false": {out: `{"BackendState":"Stopped"}`}}.run}
	if got, err := m.Tailscale(t.Context()); err != nil || got.State != "Stopped" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTailscaleServe(t *testing.T) {
	for name, test := range map[string]struct {
		out  string
		err  error
		want Serving
		fail error
	}{
		"nothing": {out: "{}\n"},
		"null":    {out: "null\n"},
		"served": {
			out: `{"TCP":{"443":{"HTTPS":true},"5432":{"TCPForward":"127.0.0.1:5432"}},
				"Web":{"mini.tail1234.ts.net:443":{"Handlers":{"/":{"Proxy":"http://127.0.0.1:18789"},"/files":{"Path":"/Users/mini/Public"},"/hello":{"Text":"hi"}}}},
				"AllowFunnel":{"mini.tail1234.ts.net:443":false}}`,
			want: Serving{Served: []Served{
				{"mini.tail1234.ts.net:443/", "http://127.0.0.1:18789", 18789},
				{"mini.tail1234.ts.net:443/files", "files of a folder", 0},
				{"mini.tail1234.ts.net:443/hello", "a text", 0},
				{"port 5432", "127.0.0.1:5432", 5432},
			}},
		},
		"a funnel": {
			out:  `{"Web":{"a:443":{"Handlers":{"/":{"Proxy":"http://localhost:3000/x"}}}},"AllowFunnel":{"a:443":true,"a:8443":true}}`,
			want: Serving{Served: []Served{{"a:443/", "http://localhost:3000/x", 3000}}, Funnels: []string{"a:443", "a:8443"}},
		},
		"a funnel of a command that runs": {
			out:  `{"Foreground":{"5e55":{"TCP":{"443":{"HTTPS":true}},"Web":{"a:443":{"Handlers":{"/":{"Proxy":"http://127.0.0.1:18789"}}}},"AllowFunnel":{"a:443":true}}}}`,
			want: Serving{Served: []Served{{"a:443/", "http://127.0.0.1:18789", 18789}}, Funnels: []string{"a:443"}},
		},
		"a Service": {
			out:  `{"Services":{"svc:db":{"TCP":{"5432":{"TCPForward":"127.0.0.1:5432"}},"Foreground":{"x":{"AllowFunnel":{"b:1":true}}}}}}`,
			want: Serving{Served: []Served{{"svc:db port 5432", "127.0.0.1:5432", 5432}}, Funnels: []string{"b:1"}},
		},
		"down":        {err: tailscaleDown, fail: ErrTailscaleDown},
		"fails":       {err: exitStatus(2), fail: errAny},
		"other words": {out: "No serve config\n", fail: errAny},
		"cut short":   {out: `{"AllowFunnel":{"a:443":tr`, fail: errAny},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := linux(false, said{tailscaleServe: {test.out, test.err}}, "usr/bin/tailscale").TailscaleServe(t.Context())
			if (err != nil) != (test.fail != nil) || test.fail != errAny && !errors.Is(err, test.fail) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("serving (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoopbackPort(t *testing.T) {
	for target, want := range map[string]uint16{
		"http://127.0.0.1:18789": 18789, "https+insecure://localhost:8443/x": 8443, "127.0.0.1:5432": 5432, "[::1]:5432": 5432, "127.9.9.9:1": 1,
		"http://127.0.0.1": 80, "https://localhost/": 443, "http://192.168.1.5:18789": 0, "172.18.0.4:5432": 0, "unix:/run/x.sock": 0, "18789": 0,
		"": 0, "http://[": 0, "127.0.0.1:99999": 0, "mini.local:80": 0,
	} {
		if got := loopbackPort(target); got != want {
			t.Errorf("%q: %d", target, got)
		}
	}
}

func TestTailscalePrefs(t *testing.T) {
	for name, test := range map[string]struct {
		out  string
		err  error
		want TailscalePrefs
		fail error
	}{
		"as it comes": {out: `{"ControlURL":"https://controlplane.tailscale.com","RouteAll":false,"RunSSH":false,"RunWebClient":false,"AdvertiseRoutes":null,"ShieldsUp":false}`},
		"all of it": {
			out:  `{"RunSSH":true,"RunWebClient":true,"AdvertiseRoutes":["172.18.0.0/16","fd00::/64"]}`,
			want: TailscalePrefs{true, true, []netip.Prefix{netip.MustParsePrefix("172.18.0.0/16"), netip.MustParsePrefix("fd00::/64")}},
		},
		"down":         {err: tailscaleDown, fail: ErrTailscaleDown},
		"another form": {out: `{"Prefs":{}}`, fail: errAny},
		"bad routes":   {out: `{"RunSSH":true,"AdvertiseRoutes":["all"]}`, fail: errAny},
		"other words":  {out: "unknown subcommand\n", fail: errAny},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := linux(false, said{tailscalePrefs: {test.out, test.err}}, "usr/bin/tailscale").TailscalePrefs(t.Context())
			if (err != nil) != (test.fail != nil) || test.fail != errAny && !errors.Is(err, test.fail) {
				t.Fatalf("error %v", err)
			}
			same := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
			if diff := cmp.Diff(test.want, got, same); diff != "" {
				t.Errorf("prefs (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzServe(f *testing.F) {
	f.Add([]byte(`{"TCP":{"1":{"TCPForward":"x"}},"Foreground":{"a":{"Foreground":{"b":{"AllowFunnel":{"c":true}}}}}}`))
	f.Fuzz(func(t *testing.T, out []byte) {
		if s, err := parseServe(out); err != nil && (s.Served != nil || s.Funnels != nil) {
			t.Errorf("%+v beside %v", s, err)
		}
	})
}
