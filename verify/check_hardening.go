package verify

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

var hardeningChecks = []Check{
	{
		ID: "hard.privileged", Severity: Critical, CIS: "5.5",
		Claim:   "No container is privileged.",
		Why:     "Root in a privileged container is root of the machine.",
		How:     "The container's own setting, as the engine holds it.",
		Applies: "every service",
		Remedy:  "Run minibot apply: it makes the container anew without it.",
		needs:   theEngine, run: perContainer(privileged),
	},
	{
		ID: "hard.caps", Severity: Critical, CIS: "5.4",
		Claim:   "Every container has the capabilities of the spec and no other.",
		Why:     "A capability is a piece of root. Some, such as SYS_ADMIN, are enough to leave the container.",
		How:     "The capabilities that the container drops and adds are compared with the spec's. Added ones that own the machine are critical, others are not.",
		Applies: "every service", Attribute: "cap_drop",
		Remedy: "Run minibot apply: it makes the container anew with those of the spec.",
		needs:  theEngine, run: perContainer(capabilities),
	},
	{
		ID: "hard.no-new-privileges", Severity: Medium, CIS: "5.26",
		Claim:   "No process in a container can gain privileges.",
		Why:     "Without it a setuid program in the image turns any user into root.",
		How:     "The container's security options, as the engine holds them.",
		Applies: "every service",
		Remedy:  "Run minibot apply: it makes the container anew with no-new-privileges.",
		needs:   theEngine, run: perContainer(noNewPrivileges),
	},
	{
		ID: "hard.docker-sock", Severity: Critical, CIS: "5.32",
		Claim:   "No container can talk to a container engine of the host.",
		Why:     "Whoever talks to the engine can start a container that owns the machine.",
		How:     "Each folder and file of the host that the container sees is compared with the places of the sockets of Docker, containerd, Podman, CRI-O and BuildKit, the folders above them too.",
		Applies: "every service", Attribute: "mount",
		Remedy: "Run minibot apply: it makes the container anew with the mounts of the spec.",
		needs:  theEngine, run: perContainer(engineSocket),
	},
	{
		ID: "hard.readonly-root", Severity: Low, CIS: "5.13",
		Claim:   "The root file system is read-only where the spec says so.",
		Why:     "Who breaks into a container with a read-only root cannot leave a program behind.",
		How:     "The container's own setting is compared with read_only in the spec.",
		Applies: "every service", Attribute: "read_only",
		Remedy: "Run minibot apply: it makes the container anew.",
		needs:  theEngine, run: perContainer(readOnlyRoot),
	},
	{
		ID: "hard.restart", Severity: Low, CIS: "5.15",
		Claim:   "Every container has the restart policy of the spec.",
		Why:     "It decides whether the service is back after a crash and a reboot.",
		How:     "The container's policy, as the engine holds it, must be the spec's.",
		Applies: "every service", Attribute: "restart",
		Remedy: "Run minibot apply: it sets the policy without a restart.",
		needs:  theEngine, run: perContainer(restartPolicy),
	},
}

func privileged(p pair) Result {
	if p.have.Actual.Privileged {
		return fail("%s is privileged: root in it is root of the machine", p.have.Name)
	}
	return pass("not privileged")
}

// ownsMachine lists capabilities by which a container takes over its host.
var ownsMachine = []string{"ALL", "BPF", "DAC_READ_SEARCH", "MKNOD", "NET_ADMIN", "SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_TIME"}

func capabilities(p pair) Result {
	dropped, wantDropped := caps(p.have.Actual.CapDrop), caps(p.want.CapDrop)
	kept := minus(wantDropped, dropped)
	if slices.Contains(dropped, "ALL") {
		kept = nil
	}
	added := minus(caps(p.have.Actual.CapAdd), caps(p.want.CapAdd))
	var wrong []string
	if len(kept) > 0 {
		wrong = append(wrong, "has not dropped "+strings.Join(kept, ", "))
	}
	if len(added) > 0 {
		wrong = append(wrong, "has "+strings.Join(added, ", ")+", which the spec does not give it")
	}
	switch {
	case len(wrong) == 0:
		return pass("dropped %s, added %s", words(dropped), words(caps(p.have.Actual.CapAdd)))
	case slices.ContainsFunc(added, func(name string) bool { return slices.Contains(ownsMachine, name) }):
		return fail("%s %s", p.have.Name, strings.Join(wrong, ", and "))
	}
	return fail("%s %s", p.have.Name, strings.Join(wrong, ", and ")).as(Medium)
}

