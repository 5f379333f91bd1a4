package spec

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
)

var (
	restartPolicy = regexp.MustCompile(`^(no|always|unless-stopped|on-failure(:[1-9][0-9]*)?)$`)
	numericUser   = regexp.MustCompile(`^[0-9]+(:[0-9]+)?$`)
	authKinds     = []string{"mongo", "openclaw", "postgres", "redis"}
	probeKinds    = []string{"http", "tcp"}
)

// ownerOfMachine lists capabilities that let a container take over its host.
var ownerOfMachine = []string{"ALL", "BPF", "DAC_READ_SEARCH", "MKNOD", "NET_ADMIN", "SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_TIME"}

// least is the smallest memory limit that the engine takes, in bytes (6 MB).
const least = 6 << 20

func (d *decoder) checkServices() {
	names := once{d: d, what: "service"}
	containers := once{d: d, what: "container_name"}
	for _, s := range d.stack.Services {
		names.note(s.Name, s.NameRange)
		containers.note(s.ContainerName, s.ContainerNameRange)
		d.checkName("service", s.Name, s.NameRange)
		if s.Image != "" {
			if _, err := reference.ParseNormalizedNamed(s.Image); err != nil {
				d.diags.add(s.ImageRange, "Bad image", fmt.Sprintf("%q is not an image's name (%v). Write a name and a tag, such as \"postgres:17\".", s.Image, err))
			}
		}
		d.checkLimits(s)
		d.checkDurations(s)
		d.checkUser(s)
		d.checkNetworking(s)
		d.checkTargets(s)
		d.checkMounts(s)
		d.checkWords(s)
	}
}

func (d *decoder) checkLimits(s *Service) {
	if _, err := s.ShmSize.Bytes(); err != nil {
		d.diags.add(s.ShmRange, "Bad size", sentence(err))
	}
	l := s.Limits
	if l == nil {
		d.diags.add(s.NameRange, "Missing limits", fmt.Sprintf("Service %q may take all of the machine's memory and CPUs. Write limits { memory = \"1GB\" cpus = 1.0 }, each on its own line.", s.Name))
		return
	}
	if bytes, err := l.Memory.Bytes(); err != nil {
		d.diags.add(l.MemoryRange, "Bad size", sentence(err))
	} else if l.Memory != "" && bytes < least {
		d.diags.add(l.MemoryRange, "Too little memory", fmt.Sprintf("%s is %d bytes; the engine takes no limit under 6 MB.", l.Memory, bytes))
	}
	if !l.CPUsRange.Empty() && (l.CPUs < 0.01 || l.CPUs > 1024) {
		d.diags.add(l.CPUsRange, "Bad number of CPUs", "Write a number of processors from 0.01 up, such as 0.5.")
	}
	if !l.PidsRange.Empty() && l.Pids < 1 {
		d.diags.add(l.PidsRange, "Bad pids limit", fmt.Sprintf("Write the greatest number of processes, 1 or more; the default is %d.", DefaultPids))
	}
}

func (d *decoder) checkDurations(s *Service) {
	one := func(value Duration, at Range) {
		if _, err := value.Value(); err != nil {
			d.diags.add(at, "Bad duration", sentence(err))
		}
	}
	one(s.StopGracePeriod, s.StopGracePeriodRange)
	h := s.Healthcheck
	if h == nil {
		return
	}
	one(h.Interval, h.IntervalRange)
	one(h.Timeout, h.TimeoutRange)
	one(h.StartPeriod, h.StartPeriodRange)
	if h.Retries < 0 {
		d.diags.add(h.RetriesRange, "Bad number of retries", "Write 1 or more.")
	}
	if h.TestRange.Empty() {
		return
	}
	switch kind := firstWord(h.Test); {
	case kind == "NONE" && len(h.Test) == 1:
	case kind == "CMD-SHELL" && len(h.Test) == 2, kind == "CMD" && len(h.Test) > 1:
	default:
		d.diags.add(h.TestRange, "Bad health test", `Write ["CMD", "program", "argument"], or ["CMD-SHELL", "a line for the shell"], or ["NONE"].`)
	}
}

func firstWord(words []Text) string {
	if len(words) == 0 {
		return ""
	}
	return string(words[0])
}

func (d *decoder) checkUser(s *Service) {
	for _, name := range s.CapAdd {
		if slices.Contains(ownerOfMachine, strings.TrimPrefix(strings.ToUpper(name), "CAP_")) {
			d.diags.add(s.CapRange, "Capability that owns the machine", fmt.Sprintf("With %s a container can take over its host. minibot has no switch for it.", name))
		}
	}
	if s.User == "" || numericUser.MatchString(s.User) {
		return
	}
	needs := len(s.SecretFiles) > 0
	for _, file := range s.Files {
		needs = needs || file.UID == nil
	}
	if needs {
		d.diags.add(s.UserRange, "User must be a number", fmt.Sprintf("Files for %q need an owner, and minibot cannot look into the image. Write user = \"uid:gid\", such as \"999:999\".", s.User))
	}
}

