package spec

import (
	"strconv"
	"strings"
)

// Service is one container. Attribute names are compose's wherever compose has
// the thing.
type Service struct {
	Name      string `hcl:"name,label"`
	NameRange Range  `hcl:"name,label_range"`
	Range     Range  `hcl:",def_range"`

	Image         string `hcl:"image"`
	ImageRange    Range  `hcl:"image,attr_value_range"`
	Platform      string `hcl:"platform,optional"`
	PlatformRange Range  `hcl:"platform,attr_value_range"`
	// PullPolicy says when the image is pulled before a container is made from it: missing
	// (default), always or never.
	PullPolicy      string `hcl:"pull_policy,optional"`
	PullPolicyRange Range  `hcl:"pull_policy,attr_value_range"`

	// ContainerName defaults to <stack>-<service>.
	ContainerName      string `hcl:"container_name,optional"`
	ContainerNameRange Range  `hcl:"container_name,attr_value_range"`
	Hostname           string `hcl:"hostname,optional"`
	HostnameRange      Range  `hcl:"hostname,attr_value_range"`

	Command         []Text          `hcl:"command,optional"`
	Entrypoint      []Text          `hcl:"entrypoint,optional"`
	WorkingDir      string          `hcl:"working_dir,optional"`
	WorkingDirRange Range           `hcl:"working_dir,attr_value_range"`
	Env             map[string]Text `hcl:"env,optional"`
	EnvRange        Range           `hcl:"env,attr_value_range"`
	Labels          map[string]Text `hcl:"labels,optional"`
	// LabelsRange is where the labels' value stands.
	LabelsRange Range `hcl:"labels,attr_value_range"`

	// User is uid[:gid] or a name that the image knows.
	User          string   `hcl:"user,optional"`
	UserRange     Range    `hcl:"user,attr_value_range"`
	GroupAdd      []string `hcl:"group_add,optional"`
	GroupAddRange Range    `hcl:"group_add,attr_value_range"`
	CapAdd        []string `hcl:"cap_add,optional"`
	CapRange      Range    `hcl:"cap_add,attr_value_range"`
	// CapDrop defaults to ALL.
	CapDrop      []string `hcl:"cap_drop,optional"`
	CapDropRange Range    `hcl:"cap_drop,attr_value_range"`
	ReadOnly     bool     `hcl:"read_only,optional"`
	Init         *bool    `hcl:"init,optional"`
	Tmpfs        []string `hcl:"tmpfs,optional"`
	TmpfsRange   Range    `hcl:"tmpfs,attr_value_range"`
	ShmSize      Size     `hcl:"shm_size,optional"`
	ShmRange     Range    `hcl:"shm_size,attr_value_range"`

	// Restart defaults to unless-stopped.
	Restart              string   `hcl:"restart,optional"`
	RestartRange         Range    `hcl:"restart,attr_value_range"`
	StopSignal           string   `hcl:"stop_signal,optional"`
	StopSignalRange      Range    `hcl:"stop_signal,attr_value_range"`
	StopGracePeriod      Duration `hcl:"stop_grace_period,optional"`
	StopGracePeriodRange Range    `hcl:"stop_grace_period,attr_value_range"`

	// Networks defaults to the stack's only network.
	Networks      []string `hcl:"networks,optional"`
	NetworksRange Range    `hcl:"networks,attr_value_range"`
	// ExtraHosts are name:address lines for /etc/hosts.
	ExtraHosts []string `hcl:"extra_hosts,optional"`
	ExtraRange Range    `hcl:"extra_hosts,attr_value_range"`
	DNS        []string `hcl:"dns,optional"`
	DNSRange   Range    `hcl:"dns,attr_value_range"`
	// Egress lists host:port pairs that the service must reach.
	Egress      []string `hcl:"egress,optional"`
	EgressRange Range    `hcl:"egress,attr_value_range"`

	Binds       []*Bind      `hcl:"bind,block"`
	Limits      *Limits      `hcl:"limits,block"`
	Healthcheck *Healthcheck `hcl:"healthcheck,block"`
	Logging     *Logging     `hcl:"logging,block"`
	// Ulimits always has core, which defaults to 0: no core dump.
	Ulimits   []*Ulimit     `hcl:"ulimit,block"`
	Volumes   []*Volume     `hcl:"volume,block"`
	Mounts    []*Mount      `hcl:"mount,block"`
	Files     []*File       `hcl:"file,block"`
	DependsOn []*Dependency `hcl:"depends_on,block"`
	Auth      *Auth         `hcl:"auth,block"`
	Probes    []*Probe      `hcl:"probe,block"`

	// SecretFiles names the secrets that the container sees as files, because the
	// spec says secret.NAME.file somewhere in the service. Sorted.
	SecretFiles []string
}

// SecretNames lists every secret that the service is given, sorted: as a file, in
// the contents of a file, in its environment or its command.
func (s *Service) SecretNames() []string {
	names := append([]string(nil), s.SecretFiles...)
	add := func(texts ...Text) {
		for _, text := range texts {
			names = append(names, text.Secrets()...)
		}
	}
	for _, file := range s.Files {
		add(file.Content)
	}
	for _, value := range s.Env {
		add(value)
	}
	add(s.Command...)
	add(s.Entrypoint...)
	return sortedUnique(names)
}

// Owner is the user and group that the service's files belong to where nothing else is
// said: the numbers in User, and 0 for what is not written there or a name.
func (s *Service) Owner() (uid, gid int) {
	user, group, _ := strings.Cut(s.User, ":")
	uid, known := userNumber(user)
	if !known {
		return 0, 0
	}
	gid, _ = number(group)
	return uid, gid
}

// userNumber is the number of a user, if the spec says it; root is 0 in every image.
func userNumber(user string) (n int, ok bool) {
	if user == "root" {
		return 0, true
	}
	return number(user)
}

// number reads the number of a user or group, as the engine takes it: 0 to 2147483647.
func number(word string) (n int, ok bool) {
	id, err := strconv.ParseUint(word, 10, 31)
	return int(id), err == nil
}
