package verify

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"minibot/internal/host"
)

var remoteChecks = []Check{
	{
		ID: "remote.tailscale.up", Severity: Medium, Must: true,
		Claim:   "Tailscale is up, where the spec declares it.",
		Why:     "It is one of the two ways in from elsewhere.",
		How:     "The answer of tailscale status --json is read: the state is Running, and there are addresses.",
		Applies: `stacks with remote "tailscale"; with required = false it may be down or missing`, Attribute: "remote.tailscale",
		Remedy: "Run: tailscale up",
		needs:  thisMachine, run: tailscaleUp,
	},
	{
		ID: "remote.tailscale.funnel", Severity: Critical, Must: true,
		Claim:   "No funnel leads from the internet to this machine.",
		Why:     "A funnel is open to everybody, not to the tailnet alone.",
		How:     "The answer of tailscale serve status --json is read, what commands serve that still run (tailscale funnel in the foreground) included.",
		Applies: "machines with Tailscale", Attribute: "remote.tailscale",
		Remedy: "Run: tailscale funnel reset; and end the command if one still runs.",
		needs:  thisMachine, run: funnel,
	},
	{
		ID: "remote.tailscale.serve", Severity: High, Must: true,
		Claim:   "Tailscale serves no port but those of the spec.",
		Why:     "What it serves is open to the whole tailnet, however it is bound on this machine.",
		How:     "The answer of tailscale serve status --json is read. A port of the stack that the spec does not let it serve is high, anything else medium. The rules of the tailnet are not to be seen from here.",
		Applies: "machines with Tailscale", Attribute: "remote.tailscale.serve",
		Remedy: "Run: tailscale serve reset; or let the spec say so: remote \"tailscale\" { serve = [PORT] }.",
		needs:  thisMachine, run: served,
	},
	{
		ID: "remote.tailscale.ssh", Severity: Medium,
		Claim:   "Tailscale's own SSH server is on or off as the spec says, and its settings are not open to the tailnet.",
		Why:     "It lets in whom the tailnet's rules name, without a key of this machine.",
		How:     "The answer of tailscale debug prefs is read: RunSSH and RunWebClient.",
		Applies: "machines with Tailscale", Attribute: "remote.tailscale.ssh",
		Remedy: "Run: tailscale set --ssh=false --webclient=false (or write ssh = true in remote \"tailscale\").",
		needs:  thisMachine, run: tailscaleSSH,
	},
	{
		ID: "remote.tailscale.routes", Severity: High,
		Claim:   "Tailscale offers no route to the networks of containers.",
		Why:     "With it, the tailnet reaches every port of every container, published or not; and forwarding is on before the engine starts, see net.l2.forward-policy.",
		How:     "AdvertiseRoutes of tailscale debug prefs is compared with the subnets of the engine's bridges. The routes of an exit node leave out the machine's own networks.",
		Applies: "machines with Tailscale", Attribute: "remote.tailscale",
		Remedy: "Run: tailscale set --advertise-routes= with the other routes alone.",
		needs:  theEngine | thisMachine, run: tailscaleRoutes,
	},
	{
		ID: "remote.tailscale.key-expiry", Severity: Low,
		Claim:   "Tailscale's key is good for two weeks or more.",
		Why:     "When it ends, the way in is closed until somebody logs in at the machine.",
		How:     "Self.KeyExpiry of tailscale status --json is read.",
		Applies: "machines whose Tailscale is up", Attribute: "remote.tailscale",
		Remedy: "Run: tailscale up --force-reauth; or disable key expiry for this machine in the admin console.",
		needs:  thisMachine, run: keyExpiry,
	},
	{
		ID: "remote.tunnel.listeners", Severity: High,
		Claim:   "No program leads others to the stack beside Tailscale and SSH.",
		Why:     "A tunnel gets past the firewall and the loopback addresses, from wherever its other end is.",
		How:     "The processes are looked through for cloudflared, ngrok, frpc and their like; for ssh -R, -g and -L with an address of the network; for socat, nginx, caddy, haproxy, traefik, apache and envoy that pass on a port of the stack, by their arguments and configuration.",
		Applies: "ports of the spec, where the engine is on this machine", Attribute: "bind",
		Remedy: "End it, and see what starts it (launchctl list, systemctl list-units).",
		needs:  thisMachine, run: tunnels,
	},
	{
		ID: "remote.openclaw.tailscale-mode", Severity: Critical,
		Claim:   "The OpenClaw gateway opens no funnel to itself.",
		Why:     "With gateway.tailscale.mode = \"funnel\" it puts itself on the internet as soon as it finds a Tailscale, and nothing of the stack's ports shows that.",
		How:     "It is read off OpenClaw's own audit, which looks at the configuration that is in force; without auth.openclaw.audit this is left out, too.",
		Applies: `running services with auth "openclaw" whose image has the program`, Attribute: "auth",
		Remedy: "Set gateway.tailscale.mode to \"off\", or to \"serve\" for the tailnet alone, and run minibot apply.",
		needs:  theEngine, run: tailscaleMode,
	},
}