func (d *decoder) checkNetworking(s *Service) {
	internal := len(s.Networks) > 0
	seen := once{d: d, what: "network"}
	for _, name := range s.Networks {
		seen.note(name, s.NetworksRange)
		i := slices.IndexFunc(d.stack.Networks, func(n *Network) bool { return n.Name == name })
		if i < 0 {
			d.diags.add(s.NetworksRange, "Unknown network", fmt.Sprintf("There is no network %q. Declare it: network %q {}.", name, name))
			internal = false
			continue
		}
		internal = internal && d.stack.Networks[i].Internal
	}
	if len(s.Networks) == 0 && len(d.stack.Networks) > 1 {
		d.diags.add(s.NameRange, "Which network?", fmt.Sprintf("The stack has %d networks. Write networks = [%q].", len(d.stack.Networks), d.stack.Networks[0].Name))
	}
	if internal && len(s.Binds) > 0 {
		d.diags.add(s.Binds[0].Range, "Port on an internal network", fmt.Sprintf("%q is only on internal networks, where the engine publishes no port and says nothing. Put it on another network as well, or take the bind out.", s.Name))
	}
	for _, host := range s.ExtraHosts {
		name, address, _ := strings.Cut(host, ":")
		if _, err := netip.ParseAddr(strings.Trim(address, "[]")); name == "" || (err != nil && address != "host-gateway") {
			d.diags.add(s.ExtraRange, "Bad extra host", fmt.Sprintf("%q is not name:address; write such as \"nas:192.168.1.5\".", host))
		}
	}
	for _, server := range s.DNS {
		if _, err := netip.ParseAddr(server); err != nil {
			d.diags.add(s.DNSRange, "Bad DNS server", fmt.Sprintf("%q is not an address; write such as \"1.1.1.1\".", server))
		}
	}
	for _, target := range s.Egress {
		host, port, err := net.SplitHostPort(target)
		if n, bad := strconv.Atoi(port); err != nil || bad != nil || host == "" || n < 1 || n > 65535 {
			d.diags.add(s.EgressRange, "Bad egress", fmt.Sprintf("%q is not host:port; write such as \"api.anthropic.com:443\".", target))
		}
	}
}

// checkWords holds attributes against the words that they may have.
func (d *decoder) checkWords(s *Service) {
	if !restartPolicy.MatchString(s.Restart) {
		d.diags.add(s.RestartRange, "Unknown restart policy", oneOf(s.Restart, []string{"no", "always", "unless-stopped", "on-failure", "on-failure:5"}))
	}
	for name := range s.Env {
		if !variable.MatchString(name) {
			d.diags.add(s.EnvRange, "Bad variable name", fmt.Sprintf("%q cannot be an environment variable: letters, digits and _, not beginning with a digit.", name))
		}
	}
	for name := range s.Labels {
		if strings.HasPrefix(name, "com.docker.compose.") || strings.HasPrefix(name, "dev.minibot.") {
			d.diags.add(s.LabelsRange, "Reserved label", fmt.Sprintf("%s is minibot's own to set. Choose another name.", name))
		}
	}
	ulimits := once{d: d, what: "ulimit"}
	for _, ulimit := range s.Ulimits {
		ulimits.note(ulimit.Name, ulimit.NameRange)
		if ulimit.Hard != nil && ulimit.Soft > *ulimit.Hard && *ulimit.Hard >= 0 {
			d.diags.add(ulimit.NameRange, "Soft limit above the hard one", fmt.Sprintf("ulimit %q: soft %d is more than hard %d.", ulimit.Name, ulimit.Soft, *ulimit.Hard))
		}
	}
	if a := s.Auth; a != nil {
		if !slices.Contains(authKinds, a.Kind) {
			d.diags.add(a.KindRange, "Unknown kind of auth", oneOf(a.Kind, authKinds))
		}
		if parts := a.Password.Parts(); !a.PasswordRange.Empty() && (len(parts) != 1 || parts[0].Secret == "") {
			d.diags.add(a.PasswordRange, "Password is not a secret", "Write password = secret.NAME.value: the whole of one secret, and nothing else.")
		}
		if len(s.Binds) == 0 {
			d.diags.add(a.KindRange, "Nothing to check", fmt.Sprintf("%q binds no port, so verify cannot try its door. Give it a bind block, or take auth out.", s.Name))
		}
	}
	for _, probe := range s.Probes {
		if !slices.Contains(probeKinds, probe.Kind) {
			d.diags.add(probe.KindRange, "Unknown kind of probe", oneOf(probe.Kind, probeKinds))
		}
		if !slices.ContainsFunc(s.Binds, func(b *Bind) bool { return b.Port == probe.Port && b.Protocol == "tcp" }) && !probe.PortRange.Empty() {
			d.diags.add(probe.PortRange, "Port without a bind", fmt.Sprintf("The probe is made from the host, and nothing publishes port %d. Write bind { port = %d }.", probe.Port, probe.Port))
		}
	}
}

// sentence turns an error into one.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
