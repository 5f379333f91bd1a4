package host

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"
)

// asked is one way to ask for a switch.
type asked func(Machine, context.Context) (Switch, error)

// TestSwitches runs every reader of words over outputs of several versions of macOS (facts/network-security.md §4.1; those marked ? are
// of manuals or made up) and over what must be an error.
func TestSwitches(t *testing.T) {
	const fw = "/usr/libexec/ApplicationFirewall/socketfilterfw "
	for name, test := range map[string]struct {
		ask      asked
		line     string
		on, off  []string
		unknowns []string
	}{
		"stealth": {
			ask: Machine.Stealth, line: fw + "--getstealthmode",
			on:       []string{"Firewall stealth mode is on\n", "Stealth mode enabled\n", "Stealth mode ENABLED! \n"},
			off:      []string{"Firewall stealth mode is off\n", "Stealth mode disabled\n"},
			unknowns: []string{"Firewall is enabled. (State = 1)\n", "Stealth mode\n", "stealth mode is onwards\n"},
		},
		"block all": {
			ask: Machine.BlockAll, line: fw + "--getblockall",
			on:       []string{"Firewall has block all state set to enabled.\n", "Block all ENABLED! \n"},
			off:      []string{"Firewall has block all state set to disabled.\n", "Block all DISABLED! \n"},
			unknowns: []string{"Firewall is disabled. (State = 0)\n", "enabled\n"},
		},
		"signed software": {
			ask: Machine.AllowSigned, line: fw + "--getallowsigned",
			on: []string{"Automatically allow built-in signed software ENABLED.\nAutomatically allow downloaded signed software ENABLED.\n",
				"Automatically allow built-in signed software DISABLED.\nAutomatically allow downloaded signed software ENABLED. \n"},
			off:      []string{"Automatically allow built-in signed software ENABLED.\nAutomatically allow downloaded signed software DISABLED.\n"},
			unknowns: []string{"Automatically allow built-in signed software ENABLED.\n"},
		},
		"FileVault": {
			ask: Machine.FileVault, line: "/usr/bin/fdesetup status",
			on:       []string{"FileVault is On.\n", "FileVault is On.\nEncryption in progress: Percent completed = 42\n"},
			off:      []string{"FileVault is Off.\n", "FileVault is Off.\nDeferred enablement appears to be active for user 'mini'.\n", "FileVault is On.\nDecryption in progress: Percent completed = 3\n"},
			unknowns: []string{"Error: Unable to determine\n", "Is FileVault is On.?\n"},
		},
		"SIP": {
			ask: Machine.SIP, line: "/usr/bin/csrutil status",
			on:       []string{"System Integrity Protection status: enabled.\n"},
			off:      []string{"System Integrity Protection status: disabled.\n", "System Integrity Protection status: unknown (Custom Configuration).\n\nConfiguration:\n\tKext Signing: enabled\n"},
			unknowns: []string{"System Integrity Protection status: enabled (Custom Configuration).\n", "enabled\n"},
		},
		"updates": {
			ask: func(m Machine, ctx context.Context) (Switch, error) { return m.Updates(ctx) }, line: "/usr/sbin/softwareupdate --schedule",
			on:       []string{"Automatic checking for updates is turned on\n", "Automatic check is on\n"},
			off:      []string{"Automatic checking for updates is turned off\n", "Automatic check is off\n"},
			unknowns: []string{"Software Update Tool\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			critical := "/usr/bin/defaults read /Library/Preferences/com.apple.SoftwareUpdate CriticalUpdateInstall"
			try := func(out string, err error) (Switch, error) {
				m := Machine{GOOS: "darwin", Files: fstest.MapFS{}, Run: said{test.line: {out, err}, critical: {out: "1\n"}}.run}
				return test.ask(m, t.Context())
			}
			for want, outs := range map[bool][]string{true: test.on, false: test.off} {
				for _, out := range outs {
					if got, err := try(out, nil); err != nil || got.On != want || got.Said == "" {
						t.Errorf("%q: %+v, %v", out, got, err)
					}
				}
			}
			for _, out := range append(test.unknowns, "", "\x00\x1b[2J") {
				if got, err := try(out, nil); err == nil {
					t.Errorf("%q: %+v", out, got)
				}
			}
			if got, err := try(test.on[0], exitStatus(1)); err == nil {
				t.Errorf("with status 1: %+v", got)
			}
			if name != "updates" { // Linux has some of its own
				if _, err := test.ask(Machine{GOOS: "linux"}, t.Context()); !errors.Is(err, ErrNotApplicable) {
					t.Errorf("on Linux: %v", err)
				}
			}
		})
	}
}

