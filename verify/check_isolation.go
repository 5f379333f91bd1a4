package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

var isolationChecks = []Check{
	{
		ID: "hard.seccomp-apparmor", Severity: High, CIS: "5.22",
		Claim:   "Every container is confined by the engine's profiles of seccomp and AppArmor.",
		Why:     "They keep a process in a container from the system calls by which one leaves it.",
		How:     "The container's security options, as the engine holds them: unconfined, or SELinux labels switched off, fails. Of the engine itself, whether it has seccomp and a profile.",
		Applies: "every service",
		Remedy:  "Run minibot apply: it makes the container anew with the engine's profiles.",
		needs:   theEngine, run: confined,
	},
	{
		ID: "hard.user", Severity: Medium, CIS: "4.1",
		Claim:   "No process of a service runs as root.",
		Why:     "Root in a container is one flaw away from root of the machine, and owns every file that is mounted into it.",
		How:     "The engine is asked for the processes in the running container and their users: what the image's entrypoint has made of it counts, not what was asked for.",
		Applies: "services whose container runs", Attribute: "user",
		Remedy: "Give the service the image's own user, by its number (user = \"999:999\"), and run minibot apply.",
		needs:  theEngine, run: perRunning(users),
	},
	{
		ID: "hard.ns", Severity: High, CIS: "5.16",
		Claim:   "No container shares the processes, the memory, the host name or the users of the machine or of another container.",
		Why:     "Each of them is a wall. In the machine's process namespace a container sees, and as root ends, every process.",
		How:     "The container's modes for pid, ipc, uts and users, and its control group's parent, as the engine holds them. The network's is net.mode.host.",
		Applies: "every service",
		Remedy:  "Run minibot apply: it makes the container anew with namespaces of its own.",
		needs:   theEngine, run: perContainer(namespaces),
	},
	{
		ID: "hard.devices", Severity: Medium, CIS: "5.18",
		Claim:   "No container has a device of the machine.",
		Why:     "A disk as a device is the machine's files without any permissions.",
		How:     "The container's devices, requests for devices and rules for them, as the engine holds them.",
		Applies: "every service",
		Remedy:  "Run minibot apply: it makes the container anew without them.",
		needs:   theEngine, run: perContainer(devices),
	},
}

func confined(_ context.Context, s Subject) []Result {
	profile := ""
	for _, option := range s.Live.Engine.Security {
		if rest, ok := strings.CutPrefix(option, "name=seccomp"); ok {
			profile = strings.TrimPrefix(rest, ",profile=")
			if profile == "" {
				profile = "default"
			}
		}
	}
	engine := pass("seccomp, profile %s", profile)
	switch {
	case profile == "":
		engine = fail("the engine has no seccomp").remedy("Use a kernel with CONFIG_SECCOMP, which every distribution's is.")
	case profile == "unconfined" && s.runtime().VM():
		engine = skip("%s confines containers by its virtual machine, and not by seccomp", s.runtime().Title())
	case profile == "unconfined":
		engine = fail("the engine's own profile of seccomp is unconfined").remedy("Take \"seccomp-profile\": \"unconfined\" out of the engine's settings and restart it.")
	}
	return slices.Concat([]Result{engine.on("engine")}, s.eachContainer(unconfined))
}

func unconfined(p pair) Result {
	var wrong []string
	for _, option := range p.have.Actual.SecurityOpt {
		switch name, value, _ := strings.Cut(strings.Replace(option, "=", ":", 1), ":"); {
		case value == "unconfined", name == "label" && value == "disable":
			wrong = append(wrong, option)
		}
	}
	if len(wrong) > 0 {
		return fail("%s has %s", p.have.Name, strings.Join(wrong, ", "))
	}
	return pass("the engine's own profiles")
}

func users(ctx context.Context, s Subject, p pair) Result {
	processes, err := s.Containers.Processes(ctx, p.have.ID)
	if err != nil {
		return unknown("%v", err).remedy("Look at it by hand: docker top %s", p.have.Name)
	}
	if len(processes) == 0 {
		return unknown("the engine shows no process of a running container").remedy("Look at it by hand: docker top %s", p.have.Name)
	}
	var uids []string
	for _, process := range processes {
		if process.UID == 0 {
			return fail("root runs %s in %s", program(process.Command), p.have.Name)
		}
		if uid := fmt.Sprint(process.UID); !slices.Contains(uids, uid) {
			uids = append(uids, uid)
		}
	}
	slices.Sort(uids)
	return pass("every process is of user %s", strings.Join(uids, ", ")) // how many there are changes from moment to moment
}

// program is the first word of a command. The others may hold anything.
func program(command string) string {
	first, _, _ := strings.Cut(command, " ")
	return first
}

func namespaces(p pair) Result {
	c := p.have.Actual
	var shared []string
	for _, ns := range []struct{ name, mode string }{
		{"pid", c.Pid}, {"ipc", c.Ipc}, {"uts", c.Uts}, {"userns", c.UserNSMode}, {"cgroup_parent", c.CgroupParent},
	} {
		if ns.mode != "" && ns.mode != "private" && ns.mode != "none" {
			shared = append(shared, ns.name+" "+ns.mode)
		}
	}
	if len(shared) > 0 {
		return fail("%s has %s", p.have.Name, strings.Join(shared, ", "))
	}
	return pass("its own")
}

func devices(p pair) Result {
	var has []string
	for _, device := range p.have.Actual.Devices {
		has = append(has, device.Source)
	}
	for _, rule := range p.have.Actual.DeviceCgroupRules {
		has = append(has, "the rule "+rule)
	}
	if len(has) > 0 {
		return fail("%s has %s", p.have.Name, strings.Join(has, ", "))
	}
	return pass("none")
}
