package host

import (
	"context"
	"fmt"
	"regexp"
)

// FirewallState is the global state of the macOS application firewall, by the numbers the system gives it.
type FirewallState int

const (
	FirewallOff      FirewallState = 0
	FirewallOn       FirewallState = 1
	FirewallBlockAll FirewallState = 2 // on, and closed for all that is not essential
)

// String is "off", "on" or "on, blocking all".
func (s FirewallState) String() string {
	switch s {
	case FirewallOff:
		return "off"
	case FirewallOn:
		return "on"
	case FirewallBlockAll:
		return "on, blocking all"
	}
	return fmt.Sprintf("state %d", int(s))
}

// On tells whether the firewall filters at all.
func (s FirewallState) On() bool { return s == FirewallOn || s == FirewallBlockAll }

// socketfilterfw is no longer on anybody's PATH; the property list that said the same is gone since macOS 15.
const socketfilterfw = "/usr/libexec/ApplicationFirewall/socketfilterfw"

// Firewall reads the state of the macOS application firewall, without root. It filters by application, not by
// port: that it is on says nothing about who reaches a published port. Elsewhere the error is [ErrNotApplicable];
// if the tool fails or its words are unknown, another. Source: facts/network-security.md §4.1.
func (m Machine) Firewall(ctx context.Context) (FirewallState, error) {
	if err := m.only("darwin"); err != nil {
		return FirewallOff, err
	}
	out, err := m.Run(ctx, socketfilterfw, "--getglobalstate")
	if err != nil {
		return FirewallOff, fmt.Errorf("application firewall: %w", err)
	}
	state, err := parseFirewall(out)
	if err != nil {
		return FirewallOff, fmt.Errorf("application firewall: %w", err)
	}
	return state, nil
}

// firewallNumber is the part of the output that no version and no language has changed.
var firewallNumber = regexp.MustCompile(`State\s*=\s*(\d+)`)

// parseFirewall reads `Firewall is enabled. (State = 1)`. Anything but one known number is an error.
func parseFirewall(out []byte) (FirewallState, error) {
	found := firewallNumber.FindAllSubmatch(out, -1)
	if len(found) != 1 {
		return FirewallOff, fmt.Errorf("no state in %.80q", out)
	}
	switch number := string(found[0][1]); number {
	case "0":
		return FirewallOff, nil
	case "1":
		return FirewallOn, nil
	case "2":
		return FirewallBlockAll, nil
	default:
		return FirewallOff, fmt.Errorf("unknown state %.20s", number)
	}
}

// What the application firewall's tool says of its modes, by versions of macOS from 13 to 26 (facts/network-security.md §4.1).
var (
	stealthWords  = words{off: regexp.MustCompile(`(?i)stealth mode (is )?(off|disabled)\b.*`), on: regexp.MustCompile(`(?i)stealth mode (is )?(on|enabled)\b.*`)}
	blockAllWords = words{off: regexp.MustCompile(`(?i)block all (state set to )?disabled\b.*`), on: regexp.MustCompile(`(?i)block all (state set to )?enabled\b.*`)}
	signedWords   = words{off: regexp.MustCompile(`(?i)downloaded signed software disabled\b.*`), on: regexp.MustCompile(`(?i)downloaded signed software enabled\b.*`)}
)

// Stealth tells whether the Mac stays silent to those who knock at closed ports.
func (m Machine) Stealth(ctx context.Context) (Switch, error) {
	return m.ask(ctx, "stealth mode", stealthWords, socketfilterfw, "--getstealthmode")
}

// BlockAll tells whether the application firewall closes everything that is not essential.
func (m Machine) BlockAll(ctx context.Context) (Switch, error) {
	return m.ask(ctx, "block all", blockAllWords, socketfilterfw, "--getblockall")
}

// AllowSigned tells whether downloaded software that is signed may listen without a question, as container runtimes are.
func (m Machine) AllowSigned(ctx context.Context) (Switch, error) {
	return m.ask(ctx, "signed software", signedWords, socketfilterfw, "--getallowsigned")
}
