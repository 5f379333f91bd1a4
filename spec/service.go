package spec

// Service is one container. Attribute names are compose's wherever compose has
// the thing.
type Service struct {
	Name      string `hcl:"name,label"`
	NameRange Range  `hcl:"name,label_range"`
	Range     Range  `hcl:",def_range"`

	Image      string `hcl:"image"`
	ImageRange Range  `hcl:"image,attr_value_range"`
	Platform   string `hcl:"platform,optional"`

	// ContainerName defaults to <stack>-<service>.
	ContainerName      string `hcl:"container_name,optional"`
	ContainerNameRange Range  `hcl:"container_name,attr_value_range"`
	Hostname           string `hcl:"hostname,optional"`

	Command    []Text          `hcl:"command,optional"`
	Entrypoint []Text          `hcl:"entrypoint,optional"`
	WorkingDir string          `hcl:"working_dir,optional"`
	Env        map[string]Text `hcl:"env,optional"`
	EnvRange   Range           `hcl:"env,attr_range"`
	Labels     map[string]Text `hcl:"labels,optional"`
	// LabelsRange is where labels are set.
	LabelsRange Range `hcl:"labels,attr_range"`

	// User is uid[:gid] or a name that the image knows.
	User      string   `hcl:"user,optional"`
	UserRange Range    `hcl:"user,attr_value_range"`
	GroupAdd  []string `hcl:"group_add,optional"`
	CapAdd    []string `hcl:"cap_add,optional"`
	CapRange  Range    `hcl:"cap_add,attr_value_range"`
	// CapDrop defaults to ALL.
	CapDrop    []string `hcl:"cap_drop,optional"`
	ReadOnly   bool     `hcl:"read_only,optional"`
	Init       *bool    `hcl:"init,optional"`
	Tmpfs      []string `hcl:"tmpfs,optional"`
	TmpfsRange Range    `hcl:"tmpfs,attr_value_range"`
	ShmSize    Size     `hcl:"shm_size,optional"`
	ShmRange   Range    `hcl:"shm_size,attr_value_range"`

	// Restart defaults to unless-stopped.
	Restart              string   `hcl:"restart,optional"`
	RestartRange         Range    `hcl:"restart,attr_value_range"`
	StopSignal           string   `hcl:"stop_signal,optional"`
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

	Binds       []*Bind       `hcl:"bind,block"`
	Limits      *Limits       `hcl:"limits,block"`
	Healthcheck *Healthcheck  `hcl:"healthcheck,block"`
	Logging     *Logging      `hcl:"logging,block"`
	Ulimits     []*Ulimit     `hcl:"ulimit,block"`
	Volumes     []*Volume     `hcl:"volume,block"`
	Mounts      []*Mount      `hcl:"mount,block"`
	Files       []*File       `hcl:"file,block"`
	DependsOn   []*Dependency `hcl:"depends_on,block"`
	Auth        *Auth         `hcl:"auth,block"`
	Probes      []*Probe      `hcl:"probe,block"`

	// SecretFiles names the secrets that the container sees as files, because the
	// spec says secret.NAME.file somewhere in the service. Sorted.
	SecretFiles []string
}

// Bind publishes one port of the container on a loopback address of the host.
type Bind struct {
	Range Range `hcl:",def_range"`
	// Port is the port in the container, 1 to 65535.
	Port      int   `hcl:"port"`
	PortRange Range `hcl:"port,attr_value_range"`
	// Published is the port on the host; default the same.
	Published      int   `hcl:"published,optional"`
	PublishedRange Range `hcl:"published,attr_value_range"`
	// HostIP is a loopback address; default 127.0.0.1.
	HostIP      string `hcl:"host_ip,optional"`
	HostIPRange Range  `hcl:"host_ip,attr_value_range"`
	// Protocol is tcp (default) or udp.
	Protocol      string `hcl:"protocol,optional"`
	ProtocolRange Range  `hcl:"protocol,attr_value_range"`
}

// Limits bound what a container may take. Memory and CPUs are required.
type Limits struct {
	Range       Range `hcl:",def_range"`
	Memory      Size  `hcl:"memory"`
	MemoryRange Range `hcl:"memory,attr_value_range"`
	// CPUs is a number of processors; 0.5 is half of one.
	CPUs      float64 `hcl:"cpus"`
	CPUsRange Range   `hcl:"cpus,attr_value_range"`
	// Pids is the greatest number of processes and threads; default 256.
	Pids      int   `hcl:"pids,optional"`
	PidsRange Range `hcl:"pids,attr_value_range"`
}

