package verify

import (
	"fmt"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/spec"
)

var mountChecks = []Check{
	{
		ID: "hard.mounts.sensitive", Severity: High, CIS: "5.6",
		Claim:   "No container sees a folder of the machine that holds more than its own data.",
		Why:     "Who may write to /etc or to a person's home owns the machine; who may read them has its keys.",
		How:     "The sources of the container's bind mounts, as the engine holds them, are held against what the spec refuses to mount. One that is read-only is less bad.",
		Applies: "every service", Attribute: "mount",
		Remedy: "Run minibot apply: it makes the container anew with the mounts of the spec.",
		needs:  theEngine, run: perContainer(sensitiveMounts),
	},
	{
		ID: "hard.mounts.propagation", Severity: Medium, CIS: "5.20",
		Claim:   "No mount of a container spreads to the machine.",
		Why:     "Where mounts propagate, what a container mounts appears on the machine, and other containers see it.",
		How:     "The propagation of the container's bind mounts, as the engine holds it: all but private ones fail.",
		Applies: "every service", Attribute: "mount",
		Remedy: "Run minibot apply: it makes the container anew with private mounts.",
		needs:  theEngine, run: perContainer(propagation),
	},
}

// binds lists the folders of the host that a container sees.
func (p pair) binds() []types.ServiceVolumeConfig {
	var binds []types.ServiceVolumeConfig
	for _, mount := range p.have.Actual.Volumes {
		if mount.Type == types.VolumeTypeBind {
			binds = append(binds, mount)
		}
	}
	return binds
}

func sensitiveMounts(p pair) Result {
	var seen []string
	severity := Medium
	for _, mount := range p.binds() {
		source := strings.TrimPrefix(mount.Source, "/host_mnt") // where Docker Desktop has the Mac's files
		if source == "" {
			source = "/"
		}
		kind := spec.Sensitive(source)
		if kind == "" {
			continue
		}
		access := "read-only"
		if !mount.ReadOnly {
			access, severity = "writable", High
		}
		seen = append(seen, fmt.Sprintf("%s (%s, %s)", mount.Source, strings.ToLower(string(kind[:1]))+string(kind[1:]), access))
	}
	if len(seen) > 0 {
		return fail("%s mounts %s", p.have.Name, strings.Join(seen, ", ")).as(severity)
	}
	return pass("%s of the host", count(len(p.binds()), "folder"))
}

func propagation(p pair) Result {
	var spread []string
	for _, mount := range p.binds() {
		if mount.Bind != nil && mount.Bind.Propagation != "" && mount.Bind.Propagation != types.PropagationPrivate {
			spread = append(spread, mount.Target+" "+mount.Bind.Propagation)
		}
	}
	if len(spread) > 0 {
		return fail("%s has %s", p.have.Name, strings.Join(spread, ", "))
	}
	return pass("private")
}
