package verify

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"minibot/internal/host"
	"minibot/internal/probe"
)

var engineChecks = []Check{
	{
		ID: "host.engine.min-version", Severity: High,
		Claim:   "The engine and runc are new enough.",
		Why:     "Older engines let neighbours on the LAN in, and plugins do what they may not; older runc lets a container out (CVE-2024-21626; CVE-2025-31133, 52565 and 52881).",
		How:     "The versions that the engine tells are compared with min_engine (if left out, 28.3.3; before 29.3.1 it is low then) and min_runc (if left out, 1.2.8, 1.3.3 and 1.4.0-rc.3 and what follows each). A version is no proof: a distribution may have mended an older one.",
		Applies: "every engine whose spec has a host block; in a virtual machine it is medium", Attribute: "host.min_engine",
		Remedy: "Upgrade the engine; or say in the spec which version is enough: host { min_engine = \"…\" }.",
		needs:  theEngine, run: minVersion,
	},
	{
		ID: "host.docker-desktop.min", Severity: High,
		Claim:   "Docker Desktop is 4.44.3 or later.",
		Why:     "CVE-2025-9074: before, any container could command the engine, at 192.168.65.7:2375.",
		How:     "The product's name and version are read from the engine's own answer.",
		Applies: "Docker Desktop",
		Remedy:  "Update Docker Desktop.",
		needs:   theEngine, run: dockerDesktop,
	},
	{
		ID: "host.docker.api-tcp", Severity: Critical,
		Claim:   "Nobody commands the engine over the network.",
		Why:     "Whoever reaches the engine's API owns the machine; on 127.0.0.1, that is every program and every page in a browser.",
		How:     "The engine's own warnings are read, the endpoint that minibot uses must be a socket or ssh, and ports 2375 and 2376 are dialled at every address of this machine.",
		Applies: "every engine; the ports, where it is on this machine",
		Remedy:  "Take tcp:// out of \"hosts\" in the engine's settings and restart it; from elsewhere, use ssh://user@host.",
		run:     apiOverTCP,
	},
	{
		ID: "host.docker.socket-perm", Severity: High,
		Claim:   "The engine's socket is not open to every user of the machine.",
		Why:     "Whoever may write to it owns the machine.",
		How:     "Its permissions and the members of its group are read.",
		Applies: "engines on Linux, on this machine",
		Remedy:  "Run: sudo chmod 660 SOCKET; and see who set it otherwise.",
		needs:   thisMachine, run: socketPermissions,
	},
	{
		ID: "host.docker.insecure", Severity: Low, CIS: "2.5",
		Claim:   "The engine trusts no registry blindly, and is part of no swarm.",
		Why:     "An image fetched from such a registry may come from anybody; a swarm opens ports of its own and takes commands from other machines.",
		How:     "The engine's own answer is read: insecure registries other than loopback, and the state of the swarm.",
		Applies: "every engine",
		Remedy:  "Take insecure-registries out of the engine's settings; leave the swarm: docker swarm leave --force.",
		needs:   theEngine, run: insecure,
	},
}

func minVersion(_ context.Context, s Subject) []Result {
	if s.Stack.Host == nil {
		return []Result{skip("the spec has no host block").on("engine")}
	}
	return []Result{s.minEngine().on("engine"), s.minRunc().on("runc")}
}

func (s Subject) minEngine() Result {
	v, err := s.engineVersion()
	if err != nil {
		return unknown("%v", err)
	}
	least := s.Stack.Host.MinEngine
	oldest, err := parseVersion(least)
	if err != nil {
		return unknown("min_engine: %v", err)
	}
	switch warned := s.Stack.Host.MinEngineRange.Empty() && v.before(29, 3, 1); {
	case v.compare(oldest) < 0:
		return s.tooOld(v, "engine %s is older than %s%s", s.Live.Engine.Version, least, v.hint())
	case warned: // nobody has said that it is enough
		return fail("engine %s is older than 29.3.1, which closes holes of plugins (CVE-2026-33997, CVE-2026-34040)%s", s.Live.Engine.Version, v.hint()).as(Low)
	}
	return pass("%s", s.Live.Engine.Version)
}

func (s Subject) minRunc() Result {
	text := s.Live.Engine.Runc
	if text == "" {
		return skip("the engine does not say which runc it has")
	}
	v, err := parseVersion(text)
	if err != nil {
		return unknown("the engine calls runc's version %q: %v", text, err)
	}
	if h := s.Stack.Host; h.MinRunc != "" {
		oldest, err := parseVersion(h.MinRunc)
		switch {
		case err != nil:
			return unknown("min_runc: %v", err)
		case v.compare(oldest) < 0:
			return s.tooOld(v, "runc %s is older than %s%s", text, h.MinRunc, v.hint())
		}
		return pass("%s", text)
	}
	mended := version{major: 1, minor: 4, candidate: 3}
	old := v.before(1, 2, 8) || v.minor == 3 && v.before(1, 3, 3) || v.minor == 4 && v.compare(mended) < 0
	switch {
	case v.before(1, 1, 12):
		return s.tooOld(v, "runc %s lets a container out (CVE-2024-21626)%s", text, v.hint())
	case old:
		return s.tooOld(v, "runc %s lets a container out (CVE-2025-31133, 52565, 52881)%s", text, v.hint())
	}
	return pass("%s", text)
}

// tooOld is a failure that weighs less in a virtual machine, and where somebody may have mended what is old.
func (s Subject) tooOld(v version, format string, args ...any) Result {
	result := fail(format, args...)
	if v.patched || s.runtime().VM() {
		result = result.as(Medium)
	}
	return result
}

