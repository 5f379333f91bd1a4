package verify

import (
	"context"
	"errors"

	"minibot/internal/host"
)

var hostChecks = []Check{
	{
		ID: "host.macos.firewall", Severity: High, Must: true,
		Claim:   "The macOS application firewall is on.",
		Why:     "It guards the Mac's other programs. Ports of containers belong to the engine's program, so it does not guard those: their loopback address does.",
		How:     "The answer of socketfilterfw --getglobalstate is read. What it says in other words than known is an error.",
		Applies: "macOS, where the spec has host { firewall = true }", Attribute: "host.firewall",
		Remedy: "Run: sudo /usr/libexec/ApplicationFirewall/socketfilterfw --setglobalstate on",
		needs:  thisMachine, run: firewall,
	},
}

func firewall(ctx context.Context, s Subject) []Result {
	if s.Stack.Host == nil || !s.Stack.Host.Firewall {
		return []Result{skip("the spec does not ask for it (host { firewall = true })").on("host")}
	}
	state, err := s.Machine.Firewall(ctx)
	result := fail("the firewall is %s", state)
	switch {
	case errors.Is(err, host.ErrNotApplicable):
		result = skip("%v", err)
	case err != nil:
		result = unknown("%v", err).remedy("Look at System Settings, Network, Firewall.")
	case state.On():
		result = pass("the firewall is %s", state)
	}
	return []Result{result.on("host")}
}
