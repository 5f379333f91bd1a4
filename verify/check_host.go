package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"minibot/internal/host"
	"minibot/spec"
)

const (
	socketfilterfw = "/usr/libexec/ApplicationFirewall/socketfilterfw"
	onMacOS        = "macOS, where the spec has a host block"
)

var hostChecks = []Check{
	{
		ID: "host.macos.firewall", Severity: High, Must: true,
		Claim:   "The macOS application firewall is on.",
		Why:     "It guards the Mac's other programs. Ports of containers belong to the engine's program, so it does not guard those: their loopback address does.",
		How:     "The answer of socketfilterfw --getglobalstate is read. What it says in other words than known is an error.",
		Applies: "macOS, where the spec has host { firewall = true }", Attribute: "host.firewall",
		Remedy: "Run: sudo " + socketfilterfw + " --setglobalstate on",
		needs:  thisMachine, run: firewall,
	},
	{
		ID: "host.macos.firewall.stealth", Severity: Low,
		Claim:   "The Mac is silent to those who knock at closed ports.",
		Why:     "It does not show that it is there.",
		How:     "The answer of socketfilterfw --getstealthmode is read.",
		Applies: onMacOS + "; by default as firewall says", Attribute: "host.stealth",
		Remedy: "Run: sudo " + socketfilterfw + " --setstealthmode on",
		needs:  thisMachine, run: posture("stealth = true", func(h *spec.Host) *bool { return demanded(*h.Stealth) }, machine(host.Machine.Stealth)),
	},
	{
		ID: "host.macos.firewall.blockall", Severity: Info,
		Claim:   "The macOS firewall blocks all incoming connections, or does not, as the spec says.",
		Why:     "Blocking all also closes what is meant to be open, such as Remote Login by another way than launchd.",
		How:     "The answer of socketfilterfw --getblockall is read.",
		Applies: "macOS, where the spec has host { block_all = … }", Attribute: "host.block_all",
		Remedy: "Run: sudo " + socketfilterfw + " --setblockall on (or off)",
		needs:  thisMachine, run: posture("block_all = …", func(h *spec.Host) *bool { return h.BlockAll }, machine(host.Machine.BlockAll)),
	},
	{
		ID: "host.macos.firewall.signed", Severity: Info,
		Claim:   "Downloaded software that is signed may listen without a question, or may not, as the spec says.",
		Why:     "Container runtimes are such software: where it is allowed, the firewall never asks about their ports.",
		How:     "The answer of socketfilterfw --getallowsigned is read.",
		Applies: "macOS, where the spec has host { allow_signed = … }", Attribute: "host.allow_signed",
		Remedy: "Run: sudo " + socketfilterfw + " --setallowsignedapp off (or on)",
		needs:  thisMachine, run: posture("allow_signed = …", func(h *spec.Host) *bool { return h.AllowSigned }, machine(host.Machine.AllowSigned)),
	},
	{
		ID: "host.linux.firewall", Severity: Medium,
		Claim:   "A firewall of the Linux machine is on.",
		Why:     "It guards the machine's other programs. It does not guard ports of containers, which are forwarded past it: their loopback address does.",
		How:     "The answers of ufw status and firewall-cmd --state are read, and as root the rules for incoming packets. Where the first two are off and the rules cannot be read, that is an error.",
		Applies: "Linux, where the spec has host { firewall = true }", Attribute: "host.firewall",
		Remedy: "Run, with SSH allowed first: sudo ufw enable",
		needs:  thisMachine, run: posture("firewall = true", func(h *spec.Host) *bool { return demanded(h.Firewall) }, machine(host.Machine.HostFirewall)),
	},
	{
		ID: "host.filevault", Severity: Medium,
		Claim:   "The Mac's disk is encrypted.",
		Why:     "Containers' secrets and data lie on it. With FileVault, containers start only after somebody has logged in.",
		How:     "The answer of fdesetup status is read. A disk that is being decrypted is not encrypted.",
		Applies: onMacOS, Attribute: "host.disk_encryption",
		Remedy: "Switch on FileVault in System Settings, Privacy & Security.",
		needs:  thisMachine, run: posture("disk_encryption = true", func(h *spec.Host) *bool { return demanded(*h.DiskEncryption) }, machine(host.Machine.FileVault)),
	},
	{
		ID: "host.luks", Severity: Medium,
		Claim:   "The disk of the Linux machine is encrypted.",
		Why:     "Containers' secrets and data lie on it.",
		How:     "The disk below the engine's data is found (findmnt, lsblk): LUKS anywhere on the way to it counts, or encryption by ZFS. A virtual machine cannot see what its own disk is kept on, so there it is skipped.",
		Applies: "Linux, where the spec has a host block", Attribute: "host.disk_encryption",
		Remedy: "Put the machine on an encrypted disk: a new installation, or cryptsetup reencrypt.",
		needs:  thisMachine, run: posture("disk_encryption = true", func(h *spec.Host) *bool { return demanded(*h.DiskEncryption) }, diskEncryption),
	},
	{
		ID: "host.sip", Severity: Medium,
		Claim:   "System Integrity Protection is on.",
		Why:     "Without it, a program that is root can change macOS itself.",
		How:     "The answer of csrutil status is read. A configuration of one's own counts as off.",
		Applies: onMacOS, Attribute: "host",
		Remedy: "Start the Mac in recovery and run: csrutil enable",
		needs:  thisMachine, run: posture("", always, machine(host.Machine.SIP)),
	},
	{
		ID: "host.autologin", Severity: Medium,
		Claim:   "The Mac logs nobody in by itself.",
		Why:     "Whoever starts it has the user's desktop and keychain, and his password lies on the disk.",
		How:     "The key autoLoginUser of com.apple.loginwindow is read, and /etc/kcpassword looked for.",
		Applies: onMacOS + " without auto_login = true", Attribute: "host.auto_login",
		Remedy: "Switch off automatic login in System Settings, Users & Groups; or write auto_login = true, since Docker Desktop and OrbStack start at login.",
		needs:  thisMachine, run: posture("auto_login = false", func(h *spec.Host) *bool { return forbidden(h.AutoLogin) }, machine(host.Machine.AutoLogin)),
	},
	{
		ID: "host.remote-login", Severity: Medium, Must: true,
		Claim:   "Others can log in by SSH where the spec declares it, and else not.",
		Why:     "The machine is reached by Tailscale or SSH and by nothing else.",
		How:     "Of launchd, the switch of com.openssh.sshd is read; and on every system, the listeners: on port 22, and sshd elsewhere where its name may be known.",
		Applies: "stacks that have a remote or a host block", Attribute: "remote.ssh",
		Remedy: "Switch Remote Login on or off in System Settings, General, Sharing (Linux: systemctl), or change the remote \"ssh\" of the spec.",
		needs:  thisMachine, run: remoteLogin,
	},
	{
		ID: "host.sshd.config", Severity: High,
		Claim:   "SSH takes keys alone, and not root.",
		Why:     "A password can be guessed from wherever the machine is reached.",
		How:     "Root asks sshd -T for the settings as they come out in the end: passwordauthentication, kbdinteractiveauthentication with PAM, permitrootlogin.",
		Applies: "machines that others can log in to by SSH, verified by root", Attribute: "remote.ssh",
		Remedy: "Write PasswordAuthentication no, KbdInteractiveAuthentication no and PermitRootLogin no into a file of /etc/ssh/sshd_config.d, and reload sshd.",
		needs:  thisMachine, run: sshdConfig,
	},
	{
		ID: "host.sharing", Severity: Medium,
		Claim:   "The Mac shares nothing but what the spec allows.",
		Why:     "Each is a way in beside Tailscale and SSH.",
		How:     "The switches of launchd for screen, files and remote Apple events are read, com.apple.nat for the connection, and the listeners for those and for Remote Management and AirPlay.",
		Applies: onMacOS, Attribute: "host.sharing",
		Remedy: "Switch it off in System Settings, General, Sharing; or allow it by its name: sharing = [\"screen\"].",
		needs:  thisMachine, run: sharing,
	},
	{
		ID: "host.sleep", Severity: Low,
		Claim:   "The Mac never sleeps on mains power, and starts again after a power cut.",
		Why:     "A Mac that sleeps answers nobody.",
		How:     "The answer of pmset -g custom is read: sleep and autorestart, for mains power.",
		Applies: onMacOS + " without sleep = true", Attribute: "host.sleep",
		Remedy: "Run: sudo pmset -c sleep 0 autorestart 1",
		needs:  thisMachine, run: sleep,
	},
	{
		ID: "host.updates", Severity: Low,
		Claim:   "Security updates are installed without being asked for.",
		Why:     "What keeps containers in is the kernel.",
		How:     "On macOS, softwareupdate --schedule and CriticalUpdateInstall are read; on Linux, apt's Unattended-Upgrade, or the timers of dnf-automatic.",
		Applies: "machines whose spec has a host block", Attribute: "host.updates",
		Remedy: "On a Mac, switch on automatic updates in System Settings, General. On Debian and Ubuntu: sudo apt install unattended-upgrades. On Fedora: sudo systemctl enable --now dnf-automatic.timer",
		needs:  thisMachine, run: posture("updates = true", func(h *spec.Host) *bool { return demanded(*h.Updates) }, machine(host.Machine.Updates)),
	},
}