// tailscaleError is the result of a question that Tailscale did not answer; without it or its service, nothing is served.
func (s Subject) tailscaleError(err error) Result {
	switch {
	case errors.Is(err, host.ErrNotInstalled):
		if addr, there := s.tailnetAddress(); there {
			return unknown("this machine has the address %s of a tailnet, but no tailscale command was found", addr).remedy("Put the tailscale command into /usr/local/bin.")
		}
		return skip("Tailscale is not installed")
	case errors.Is(err, host.ErrTailscaleDown):
		return skip("%v", err)
	}
	return unseen(err)
}

// Where Tailscale takes addresses from: of IPv4 it shares them with carriers' own NAT.
var (
	tailnet4 = netip.MustParsePrefix("100.64.0.0/10")
	tailnet6 = netip.MustParsePrefix("fd7a:115c:a1e0::/48")
)

func (s Subject) tailnetAddress() (netip.Addr, bool) {
	addrs, err := s.Machine.Addresses(nil)
	i := slices.IndexFunc(addrs, tailnet6.Contains)
	if i < 0 {
		i = slices.IndexFunc(addrs, tailnet4.Contains)
	}
	if err != nil || i < 0 {
		return netip.Addr{}, false
	}
	return addrs[i], true
}

func tailscaleUp(ctx context.Context, s Subject) []Result {
	return []Result{s.tailscaleUp(ctx).on("host")}
}

func (s Subject) tailscaleUp(ctx context.Context) Result {
	declared := s.Stack.Remote("tailscale")
	if declared == nil {
		return skip("the spec declares no remote \"tailscale\"")
	}
	status, err := s.Machine.Tailscale(ctx)
	if err != nil {
		result := s.tailscaleError(err)
		if result.Status == Skip && *declared.Required {
			result.Status = Fail
		}
		return result
	}
	switch {
	case status.Up():
		return pass("%s, %s", status.State, status.Addresses[0])
	case !*declared.Required:
		return skip("it is not up (%s), and need not be", status.State)
	}
	return fail("its state is %s%s", status.State, prefixed(": ", strings.Join(status.Health, " ")))
}

func funnel(ctx context.Context, s Subject) []Result {
	serving, err := s.Machine.TailscaleServe(ctx)
	switch {
	case err != nil:
		return []Result{s.tailscaleError(err).on("host")}
	case len(serving.Funnels) > 0:
		return []Result{fail("everybody on the internet reaches %s: %s", strings.Join(serving.Funnels, ", "), targets(serving)).on("host")}
	}
	return []Result{pass("there is none").on("host")}
}

// targets says what Tailscale serves.
func targets(s host.Serving) string {
	var texts []string
	for _, one := range s.Served {
		texts = append(texts, one.Where+" → "+one.Target)
	}
	if texts == nil {
		return "nothing is served there now"
	}
	return strings.Join(texts, ", ")
}

