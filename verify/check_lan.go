package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"minibot/internal/host"
	"minibot/internal/plan"
)

var lanChecks = []Check{
	{
		ID: "net.l2.engine", Severity: High,
		Claim:   "No neighbour on the LAN gets past the engine to a port that is published on 127.0.0.1.",
		Why:     "Engines before 28.0.0 forward what a neighbour sends to a container's own address, or to 127.0.0.1 over the wire. No dial from this machine can show it.",
		How:     "The engine's version, its warnings and its way to filter are judged; where it leaves the door open, root also reads the packet filter, since rules can close it; behind ssh that of the other machine, if it is root that logs in there. Docker Desktop, OrbStack and Colima run in a virtual machine that is no neighbour of the LAN, unless its network is bridged.",
		Applies: "engines on Linux, and in virtual machines whose network is bridged",
		Remedy:  "Upgrade the engine to 28.3.3 or later; or drop what comes from elsewhere, by rules of the table raw: minibot verify names them.",
		needs:   theEngine, run: neighbours,
	},
	{
		ID: "net.l2.forward-policy", Severity: High,
		Claim:   "What is sent to a container from elsewhere is dropped unless a rule lets it in.",
		Why:     "Where forwarding was on before an engine older than 28.0.0 started (a VPN, another hypervisor), it lets neighbours reach every port of every container, published or not.",
		How:     "Root reads the policy of the chain FORWARD. Another user cannot know it, and gets an error.",
		Applies: "engines before 28.0.0 on Linux",
		Remedy:  "Run: sudo iptables -P FORWARD DROP (and have it done after each start), or upgrade the engine to 28.3.3 or later.",
		needs:   theEngine | thisMachine, run: forwardPolicy,
	},
	{
		ID: "net.l2.route-localnet", Severity: Medium, CIS: "2.16",
		Claim:   "The kernel takes packets for 127.0.0.1 from no wire.",
		Why:     "With route_localnet, what listens on 127.0.0.1 alone is open to neighbours, whether a container or a program of the machine.",
		How:     "/proc/sys/net/ipv4/conf/*/route_localnet is read for the bridges of the stack and for the interfaces of the LAN.",
		Applies: "engines before 28.0.0 on Linux",
		Remedy:  "Take \"userland-proxy\": false out of the engine's settings and restart it, or upgrade the engine to 28.3.3 or later.",
		needs:   theEngine | thisMachine, run: routeLocalnet,
	},
	{
		ID: "net.runtime.lan-setting", Severity: Medium, CIS: "5.14",
		Claim:   "The container runtime opens no port to the LAN that names no address.",
		Why:     "A port published without an address, by a stray container or a test, is open to everybody on the LAN.",
		How:     "The runtime's own settings are read: docker.expose_ports_to_lan of OrbStack, PortBindingBehavior of Docker Desktop, the network mode of Colima. Where there is no file of settings, its default counts.",
		Applies: "Docker Desktop, OrbStack and Colima",
		Remedy:  "Choose 127.0.0.1 in the settings of the runtime.",
		needs:   theEngine | thisMachine, run: lanSetting,
	},
	{
		ID: "net.internal.dns", Severity: Medium,
		Claim:   "The engine sends no question for a name out of an internal network.",
		Why:     "CVE-2024-29018: a container on an internal network can send data out in the names that it asks for, where the resolver of the machine is on loopback.",
		How:     "The engine's version is compared with 23.0.11, 25.0.5 and 26.0.0, which closed it. A distribution may have mended an older one.",
		Applies: "stacks with an internal network",
		Remedy:  "Upgrade the engine.",
		needs:   theEngine, run: internalDNS,
	},
}

