package spec

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
)

var (
	restartPolicy = regexp.MustCompile(`^(no|always|unless-stopped|on-failure(:[1-9][0-9]*)?)$`)
	userAndGroup  = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9_.-]*(:[a-zA-Z0-9_][a-zA-Z0-9_.-]*)?$`)
	digits        = regexp.MustCompile(`^[0-9]+$`)
	hostname      = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*$`)
)

// least is the smallest memory limit that the engine takes, in bytes (6 MB).
const least = 6 << 20

// leastTime is the shortest time of a health check that the engine takes: container.MinimumDuration.
const leastTime = time.Millisecond

// mostPids is how many processes Linux has room for.
const mostPids = 1 << 22

func (d *decoder) checkServices() {
	names := once{d: d, what: "service"}
	containers := once{d: d, what: "container_name"}
	for _, s := range d.stack.Services {
		if names.note(s.Name, s.NameRange) {
			containers.note(s.ContainerName, s.ContainerNameRange)
		}
		d.checkName("service", s.Name, s.NameRange)
		if s.ContainerNameRange != s.NameRange {
			d.checkName("container", s.ContainerName, s.ContainerNameRange)
		}
		if other := d.stack.Service(s.ContainerName); other != nil && other.Name != s.Name {
			d.diags.add(s.ContainerNameRange, "Name of another service", fmt.Sprintf("%q is where service %q answers. Whoever asks for it would reach either of the two. Choose another container_name.", s.ContainerName, other.Name))
		}
		if !hostname.MatchString(s.Hostname) || len(s.Hostname) > 63 {
			d.diags.add(s.HostnameRange, "Bad hostname", "A hostname has up to 63 letters, digits, - and dots, such as \"db\".")
		}
		if _, err := reference.ParseNormalizedNamed(s.Image); err != nil {
			d.diags.add(s.ImageRange, "Bad image", fmt.Sprintf("%q is not an image's name (%v). Write a name and a tag, such as \"postgres:17\".", s.Image, err))
		}
		d.checkLimits(s)
		d.checkDurations(s)
		d.checkUser(s)
		d.checkCapabilities(s.CapAdd, s.CapRange, ownerOfMachine)
		d.checkCapabilities(s.CapDrop, s.CapDropRange, nil)
		d.checkNetworking(s)
		d.checkTargets(s)
		d.checkMounts(s)
		d.checkWords(s)
		d.checkAuth(s)
		d.checkProbes(s)
	}
}

func (d *decoder) checkLimits(s *Service) {
	if _, err := s.ShmSize.Bytes(); err != nil {
		d.diags.add(s.ShmRange, "Bad size", sentence(err))
	}
	l := s.Limits
	if l == nil {
		if !d.incomplete[s.Name] {
			d.diags.add(s.NameRange, "Missing limits", fmt.Sprintf("Service %q may take all of the machine's memory and CPUs. %s", s.Name, limitsAdvice))
		}
		return
	}
	if bytes, err := l.Memory.Bytes(); err != nil {
		d.diags.add(l.MemoryRange, "Bad size", sentence(err))
	} else if bytes < least {
		d.diags.add(l.MemoryRange, "Too little memory", fmt.Sprintf("%q is %d bytes; the engine takes no limit under 6 MB.", l.Memory, bytes))
	}
	if l.CPUs < 0.01 || l.CPUs > 1024 {
		d.diags.add(l.CPUsRange, "Bad number of CPUs", "Write a number of processors from 0.01 to 1024, such as 0.5.")
	}
	if l.Pids < 1 || l.Pids > mostPids {
		d.diags.add(l.PidsRange, "Bad pids limit", fmt.Sprintf("Write the greatest number of processes, from 1 to %d; the default is %d.", mostPids, DefaultPids))
	}
}