func served(ctx context.Context, s Subject) []Result {
	serving, err := s.Machine.TailscaleServe(ctx)
	if err != nil {
		return []Result{s.tailscaleError(err).on("host")}
	}
	var results []Result
	for _, one := range serving.Served {
		results = append(results, s.served(one))
	}
	if results == nil {
		return []Result{pass("it serves nothing").on("host")}
	}
	return results
}

func (s Subject) served(one host.Served) Result {
	declared := s.Stack.Remote("tailscale")
	if declared != nil && one.Port != 0 && slices.Contains(declared.Serve, int(one.Port)) {
		return pass("it serves %s, as the spec says", one.Target).on("host " + one.Where)
	}
	for _, b := range s.bounds() {
		if int(one.Port) == b.Published {
			return fail("it serves %s, which is %s, to the tailnet", one.Target, b.service).of(b.service, one.Where)
		}
	}
	return fail("it serves %s to the tailnet", one.Target).as(Medium).on("host " + one.Where)
}

func tailscaleSSH(ctx context.Context, s Subject) []Result {
	return []Result{s.tailscaleSSH(ctx).on("host")}
}

func (s Subject) tailscaleSSH(ctx context.Context) Result {
	prefs, err := s.Machine.TailscalePrefs(ctx)
	if err != nil {
		return s.tailscaleError(err)
	}
	declared := s.Stack.Remote("tailscale")
	want := declared != nil && declared.SSH
	switch {
	case prefs.SSH && !want:
		return fail("Tailscale's SSH server is on, and the spec does not say so")
	case want && !prefs.SSH:
		return fail("Tailscale's SSH server is off, and the spec says that it is on")
	case prefs.WebClient:
		return fail("Tailscale's settings can be changed from the tailnet (RunWebClient)")
	}
	return pass("RunSSH is %t", prefs.SSH)
}

func tailscaleRoutes(ctx context.Context, s Subject) []Result {
	return []Result{s.tailscaleRoutes(ctx).on("host")}
}

func (s Subject) tailscaleRoutes(ctx context.Context) Result {
	prefs, err := s.Machine.TailscalePrefs(ctx)
	if err != nil {
		return s.tailscaleError(err)
	}
	for _, route := range prefs.Routes {
		for _, bridge := range s.Live.Bridges {
			if route.Bits() > 0 && route.Overlaps(bridge) {
				return fail("the route to %s leads the tailnet to the containers on %s", route, bridge)
			}
		}
	}
	if len(prefs.Routes) == 0 {
		return pass("it offers no route")
	}
	return pass("it offers %s, where no containers are", lines(prefs.Routes))
}

// soon is how long before its end a key is worth a word.
const soon = 14 * 24 * time.Hour

func keyExpiry(ctx context.Context, s Subject) []Result {
	return []Result{s.keyExpiry(ctx).on("host")}
}

func (s Subject) keyExpiry(ctx context.Context) Result {
	status, err := s.Machine.Tailscale(ctx)
	if err != nil {
		return s.tailscaleError(err)
	}
	day := status.KeyExpiry.UTC().Format(time.DateOnly)
	switch left := status.KeyExpiry.Sub(s.Now); {
	case !status.Up():
		return skip("Tailscale is not up (%s)", status.State)
	case status.KeyExpiry.IsZero():
		return pass("it does not end")
	case left <= 0:
		return fail("it has ended on %s", day)
	case left < soon:
		return fail("it ends on %s", day)
	}
	return pass("until %s", day)
}

func tunnels(ctx context.Context, s Subject) []Result {
	var ports []uint16
	for _, b := range s.bounds() {
		ports = append(ports, uint16(b.Published))
	}
	found, err := s.Machine.Tunnels(ctx, ports)
	if err != nil {
		return []Result{unseen(err).on("host")}
	}
	var results []Result
	for _, tunnel := range found {
		results = append(results, fail("%s", tunnel).on(fmt.Sprintf("host %s %d", tunnel.Program, tunnel.PID)))
	}
	if results == nil {
		return []Result{pass("there is none").on("host")}
	}
	return results
}