// caps writes capabilities in one way; engines know them with CAP_ and without.
func caps(names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, strings.TrimPrefix(strings.ToUpper(name), "CAP_"))
	}
	slices.Sort(all)
	return all
}

// minus lists what is in a and not in b.
func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(name string) bool { return slices.Contains(b, name) })
}

func words(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

func noNewPrivileges(p pair) Result {
	for _, option := range p.have.Actual.SecurityOpt {
		switch strings.ReplaceAll(option, "=", ":") {
		case "no-new-privileges", "no-new-privileges:true":
			return pass("%s", option)
		}
	}
	return fail("%s lacks no-new-privileges: a setuid program in it can make itself root", p.have.Name)
}

// engineSockets are the places of the sockets by which one owns the machine; * is a
// person's name or number.
var engineSockets = []string{
	"/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock", "/run/crio/crio.sock", "/run/buildkit/buildkitd.sock",
	"/run/user/*/docker.sock", "/run/user/*/podman/podman.sock", "/run/user/*/containerd/containerd.sock",
	"/home/*/.docker/run/docker.sock", "/home/*/.docker/desktop/docker.sock", "/home/*/.colima/default/docker.sock",
	"/Users/*/.docker/run/docker.sock", "/Users/*/.colima/default/docker.sock", "/Users/*/.orbstack/run/docker.sock",
	"/root/.docker/run/docker.sock",
}

var socketName = regexp.MustCompile(`(?i)(docker|containerd|podman|crio|buildkitd?).*\.sock(\.raw)?$`)

func engineSocket(p pair) Result {
	for _, mount := range p.have.Actual.Volumes {
		if mount.Type != types.VolumeTypeBind {
			continue
		}
		switch socket := socketIn(mount.Source); socket {
		case "":
		case mount.Source:
			return fail("%s mounts %s of the host: it can do all that the engine can", p.have.Name, mount.Source)
		default:
			return fail("%s mounts %s of the host, where an engine has its socket (%s): it can do all that the engine can", p.have.Name, mount.Source, socket)
		}
	}
	return pass("no such mount")
}

// socketIn names the engine's socket that a path of the host is or may hold; "" if none.
func socketIn(source string) string {
	if socketName.MatchString(path.Base(source)) {
		return source
	}
	place := path.Clean(source)
	place = strings.TrimPrefix(place, "/host_mnt") // where Docker Desktop has the Mac's files
	place = strings.TrimPrefix(place, "/private")  // where macOS has /var
	if place == "/var" || place == "/var/run" || strings.HasPrefix(place, "/var/run/") {
		place = strings.TrimPrefix(place, "/var")
	}
	if place == "" {
		place = "/"
	}
	for _, socket := range engineSockets {
		for dir := socket; ; dir = path.Dir(dir) {
			if match, _ := path.Match(dir, place); match {
				return socket
			}
			if dir == "/" {
				break
			}
		}
	}
	return ""
}

func readOnlyRoot(p pair) Result {
	switch {
	case p.have.Actual.ReadOnly:
		return pass("read-only")
	case p.want.ReadOnly:
		return fail("%s can write to its root file system", p.have.Name)
	}
	return skip("the spec leaves it writable (read_only = true would change that)")
}

func restartPolicy(p pair) Result {
	have, want := p.have.Actual.Restart, p.want.Restart
	if have == "" {
		have = "no"
	}
	if have != want {
		return fail("the policy of %s is %q, not %q", p.have.Name, have, want)
	}
	return pass("%s", have)
}