func TestCriticalUpdates(t *testing.T) {
	const schedule = "/usr/sbin/softwareupdate --schedule"
	const critical = "/usr/bin/defaults read /Library/Preferences/com.apple.SoftwareUpdate CriticalUpdateInstall"
	notSet := &ExitError{Program: "/usr/bin/defaults", Status: 1, Stderr: "2026-11-24 10:00:00.000 defaults[1:2] \nThe domain/default pair of (/Library/Preferences/com.apple.SoftwareUpdate, CriticalUpdateInstall) does not exist\n"}
	for name, test := range map[string]struct {
		out    string
		err    error
		on, ok bool
	}{
		"on":      {out: "1\n", on: true, ok: true},
		"off":     {out: "0\n", ok: true},
		"not set": {err: notSet, on: true, ok: true},
		"odd":     {out: "maybe\n"},
		"fails":   {err: exitStatus(1)},
	} {
		m := Machine{GOOS: "darwin", Run: said{schedule: {out: "Automatic check is on\n"}, critical: {test.out, test.err}}.run}
		if got, err := m.Updates(t.Context()); got.On != test.on || (err == nil) != test.ok {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAutoLogin(t *testing.T) {
	const line = "/usr/bin/defaults read /Library/Preferences/com.apple.loginwindow autoLoginUser"
	notSet := &ExitError{Program: "/usr/bin/defaults", Status: 1, Stderr: "The domain/default pair of (x, autoLoginUser) does not exist\n"}
	kcpassword := fstest.MapFS{"etc/kcpassword": {}}
	for name, test := range map[string]struct {
		out    string
		err    error
		files  fstest.MapFS
		on, ok bool
	}{
		"not set":                   {err: notSet, files: fstest.MapFS{}, ok: true},
		"set":                       {out: "mini\n", files: fstest.MapFS{}, on: true, ok: true},
		"a password that is left":   {err: notSet, files: kcpassword, on: true, ok: true},
		"fails":                     {err: exitStatus(1), files: fstest.MapFS{}},
		"does not exist, otherwise": {err: &ExitError{Status: 2, Stderr: "does not exist"}, files: fstest.MapFS{}},
	} {
		m := Machine{GOOS: "darwin", Files: test.files, Run: said{line: {test.out, test.err}}.run}
		got, err := m.AutoLogin(t.Context())
		if got.On != test.on || (err == nil) != test.ok || got.Said == "mini" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestPower(t *testing.T) {
	const mini = "Battery Power:\n Sleep On Power Button 1\n sleep                5\nAC Power:\n Sleep On Power Button 1\n autorestart          1\n powernap             0\n networkoversleep     0\n sleep                0\n womp                 1\n displaysleep         10\n"
	for name, test := range map[string]struct {
		out  string
		want Power
		ok   bool
	}{
		"a mini":        {mini, Power{Restart: true}, true},
		"sleeps":        {"AC Power:\n sleep                10 (sleep prevented by coreaudiod)\n autorestart          0\n", Power{Sleep: 10}, true},
		"no restart":    {"AC Power:\n sleep                0\n", Power{NoRestart: true}, true},
		"a battery's":   {"Battery Power:\n sleep                0\n", Power{}, false},
		"no number":     {"AC Power:\n sleep                never\n", Power{}, false},
		"other words":   {"Currently in use:\n", Power{}, false},
		"empty":         {"", Power{}, false},
		"display alone": {"AC Power:\n displaysleep         0\n disksleep  0\n", Power{}, false},
	} {
		m := Machine{GOOS: "darwin", Run: said{"/usr/bin/pmset -g custom": {out: test.out}}.run}
		if got, err := m.Power(t.Context()); got != test.want || (err == nil) != test.ok {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