func firewall(ctx context.Context, s Subject) []Result {
	if s.Stack.Host == nil || !s.Stack.Host.Firewall {
		return []Result{skip("the spec does not ask for it (host { firewall = true })").on("host")}
	}
	state, err := s.Machine.Firewall(ctx)
	result := fail("the firewall is %s", state)
	switch {
	case err != nil:
		result = unseen(err)
		if result.Status == Error {
			result = result.remedy("Look at System Settings, Network, Firewall.")
		}
	case state.On():
		result = pass("the firewall is %s", state)
	}
	return []Result{result.on("host")}
}

// diskEncryption looks at the disk of the engine's data, or of the system where the engine does not say where they are.
func diskEncryption(s Subject, ctx context.Context) (host.Switch, error) {
	folder := s.Live.Engine.Data
	if folder == "" || s.runtime().VM() {
		folder = "/"
	}
	state, err := s.Machine.DiskEncryption(ctx, folder)
	if err == nil && !state.On && s.Machine.Virtual() {
		return state, fmt.Errorf("%w: %s; but this is a virtual machine, and what its disk is kept on is not to be seen from here", host.ErrNotApplicable, state.Said)
	}
	return state, err
}

// wayIn is what the spec says of a way in: whether it says anything, and what it declares.
func (s Subject) wayIn(kind string) (said bool, declared *spec.Remote) {
	return s.Stack.Host != nil || len(s.Stack.Remotes) > 0, s.Stack.Remote(kind)
}