func dockerDesktop(_ context.Context, s Subject) []Result {
	return []Result{s.dockerDesktop().on("engine")}
}

func (s Subject) dockerDesktop() Result {
	if s.runtime() != host.DockerDesktop {
		return skip("the engine is %s", s.runtime().Title())
	}
	name, text, _ := strings.Cut(s.Live.Engine.Platform, "Docker Desktop ")
	v, err := parseVersion(text)
	switch {
	case err != nil || name != "":
		return unknown("the engine does not say which Docker Desktop it is: %q", s.Live.Engine.Platform)
	case v.before(4, 44, 3):
		return fail("%s: any container can command the engine (CVE-2025-9074)", s.Live.Engine.Platform)
	}
	return pass("%s", s.Live.Engine.Platform)
}

// exposed begins the engine's own warnings that its API is open, of 20.10 to 29 (facts/network-security.md §4.3).
const exposed = "API is accessible on"

// apiPorts are where engines listen by custom: in the clear, and with TLS.
var apiPorts = []uint16{2375, 2376}

func apiOverTCP(ctx context.Context, s Subject) []Result {
	return append([]Result{s.apiWarnings().on("engine"), s.apiEndpoint().on("endpoint")}, s.apiListeners(ctx)...)
}

func (s Subject) apiWarnings() Result {
	if blocked, why := s.lacks(theEngine); blocked {
		return why
	}
	for _, warning := range s.Live.Engine.Warnings {
		if strings.Contains(warning, exposed) {
			return fail("the engine warns: %s", strings.TrimPrefix(strings.TrimSpace(warning), "WARNING: "))
		}
	}
	return pass("the engine warns of nothing")
}

func (s Subject) apiEndpoint() Result {
	scheme, _, _ := strings.Cut(s.Endpoint, "://")
	switch scheme {
	case "unix", "npipe", "ssh":
		return pass("minibot talks to it by %s", scheme)
	}
	return fail("minibot talks to it at %s", s.Endpoint).as(High)
}

// apiListeners knocks where engines listen by custom, and asks what answers in the clear who it is.
func (s Subject) apiListeners(ctx context.Context) []Result {
	if blocked, why := s.lacks(thisMachine); blocked {
		return []Result{why}
	}
	addrs, err := s.Machine.Addresses(s.Live.Bridges)
	if err != nil {
		return []Result{unknown("%v", err).on("host")}
	}
	addrs = append([]netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, addrs...)
	var doors []netip.AddrPort
	for _, addr := range addrs {
		for _, port := range apiPorts {
			doors = append(doors, netip.AddrPortFrom(addr, port))
		}
	}
	results := sideBySide(doors, func(door netip.AddrPort) Result {
		reach, err := s.Prober.Reach(ctx, "", door.String())
		switch {
		case err != nil:
			return unknown("%v", err)
		case reach != probe.Connected:
			return pass("%s: %s", door, reach)
		}
		if response, err := s.Prober.Get(ctx, fmt.Sprintf("http://%s/_ping", door)); err == nil && response.Status == 200 {
			return fail("an engine answers at %s", door)
		}
		return fail("something answers at %s, where engines listen", door).as(Medium)
	})
	return worstOf(results, "host")
}

// worstOf makes one result of several of one kind, unless some of them did not pass: then it is those.
func worstOf(results []Result, object string) []Result {
	bad := slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return r.Status == Pass })
	if len(bad) == 0 {
		bad = []Result{pass("nothing answers at ports 2375 and 2376")}
	}
	for i := range bad {
		bad[i] = bad[i].on(object)
	}
	return bad
}

func socketPermissions(ctx context.Context, s Subject) []Result {
	return []Result{s.socketPermissions(ctx).on("host")}
}

func (s Subject) socketPermissions(ctx context.Context) Result {
	path, ok := strings.CutPrefix(s.Endpoint, "unix://")
	if !ok {
		return skip("minibot talks to the engine by no socket")
	}
	if s.runtime().VM() {
		return skip("the socket of %s is its user's own", s.runtime().Title())
	}
	socket, err := s.Machine.Socket(ctx, path)
	if err != nil {
		return unseen(err)
	}
	const others = 0o002 // who may only read cannot connect (unix(7))
	who := fmt.Sprintf("%s is %o %s:%s", path, socket.Mode, socket.Owner, socket.Group)
	if socket.Mode&others != 0 {
		return fail("%s: every user of the machine may command the engine", who).remedy("Run: sudo chmod 660 %s; and see who set it otherwise.", path)
	}
	if n := len(socket.Members); n > 0 {
		return pass("%s; %s of that group may command the engine", who, count(n, "member"))
	}
	return pass("%s", who)
}

func insecure(_ context.Context, s Subject) []Result {
	var wrong []string
	for _, network := range s.Live.Engine.InsecureRegistries {
		if !network.Addr().IsLoopback() {
			wrong = append(wrong, "it trusts registries in "+network.String()+" blindly")
		}
	}
	for _, name := range s.Live.Engine.InsecureHosts {
		wrong = append(wrong, "it trusts the registry "+name+" blindly")
	}
	if s.Live.Engine.Swarm {
		wrong = append(wrong, "it is part of a swarm")
	}
	if wrong != nil {
		return []Result{fail("%s", strings.Join(wrong, "; ")).on("engine")}
	}
	return []Result{pass("no insecure registry, no swarm").on("engine")}
}
