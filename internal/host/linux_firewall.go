package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// ufwWords are of `ufw status`, of which LC_ALL=C keeps the language.
var ufwWords = words{off: regexp.MustCompile(`(?m)^Status: inactive$`), on: regexp.MustCompile(`(?m)^Status: active$`)}

// ufwEnabled is the line of /etc/ufw/ufw.conf by which ufw starts with the machine.
var ufwEnabled = regexp.MustCompile(`(?mi)^\s*ENABLED\s*=\s*"?yes"?\s*$`)

// HostFirewall tells whether a Linux machine drops what it does not expect: by ufw, by firewalld, or by rules of its own.
// Without root, what the first two say of themselves is all that can be known; if they say nothing, the error is
// [ErrNeedsRoot]. None of them sees packets for published ports: those are forwarded past them.
func (m Machine) HostFirewall(ctx context.Context) (Switch, error) {
	if err := m.only("linux"); err != nil {
		return Switch{}, err
	}
	for _, ask := range []func(context.Context) (Switch, error){m.ufw, m.firewalld, m.ownRules} {
		state, err := ask(ctx)
		if err != nil {
			return Switch{}, fmt.Errorf("firewall: %w", err)
		}
		if state.On {
			return state, nil
		}
	}
	return Switch{Said: "ufw, firewalld and the rules of the packet filter let all come in"}, nil
}

func (m Machine) ufw(ctx context.Context) (Switch, error) {
	ufw, err := m.tool("ufw")
	if errors.Is(err, ErrNotInstalled) {
		return Switch{}, nil
	}
	if m.Root {
		out, err := m.Run(ctx, ufw, "status")
		if err != nil {
			return Switch{}, err
		}
		state, err := ufwWords.read(out)
		state.Said = "ufw: " + state.Said
		return state, err
	}
	conf, err := fs.ReadFile(m.Files, "etc/ufw/ufw.conf")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Switch{}, err
	}
	return Switch{On: ufwEnabled.Match(conf), Said: "ufw: ENABLED=yes in /etc/ufw/ufw.conf"}, nil
}

func (m Machine) firewalld(ctx context.Context) (Switch, error) {
	firewalld, err := m.tool("firewall-cmd")
	if errors.Is(err, ErrNotInstalled) {
		return Switch{}, nil
	}
	out, err := m.Run(ctx, firewalld, "--state")
	const notRunning = 252
	if _, off := ended(err, notRunning); off {
		return Switch{}, nil
	}
	if err != nil {
		return Switch{}, err
	}
	if said := strings.TrimSpace(string(out)); said != "running" {
		return Switch{}, fmt.Errorf("unknown words of firewall-cmd: %.40q", said)
	}
	return Switch{On: true, Said: "firewalld: running"}, nil
}

func (m Machine) ownRules(ctx context.Context) (Switch, error) {
	filter, err := m.Filter(ctx, false)
	if errors.Is(err, ErrNotInstalled) {
		return Switch{}, nil
	}
	if err != nil {
		return Switch{}, err
	}
	return Switch{On: filter.Guards(), Said: "rules of the packet filter drop what no rule lets in"}, nil
}