// lanFlaws says how an engine lets a neighbour of its machine in; from facts/network-security.md §1.3.
func lanFlaws(e plan.Engine, v version, settings host.Daemon) []string {
	var flaws []string
	add := func(yes bool, format string, args ...any) {
		if yes {
			flaws = append(flaws, fmt.Sprintf(format, args...))
		}
	}
	add(v.before(28, 0, 0), "engine %s forwards what neighbours on the LAN send to published ports", e.Version)
	add(!v.before(28, 2, 0) && v.before(28, 3, 3) && strings.Contains(e.Firewall, "firewalld"),
		"engine %s loses its rules when firewalld reloads (CVE-2025-54388)", e.Version)
	add(slices.ContainsFunc(e.Warnings, func(w string) bool { return strings.Contains(w, "DOCKER_INSECURE_NO_IPTABLES_RAW") }),
		"the engine was told to make no rules against it (DOCKER_INSECURE_NO_IPTABLES_RAW)")
	add(settings.NoFilter, "/etc/docker/daemon.json has iptables switched off")
	add(settings.DirectRoutes, "/etc/docker/daemon.json allows direct routing")
	return flaws
}

func neighbours(ctx context.Context, s Subject) []Result {
	return []Result{s.neighbours(ctx).on("engine")}
}

func (s Subject) neighbours(ctx context.Context) Result {
	wired, why, err := s.onWire()
	if err != nil {
		return unseen(err)
	}
	if !wired {
		return skip("%s", why)
	}
	v, err := s.engineVersion()
	if err != nil {
		return unknown("%v", err)
	}
	var settings host.Daemon
	if s.Local && s.Machine.GOOS == "linux" {
		if settings, err = s.Machine.Daemon(); err != nil {
			return unknown("%v", err)
		}
	}
	flaws := strings.Join(lanFlaws(s.Live.Engine, v, settings), "; ")
	bridges := s.bridges()
	switch {
	case flaws == "":
		return pass("engine %s drops what neighbours on the LAN send to its containers", s.Live.Engine.Version)
	case len(bridges) == 0:
		return skip("no network of the stack is there yet; %s", flaws)
	case !s.Local && s.Wire == nil:
		return fail("%s; whether rules of its machine close that is not to be seen from here", flaws)
	}
	ways, err := s.waysIn(ctx)
	switch {
	case errors.Is(err, host.ErrNeedsRoot):
		return fail("%s; whether rules of the packet filter close that, only root may see", flaws).remedy("%s", closing(bridges))
	case errors.Is(err, host.ErrNotApplicable):
		return fail("%s, and the virtual machine of %s is on the LAN", flaws, s.runtime().Title()).remedy("Take its network off the bridged mode, or upgrade the engine to 28.3.3 or later.")
	case err != nil:
		return unknown("%s; whether rules of the packet filter close that is not known: %v", flaws, err)
	case len(ways) > 0:
		return fail("%s; open: %s", flaws, few(ways, 3)).remedy("%s", closing(bridges))
	}
	return pass("closed by rules of the packet filter, since %s", flaws)
}

// closing says how to close the hole of an engine before 28: what engine 28 does itself (facts/network-security.md §1.2).
func closing(bridges []host.Bridge) string {
	rules := []string{"iptables -t raw -I PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP"}
	for _, bridge := range bridges {
		for _, subnet := range bridge.Subnets {
			command := map[bool]string{true: "iptables", false: "ip6tables"}[subnet.Addr().Is4()]
			rules = append(rules, fmt.Sprintf("%s -t raw -I PREROUTING ! -i %s -d %s -j DROP", command, bridge.Interface, subnet))
		}
	}
	return "Upgrade the engine to 28.3.3 or later; or run as root, after each start: " + strings.Join(rules, "; ")
}

// few writes the first of a list, and how many more there are.
func few[T fmt.Stringer](all []T, most int) string {
	if len(all) <= most {
		return lines(all)
	}
	return fmt.Sprintf("%s and %d more", lines(all[:most]), len(all)-most)
}

// oldOnWire tells whether the engine is one of those that leave the wire to the kernel; else the result says why not.
func (s Subject) oldOnWire() (bool, Result) {
	wired, why, err := s.onWire()
	if err != nil {
		return false, unseen(err)
	}
	if wired && s.Machine.GOOS != "linux" {
		wired, why = false, "the kernel is that of the virtual machine of "+s.runtime().Title()
	}
	if !wired {
		return false, skip("%s", why)
	}
	v, err := s.engineVersion()
	switch {
	case err != nil:
		return false, unknown("%v", err)
	case !v.before(28, 0, 0):
		return false, pass("engine %s drops such packets itself", s.Live.Engine.Version)
	}
	return true, Result{}
}