// Healthcheck tells whether the service works. Test begins with CMD, CMD-SHELL or NONE.
type Healthcheck struct {
	Test          []Text   `hcl:"test"`
	TestRange     Range    `hcl:"test,attr_value_range"`
	Interval      Duration `hcl:"interval,optional"`
	IntervalRange Range    `hcl:"interval,attr_value_range"`
	Timeout       Duration `hcl:"timeout,optional"`
	TimeoutRange  Range    `hcl:"timeout,attr_value_range"`
	// Retries is how many failures in a row make the container unhealthy.
	Retries          int      `hcl:"retries,optional"`
	RetriesRange     Range    `hcl:"retries,attr_value_range"`
	StartPeriod      Duration `hcl:"start_period,optional"`
	StartPeriodRange Range    `hcl:"start_period,attr_value_range"`
}

// Logging chooses the log driver; default json-file, rotated at 3 files of 10 MB.
type Logging struct {
	Driver  string            `hcl:"driver"`
	Options map[string]string `hcl:"options,optional"`
}

// Ulimit is one resource limit of the container's processes, such as nofile.
type Ulimit struct {
	Name      string `hcl:"name,label"`
	NameRange Range  `hcl:"name,label_range"`
	Soft      int64  `hcl:"soft"`
	// Hard defaults to Soft.
	Hard *int64 `hcl:"hard,optional"`
}

// Volume mounts a named volume. Its data outlives the container; minibot never deletes it unasked.
type Volume struct {
	Name        string `hcl:"name,label"`
	NameRange   Range  `hcl:"name,label_range"`
	Target      string `hcl:"target"`
	TargetRange Range  `hcl:"target,attr_value_range"`
	ReadOnly    bool   `hcl:"read_only,optional"`
}

// Mount is a bind mount of a file or folder of the host.
type Mount struct {
	Source      string `hcl:"source"`
	SourceRange Range  `hcl:"source,attr_value_range"`
	Target      string `hcl:"target"`
	TargetRange Range  `hcl:"target,attr_value_range"`
	ReadOnly    bool   `hcl:"read_only,optional"`
}

// File is a small file that only the container sees. It may hold secrets.
type File struct {
	Target       string `hcl:"target,label"`
	TargetRange  Range  `hcl:"target,label_range"`
	Content      Text   `hcl:"content"`
	ContentRange Range  `hcl:"content,attr_value_range"`
	// Mode is octal, as in chmod; default 0400.
	Mode      string `hcl:"mode,optional"`
	ModeRange Range  `hcl:"mode,attr_value_range"`
	// UID and GID own the file; default the service's user, else 0.
	UID *int `hcl:"uid,optional"`
	GID *int `hcl:"gid,optional"`
}

// Dependency orders starts: this service comes after that one.
type Dependency struct {
	Service      string `hcl:"service,label"`
	ServiceRange Range  `hcl:"service,label_range"`
	// Condition is service_started, service_healthy or service_completed_successfully.
	// Default service_healthy where that service has a healthcheck, else service_started.
	Condition      string `hcl:"condition,optional"`
	ConditionRange Range  `hcl:"condition,attr_value_range"`
	// Restart asks that this service restart when that one was replaced.
	Restart bool `hcl:"restart,optional"`
}

// Auth says how the service guards its port, for verify: it tries as a stranger
// first, then with the password.
type Auth struct {
	// Kind is postgres, redis, mongo or openclaw.
	Kind      string `hcl:"kind,label"`
	KindRange Range  `hcl:"kind,label_range"`
	User      string `hcl:"user,optional"`
	Database  string `hcl:"database,optional"`
	// Password is exactly one secret.
	Password      Text  `hcl:"password"`
	PasswordRange Range `hcl:"password,attr_value_range"`
}

// Probe is a check of one's own, made from the host on a port that the service binds.
type Probe struct {
	// Kind is tcp or http.
	Kind      string `hcl:"kind,label"`
	KindRange Range  `hcl:"kind,label_range"`
	// Port is a container port with a bind.
	Port      int   `hcl:"port"`
	PortRange Range `hcl:"port,attr_value_range"`
	// Path of an http probe; default /.
	Path string `hcl:"path,optional"`
	// Status lists the HTTP statuses that pass; default 200.
	Status []int `hcl:"status,optional"`
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
