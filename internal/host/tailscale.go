package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// tailscaleApp is where the Mac App Store's Tailscale keeps its command.
const tailscaleApp = "/Applications/Tailscale.app/Contents/MacOS/Tailscale"

// ErrTailscaleDown means that Tailscale's own service does not run: nothing is served, and nobody gets in.
var ErrTailscaleDown = errors.New("tailscaled does not run")

// tailscale runs Tailscale's command. What it prints as JSON "is subject to change", so whoever reads it takes nothing
// for granted. The error is [ErrNotInstalled] without the command, or [ErrTailscaleDown].
func (m Machine) tailscale(ctx context.Context, args ...string) ([]byte, error) {
	path, err := m.tool("tailscale", tailscaleApp)
	if err != nil {
		return nil, err
	}
	out, err := m.Run(ctx, append([]string{path}, args...)...)
	if said, failed := ended(err, 1); failed && strings.Contains(strings.ToLower(said), "failed to connect to local tailscale") {
		return nil, ErrTailscaleDown
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Tailscale is how this machine is doing in its tailnet.
type Tailscale struct {
	State     string // "Running"; or NoState, NeedsLogin, NeedsMachineAuth, Stopped, Starting
	Addresses []netip.Addr
	KeyExpiry time.Time // when it must log in anew; zero is never
	Health    []string  // what Tailscale itself finds wrong
}

// Up tells whether the machine is in its tailnet.
func (t Tailscale) Up() bool { return t.State == "Running" && len(t.Addresses) > 0 }

// Tailscale asks for the state. Source of the commands and their words: facts/network-security.md §4.2.
func (m Machine) Tailscale(ctx context.Context) (Tailscale, error) {
	out, err := m.tailscale(ctx, "status", "--json", "--peers=false")
	if err != nil {
		return Tailscale{}, err
	}
	var status struct {
		BackendState string
		TailscaleIPs []netip.Addr
		Self         struct{ KeyExpiry *time.Time }
		Health       []string
	}
	if err := json.Unmarshal(out, &status); err != nil {
		return Tailscale{}, fmt.Errorf("tailscale status: %w", err)
	}
	if status.BackendState == "" {
		return Tailscale{}, fmt.Errorf("tailscale status: no state in %.80q", out)
	}
	t := Tailscale{State: status.BackendState, Addresses: status.TailscaleIPs, Health: status.Health}
	if status.Self.KeyExpiry != nil {
		t.KeyExpiry = *status.Self.KeyExpiry
	}
	return t, nil
}

// TailscalePrefs are settings of Tailscale that let others in.
type TailscalePrefs struct {
	SSH       bool           // those whom the tailnet's rules name log in without a password
	WebClient bool           // settings can be changed from the tailnet
	Routes    []netip.Prefix // networks behind this machine that it offers to the tailnet
}

// TailscalePrefs reads them. The rules of the tailnet, which say who may, are not to be seen from here.
func (m Machine) TailscalePrefs(ctx context.Context) (TailscalePrefs, error) {
	out, err := m.tailscale(ctx, "debug", "prefs")
	if err != nil {
		return TailscalePrefs{}, err
	}
	var prefs struct {
		RunSSH          *bool
		RunWebClient    bool
		AdvertiseRoutes []netip.Prefix
	}
	if err := json.Unmarshal(out, &prefs); err != nil {
		return TailscalePrefs{}, fmt.Errorf("tailscale debug prefs: %w", err)
	}
	if prefs.RunSSH == nil {
		return TailscalePrefs{}, fmt.Errorf("tailscale debug prefs: no RunSSH in %.80q", out)
	}
	return TailscalePrefs{SSH: *prefs.RunSSH, WebClient: prefs.RunWebClient, Routes: prefs.AdvertiseRoutes}, nil
}
