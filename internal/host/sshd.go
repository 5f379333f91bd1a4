package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
)

// RemoteLogin tells whether others may log in by SSH: macOS's switch is on, or something listens on port 22 at an address
// that others reach, which is how Linux is asked.
func (m Machine) RemoteLogin(ctx context.Context) (Switch, error) {
	if m.GOOS == "darwin" {
		jobs, err := m.jobs(ctx)
		if err != nil {
			return Switch{}, fmt.Errorf("remote login: %w", err)
		}
		if jobs["com.openssh.sshd"] {
			return Switch{On: true, Said: "com.openssh.sshd is enabled"}, nil
		}
	}
	listeners, err := m.Listeners(ctx)
	if errors.Is(err, ErrNotApplicable) {
		return Switch{}, err
	}
	if err != nil {
		return Switch{}, fmt.Errorf("remote login: %w", err)
	}
	const ssh = 22
	if i := openAt(listeners, ssh); i >= 0 {
		return Switch{On: true, Said: fmt.Sprintf("something listens on %s", listeners[i].Addr)}, nil
	}
	if listeners, err = m.Owners(ctx, listeners); err != nil {
		return Switch{}, fmt.Errorf("remote login: %w", err)
	}
	for _, l := range listeners {
		if l.Process == "sshd" && !l.Addr.Addr().IsLoopback() {
			return Switch{On: true, Said: fmt.Sprintf("sshd listens on %s", l.Addr)}, nil
		}
	}
	return Switch{Said: "nothing listens on port 22, and no sshd elsewhere"}, nil
}

// SSHD is what the SSH server asks of those who log in.
type SSHD struct {
	Password bool   // it takes a password
	Root     string // how root may log in: "no", "yes", "prohibit-password" or "forced-commands-only"
}

// SSHD asks the SSH server for its settings as they come out in the end. Only root may.
func (m Machine) SSHD(ctx context.Context) (SSHD, error) {
	sshd, err := m.tool("sshd")
	if err != nil {
		return SSHD{}, err
	}
	if !m.Root {
		return SSHD{}, fmt.Errorf("settings of sshd: %w", ErrNeedsRoot)
	}
	out, err := m.Run(ctx, sshd, "-T")
	if err != nil {
		return SSHD{}, fmt.Errorf("settings of sshd: %w", err)
	}
	settings, err := parseSSHD(out)
	if err != nil {
		return SSHD{}, fmt.Errorf("settings of sshd: %w", err)
	}
	return settings, nil
}

// parseSSHD reads lines such as `passwordauthentication no`. Keyboard-interactive authentication asks for a password,
// too, where PAM answers it.
func parseSSHD(out []byte) (SSHD, error) {
	values := map[string]string{}
	for line := range bytes.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		values[strings.ToLower(key)] = value
	}
	flags := map[string]bool{}
	for _, key := range []string{"passwordauthentication", "kbdinteractiveauthentication", "usepam"} {
		value, there := values[key]
		if key == "kbdinteractiveauthentication" && !there {
			value, there = values["challengeresponseauthentication"], true // before OpenSSH 8.7
		}
		switch {
		case value == "yes", value == "no":
			flags[key] = value == "yes"
		case there || key == "passwordauthentication":
			return SSHD{}, fmt.Errorf("%s is %.20q", key, value)
		}
	}
	root := values["permitrootlogin"]
	if root == "without-password" {
		root = "prohibit-password"
	}
	if root == "" {
		return SSHD{}, errors.New("permitrootlogin is not among them")
	}
	return SSHD{Password: flags["passwordauthentication"] || flags["kbdinteractiveauthentication"] && flags["usepam"], Root: root}, nil
}