func forwardPolicy(ctx context.Context, s Subject) []Result {
	old, result := s.oldOnWire()
	if old {
		result = s.forwardPolicy(ctx)
	}
	return []Result{result.on("host")}
}

func (s Subject) forwardPolicy(ctx context.Context) Result {
	filter, err := s.Machine.Filter(ctx, false)
	if err != nil {
		return unseen(err).remedy("Verify as root: sudo minibot verify --only net.l2")
	}
	if !filter.Forwards() {
		return pass("the policy of FORWARD is to drop")
	}
	if ways, err := s.waysIn(ctx); err != nil {
		return unseen(err)
	} else if len(ways) > 0 || len(s.bridges()) == 0 {
		return fail("the policy of FORWARD is ACCEPT: neighbours on the LAN reach every port of every container, published or not")
	}
	return pass("the policy of FORWARD is ACCEPT, but other rules drop what neighbours send to the stack")
}

func routeLocalnet(_ context.Context, s Subject) []Result {
	old, result := s.oldOnWire()
	if old {
		result = s.routeLocalnet()
	}
	return []Result{result.on("host")}
}

func (s Subject) routeLocalnet() Result {
	bridges := s.bridges()
	names, err := s.Machine.LAN(bridges)
	if err != nil {
		return unknown("%v", err)
	}
	for _, bridge := range bridges {
		names = append(names, bridge.Interface)
	}
	var set []string
	for _, name := range append(names, "all") {
		on, err := s.Machine.RoutesLoopback(name)
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone since it was listed, or it has no IPv4
		case err != nil:
			return unknown("%v", err)
		case on:
			set = append(set, name)
		}
	}
	if len(set) > 0 {
		return fail("route_localnet is 1 for %s", strings.Join(set, ", "))
	}
	return pass("route_localnet is 0 for %s", strings.Join(names, ", "))
}

func lanSetting(ctx context.Context, s Subject) []Result {
	kind := s.runtime()
	var setting host.Setting
	var err error
	open, remedy := "", ""
	switch kind {
	case host.OrbStack:
		setting, err = s.Machine.ExposedToLAN(ctx)
		open, remedy = "true", "Run: orb config set docker.expose_ports_to_lan false"
	case host.DockerDesktop:
		setting, err = s.Machine.PortBinding()
		open, remedy = "default-port-binding", "Docker Desktop, Settings, Resources, Network, Port binding behavior: bind to localhost by default."
	case host.Colima, host.Lima:
		setting, err = s.Machine.VMNetwork(kind, s.Live.Engine.Name)
		open, remedy = "bridged", "Set the network to shared in the settings of "+kind.Title()+", and start it again."
	default:
		return []Result{skip("%s has no such setting", kind.Title()).on("runtime")}
	}
	var result Result
	switch {
	case errors.Is(err, host.ErrNotInstalled):
		result = unknown("%v", err).remedy("Put the runtime's own program where it is found, such as /usr/local/bin.")
	case err != nil:
		result = unseen(err)
	case setting.Value == open:
		result = fail("%s", setting).remedy("%s", remedy)
	default:
		result = pass("%s", setting)
	}
	return []Result{result.on("runtime")}
}

func internalDNS(_ context.Context, s Subject) []Result {
	var results []Result
	for _, network := range s.wantedNetworks() {
		if network.Internal {
			results = append(results, s.internalDNS().on(network.Name))
		}
	}
	if results == nil {
		return []Result{skip("no network of the spec is internal").on("stack")}
	}
	return results
}

func (s Subject) internalDNS() Result {
	v, err := s.engineVersion()
	if err != nil {
		return unknown("%v", err)
	}
	leaks := v.before(23, 0, 11) || v.major == 24 || v.major == 25 && v.before(25, 0, 5) || v.major == 26 && v.before(26, 0, 0)
	if !leaks {
		return pass("engine %s answers for the network alone", s.Live.Engine.Version)
	}
	return fail("engine %s sends them on (CVE-2024-29018)%s", s.Live.Engine.Version, v.hint())
}