func (d *decoder) checkDurations(s *Service) {
	one := func(value Duration, at Range, least time.Duration) {
		if v, err := value.Value(); err != nil {
			d.diags.add(at, "Bad duration", sentence(err))
		} else if v != 0 && v < least {
			d.diags.add(at, "Too short a time", fmt.Sprintf("%q is less than %v, the least that the engine takes.", string(value), least))
		}
	}
	one(s.StopGracePeriod, s.StopGracePeriodRange, 0)
	h := s.Healthcheck
	if h == nil {
		return
	}
	one(h.Interval, h.IntervalRange, leastTime)
	one(h.Timeout, h.TimeoutRange, leastTime)
	one(h.StartPeriod, h.StartPeriodRange, leastTime)
	if h.Retries < 1 {
		d.diags.add(h.RetriesRange, "Bad number of retries", "Write 1 or more.")
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
	if s.User == "" {
		return
	}
	user, group, _ := strings.Cut(s.User, ":")
	if !userAndGroup.MatchString(s.User) || tooLarge(user) || tooLarge(group) {
		d.diags.add(s.UserRange, "Bad user", fmt.Sprintf("%q is not a user of Linux, such as \"999:999\": two numbers from 0 to %d, for the user and its group.", s.User, math.MaxInt32))
		return
	}
	_, known := userNumber(user)
	needs := len(s.SecretFiles) > 0
	for _, file := range s.Files {
		needs = needs || file.UIDRange.Empty()
	}
	if needs && !known {
		d.diags.add(s.UserRange, "User must be a number", fmt.Sprintf("Files for %q need an owner, and minibot cannot look into the image. Write user = \"uid:gid\", such as \"999:999\".", s.User))
	}
}

// tooLarge reports whether an id is a number, and one that Linux has no room for.
func tooLarge(id string) bool {
	_, ok := number(id)
	return !ok && digits.MatchString(id)
}

var platform = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?$`)

// pullPolicies are those of compose that minibot has.
var pullPolicies = []string{"missing", "always", "never"}

// checkWords holds attributes against the words that they may have.
func (d *decoder) checkWords(s *Service) {
	if !platform.MatchString(s.Platform) {
		d.diags.add(s.PlatformRange, "Bad platform", fmt.Sprintf("%q is not a platform, such as \"linux/arm64\".", s.Platform))
	}
	if !slices.Contains(pullPolicies, s.PullPolicy) {
		d.diags.add(s.PullPolicyRange, "Unknown pull policy", oneOf(s.PullPolicy, pullPolicies))
	}
	d.checkSignal(s)
	if !path.IsAbs(s.WorkingDir) {
		d.diags.add(s.WorkingDirRange, "Bad path", fmt.Sprintf("%q is not an absolute path in the container, such as \"/data\".", s.WorkingDir))
	}
	if !objectName.MatchString(s.Logging.Driver) {
		d.diags.add(s.Logging.DriverRange, "Bad log driver", fmt.Sprintf("%q is not a log driver, such as \"json-file\".", s.Logging.Driver))
	}
	for i, group := range s.GroupAdd {
		if !objectName.MatchString(group) {
			d.diags.add(d.part(s.GroupAddRange, i), "Bad group", fmt.Sprintf("%q is not a group's number or name, such as \"1000\".", group))
		}
	}
	if !restartPolicy.MatchString(s.Restart) {
		d.diags.add(s.RestartRange, "Unknown restart policy", oneOf(s.Restart, []string{"no", "always", "unless-stopped", "on-failure", "on-failure:5"}))
	}
	for name := range s.Env {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r == '=' || r == ' ' || hidden(r) }) {
			d.diags.add(d.part(s.EnvRange, name), "Bad variable name", fmt.Sprintf("%q cannot be an environment variable: it is empty, or has a space or an equals sign.", name))
		}
	}
	for name := range s.Labels {
		if strings.HasPrefix(name, "com.docker.compose.") || strings.HasPrefix(name, "dev.minibot.") {
			d.diags.add(d.part(s.LabelsRange, name), "Reserved label", fmt.Sprintf("%s is minibot's own to set. Choose another name.", name))
		}
	}
	names := once{d: d, what: "ulimit"}
	for _, ulimit := range s.Ulimits {
		names.note(ulimit.Name, ulimit.NameRange)
		if !slices.Contains(ulimits, ulimit.Name) {
			d.diags.add(ulimit.NameRange, "Unknown ulimit", oneOf(ulimit.Name, ulimits))
		}
		d.checkUlimit(ulimit)
	}
}

// ulimits are those of Linux, by the engine's names.
var ulimits = []string{"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"}

func (d *decoder) checkUlimit(u *Ulimit) {
	const unlimited = -1
	for _, value := range []struct {
		limit int64
		at    Range
	}{{u.Soft, u.SoftRange}, {*u.Hard, u.HardRange}} {
		if value.limit < unlimited {
			d.diags.add(value.at, "Bad ulimit", "Write a number from 0 up, or -1 for no limit.")
		}
	}
	if *u.Hard != unlimited && (u.Soft > *u.Hard || u.Soft == unlimited) {
		d.diags.add(u.HardRange, "Soft limit above the hard one", fmt.Sprintf("ulimit %q: soft %d is more than hard %d.", u.Name, u.Soft, *u.Hard))
	}
}

// sentence turns an error into one.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