// noWayIn is the result where the spec says nothing of ways in.
var noWayIn = skip("the spec does not say how the machine may be reached (remote \"ssh\", remote \"tailscale\", host)")

func remoteLogin(ctx context.Context, s Subject) []Result {
	said, ssh := s.wayIn("ssh")
	if !said {
		return []Result{noWayIn.on("host")}
	}
	state, err := s.Machine.RemoteLogin(ctx)
	var result Result
	switch {
	case err != nil:
		result = unseen(err)
	case ssh == nil && state.On:
		result = fail("%s, and the spec declares no remote \"ssh\"", state.Said)
	case ssh == nil:
		result = pass("%s", state.Said)
	case *ssh.Required && !state.On:
		result = fail("%s, and the spec declares the machine to be reached as %s", state.Said, ssh.Destination)
	default:
		result = pass("%s, as the spec allows", state.Said)
	}
	return []Result{result.on("host")}
}

func sshdConfig(ctx context.Context, s Subject) []Result {
	return []Result{s.sshdConfig(ctx).on("host")}
}

func (s Subject) sshdConfig(ctx context.Context) Result {
	if said, _ := s.wayIn("ssh"); !said {
		return noWayIn
	}
	state, err := s.Machine.RemoteLogin(ctx)
	if err != nil {
		return unseen(err)
	}
	if !state.On {
		return skip("%s", state.Said)
	}
	settings, err := s.Machine.SSHD(ctx)
	switch {
	case errors.Is(err, host.ErrNeedsRoot):
		return skip("%v", err)
	case err != nil:
		return unseen(err)
	case settings.Password && settings.Root == "yes":
		return fail("it takes a password, and root's, too")
	case settings.Password:
		return fail("it takes a password")
	case settings.Root == "yes":
		return fail("root may log in")
	case settings.Root != "no":
		return fail("root may log in by a key (permitrootlogin %s)", settings.Root).as(Medium)
	}
	return pass("keys alone, and not root")
}

func sharing(ctx context.Context, s Subject) []Result {
	if s.Stack.Host == nil {
		return []Result{skip("the spec has no host block").on("host")}
	}
	shared, err := s.Machine.Sharing(ctx)
	if err != nil {
		return []Result{unseen(err).on("host")}
	}
	var results []Result
	for _, name := range slices.Sorted(maps.Keys(shared)) {
		result := fail("%s", shared[name])
		if slices.Contains(s.Stack.Host.Sharing, name) {
			result = pass("%s, as the spec allows", shared[name])
		}
		results = append(results, result.on("host "+name))
	}
	if results == nil {
		return []Result{pass("it shares nothing").on("host")}
	}
	return results
}

func sleep(ctx context.Context, s Subject) []Result {
	if s.Stack.Host == nil {
		return []Result{skip("the spec has no host block").on("host")}
	}
	if s.Stack.Host.Sleep {
		return []Result{skip("the spec lets it sleep (host { sleep = true })").on("host")}
	}
	power, err := s.Machine.Power(ctx)
	if err != nil {
		return []Result{unseen(err).on("host")}
	}
	var wrong []string
	if power.Sleep > 0 {
		wrong = append(wrong, "it sleeps after "+count(power.Sleep, "minute"))
	}
	if !power.Restart && !power.NoRestart {
		wrong = append(wrong, "it stays off after a power cut")
	}
	result := pass("it never sleeps")
	if wrong != nil {
		result = fail("%s", strings.Join(wrong, ", and "))
	}
	return []Result{result.on("host")}
}
