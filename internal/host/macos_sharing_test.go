package host

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const (
	disabledLine = "/bin/launchctl print-disabled system"
	natLine      = "/usr/bin/defaults read /Library/Preferences/SystemConfiguration/com.apple.nat NAT"
	jobsNew      = "\n\tdisabled services = {\n\t\t\"com.apple.AEServer\" => disabled\n\t\t\"com.apple.smbd\" => enabled\n\t\t\"com.openssh.sshd\" => enabled\n\t\t\"com.apple.screensharing\" => disabled\n\t}\n"
	jobsOld      = "disabled services = {\n\t\"com.apple.AEServer\" => true\n\t\"com.openssh.sshd\" => false\n}\n"
	jobsNone     = "disabled services = {\n}\n"
	noListeners  = "Proto Recv-Q Send-Q  Local Address Foreign Address (state)\n"
)

func mac(jobs, tcp, nat string) Machine {
	return Machine{GOOS: "darwin", Files: fstest.MapFS{}, Run: said{
		disabledLine: {out: jobs}, netstatTCPLine: {out: tcp}, netstatUDPLine: {out: noListeners}, natLine: {out: nat}, lsofLine: {},
	}.run}
}

func TestSharing(t *testing.T) {
	for name, test := range map[string]struct {
		m    Machine
		want []string
		fail bool
	}{
		"nothing":               {m: mac(jobsNone, noListeners, "{\n    Enabled = 0;\n}\n")},
		"files, by its switch":  {m: mac(jobsNew, noListeners, ""), want: []string{"files"}},
		"an older macOS":        {m: mac(strings.Replace(jobsOld, "AEServer\" => true", "AEServer\" => false", 1), noListeners, ""), want: []string{"events"}},
		"screen, by its port":   {m: mac(jobsNone, noListeners+"tcp46 0 0 *.5900 *.* LISTEN\n", ""), want: []string{"screen"}},
		"on loopback alone":     {m: mac(jobsNone, noListeners+"tcp4 0 0 127.0.0.1.7000 *.* LISTEN\n", "")},
		"management and play":   {m: mac(jobsNone, noListeners+"tcp46 0 0 *.3283 *.* LISTEN\ntcp4 0 0 192.168.1.20.7000 *.* LISTEN\n", ""), want: []string{"airplay", "management"}},
		"the connection":        {m: mac(jobsNone, noListeners, "{\n    Enabled = 1;\n    PrimaryInterface = {\n        Enabled = 0;\n    };\n}\n"), want: []string{"internet"}},
		"another state":         {m: mac(strings.Replace(jobsNew, "=> enabled", "=> perhaps", 1), noListeners, ""), fail: true},
		"other words":           {m: mac("Usage: launchctl\n", noListeners, ""), fail: true},
		"listeners, other word": {m: mac(jobsNone, "", ""), fail: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.m.Sharing(t.Context())
			if (err != nil) != test.fail {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.want, slices.Sorted(maps.Keys(got))); diff != "" {
				t.Errorf("shared (-want +got):\n%s", diff)
			}
			for name, why := range got {
				if !slices.Contains(Sharings(), name) || why == "" {
					t.Errorf("%s: %q", name, why)
				}
			}
		})
	}
	if _, err := (Machine{GOOS: "linux"}).Sharing(t.Context()); !errors.Is(err, ErrNotApplicable) {
		t.Errorf("on Linux: %v", err)
	}
}

func TestRemoteLogin(t *testing.T) {
	for name, test := range map[string]struct {
		m    Machine
		on   bool
		fail bool
	}{
		"macOS, switched on":          {m: mac(jobsNew, noListeners, ""), on: true},
		"macOS before 13":             {m: mac(jobsOld, noListeners, ""), on: true},
		"macOS, as it comes":          {m: mac(jobsNone, noListeners, "")},
		"macOS, by the port":          {m: mac(jobsNone, noListeners+"tcp4 0 0 *.22 *.* LISTEN\n", ""), on: true},
		"macOS, other words":          {m: mac("", noListeners, ""), fail: true},
		"macOS, listeners unreadable": {m: mac(jobsNone, "", ""), fail: true},
		"Linux, by the port":          {m: Machine{GOOS: "linux", Files: below("proc", procNet)}, on: true}, // [::]:22
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.m.RemoteLogin(t.Context())
			if (err != nil) != test.fail || got.On != test.on || err == nil && got.Said == "" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// sshd on another port is found by its name, where that may be known.
func TestRemoteLoginOnAnotherPort(t *testing.T) {
	files := below("proc", without("net/tcp6", []byte(strings.Replace(procTCP6, ":0016 ", ":08AE ", 1))))
	maps.Copy(files, below("proc", fstest.MapFS{"77/fd/3": {Data: []byte("socket:[3002]"), Mode: 1 << 27}, "77/comm": {Data: []byte("sshd\n")}}))
	got, err := Machine{GOOS: "linux", Files: files}.RemoteLogin(t.Context())
	if err != nil || !got.On || !strings.Contains(got.Said, "sshd listens on [::]:2222") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSSHD(t *testing.T) {
	const line = "/usr/sbin/sshd -T"
	for name, test := range map[string]struct {
		out  string
		want SSHD
		ok   bool
	}{
		"keys alone":       {"port 22\npermitrootlogin no\npasswordauthentication no\nkbdinteractiveauthentication no\nusepam yes\n", SSHD{Root: "no"}, true},
		"as Debian has it": {"permitrootlogin without-password\npasswordauthentication yes\nkbdinteractiveauthentication no\nusepam yes\n", SSHD{Password: true, Root: "prohibit-password"}, true},
		"as macOS has it":  {"usepam yes\npermitrootlogin prohibit-password\npasswordauthentication no\nkbdinteractiveauthentication yes\n", SSHD{Password: true, Root: "prohibit-password"}, true},
		"no PAM to answer": {"usepam no\npermitrootlogin no\npasswordauthentication no\nkbdinteractiveauthentication yes\n", SSHD{Root: "no"}, true},
		"an older OpenSSH": {"usepam yes\npermitrootlogin yes\npasswordauthentication no\nchallengeresponseauthentication yes\n", SSHD{Password: true, Root: "yes"}, true},
		"no root":          {"passwordauthentication no\n", SSHD{}, false},
		"no password":      {"permitrootlogin no\n", SSHD{}, false},
		"another word":     {"permitrootlogin no\npasswordauthentication maybe\n", SSHD{}, false},
		"empty":            {"", SSHD{}, false},
	} {
		m := Machine{GOOS: "linux", Root: true, Files: fstest.MapFS{"usr/sbin/sshd": {}}, Run: said{line: {out: test.out}}.run}
		if got, err := m.SSHD(t.Context()); got != test.want || (err == nil) != test.ok {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := (Machine{Files: fstest.MapFS{"usr/sbin/sshd": {}}}).SSHD(t.Context()); !errors.Is(err, ErrNeedsRoot) {
		t.Errorf("not root: %v", err)
	}
	if _, err := (Machine{Root: true, Files: fstest.MapFS{}}).SSHD(t.Context()); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("no sshd: %v", err)
	}
}
