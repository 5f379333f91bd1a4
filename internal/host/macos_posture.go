package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

// The words of macOS's own tools (facts/network-security.md §4.1).
var (
	fileVaultWords = words{off: regexp.MustCompile(`(?m)^FileVault is Off\.|^Decryption in progress.*`), on: regexp.MustCompile(`(?m)^FileVault is On\.`)}
	sipWords       = words{
		off: regexp.MustCompile(`System Integrity Protection status: (disabled|unknown \(Custom Configuration\))\.?`),
		on:  regexp.MustCompile(`(?m)^System Integrity Protection status: enabled\.$`),
	}
	updateWords = words{
		off: regexp.MustCompile(`(?i)automatic check(ing for updates)? is (turned )?off\b`),
		on:  regexp.MustCompile(`(?i)automatic check(ing for updates)? is (turned )?on\b`),
	}
)

// FileVault tells whether the Mac's disk is encrypted. One that is being decrypted is not.
func (m Machine) FileVault(ctx context.Context) (Switch, error) {
	return m.ask(ctx, "FileVault", fileVaultWords, "/usr/bin/fdesetup", "status")
}

// SIP tells whether System Integrity Protection is on, all of it.
func (m Machine) SIP(ctx context.Context) (Switch, error) {
	return m.ask(ctx, "System Integrity Protection", sipWords, "/usr/bin/csrutil", "status")
}

// AutoLogin tells whether the Mac logs a user in by itself when it starts: it then keeps his password on the disk.
func (m Machine) AutoLogin(ctx context.Context) (Switch, error) {
	const fact = "automatic login"
	if err := m.only("darwin"); err != nil {
		return Switch{}, err
	}
	_, set, err := m.preference(ctx, "/Library/Preferences/com.apple.loginwindow", "autoLoginUser")
	if err != nil {
		return Switch{}, fmt.Errorf("%s: %w", fact, err)
	}
	switch _, err := fs.Stat(m.Files, "etc/kcpassword"); {
	case set:
		return Switch{On: true, Said: "autoLoginUser is set"}, nil
	case err == nil:
		return Switch{On: true, Said: "/etc/kcpassword holds a password"}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return Switch{}, fmt.Errorf("%s: %w", fact, err)
	}
	return Switch{Said: "autoLoginUser is not set"}, nil
}

// preference reads one key of a property list; not set is no error.
func (m Machine) preference(ctx context.Context, domain, key string) (value string, set bool, err error) {
	out, err := m.Run(ctx, "/usr/bin/defaults", "read", domain, key)
	if said, failed := ended(err, 1); failed && strings.Contains(said, "does not exist") {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return strings.TrimSpace(string(out)), true, nil
}

// Updates tells whether the machine installs security updates by itself: macOS by softwareupdate, Linux by
// unattended-upgrades (Debian, Ubuntu) or dnf-automatic (Fedora and its kin).
func (m Machine) Updates(ctx context.Context) (Switch, error) {
	if m.GOOS == "linux" {
		return m.linuxUpdates(ctx)
	}
	state, err := m.ask(ctx, "automatic updates", updateWords, "/usr/sbin/softwareupdate", "--schedule")
	if err != nil || !state.On {
		return state, err
	}
	value, set, err := m.preference(ctx, "/Library/Preferences/com.apple.SoftwareUpdate", "CriticalUpdateInstall")
	switch {
	case err != nil:
		return Switch{}, fmt.Errorf("automatic updates: %w", err)
	case set && value == "0":
		return Switch{Said: "CriticalUpdateInstall is 0"}, nil
	case set && value != "1":
		return Switch{}, fmt.Errorf("automatic updates: CriticalUpdateInstall is %.20q", value)
	}
	return state, nil
}

// Power is what a Mac does when nobody uses it, and after a power cut.
type Power struct {
	Sleep     int  // minutes until it sleeps; 0 is never
	Restart   bool // it starts by itself when the power is back
	NoRestart bool // it is a Mac that cannot be asked to
}

// Power reads the settings for mains power.
func (m Machine) Power(ctx context.Context) (Power, error) {
	if err := m.only("darwin"); err != nil {
		return Power{}, err
	}
	out, err := m.Run(ctx, "/usr/bin/pmset", "-g", "custom")
	if err != nil {
		return Power{}, fmt.Errorf("power settings: %w", err)
	}
	power, err := parsePower(out)
	if err != nil {
		return Power{}, fmt.Errorf("power settings: %w", err)
	}
	return power, nil
}

// parsePower reads lines such as ` sleep 1 (sleep prevented by coreaudiod)` below `AC Power:`.
func parsePower(out []byte) (Power, error) {
	power := Power{NoRestart: true}
	mains, found := false, false
	for line := range bytes.Lines(out) {
		fields := strings.Fields(string(line))
		if text := strings.TrimSpace(string(line)); strings.HasSuffix(text, ":") {
			mains = text == "AC Power:"
		}
		if !mains || len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "sleep":
			minutes, err := strconv.Atoi(fields[1])
			if err != nil {
				return Power{}, fmt.Errorf("not a number of minutes: %.40q", line)
			}
			power.Sleep, found = minutes, true
		case "autorestart":
			power.Restart, power.NoRestart = fields[1] == "1", false
		}
	}
	if !found {
		return Power{}, fmt.Errorf("no sleep on mains power in %.80q", out)
	}
	return power, nil
}
