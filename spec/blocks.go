package spec

// The blocks of a service.

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
	Driver      string            `hcl:"driver"`
	DriverRange Range             `hcl:"driver,attr_value_range"`
	Options     map[string]string `hcl:"options,optional"`
}

// Ulimit is one resource limit of the container's processes, such as nofile.
type Ulimit struct {
	Name      string `hcl:"name,label"`
	NameRange Range  `hcl:"name,label_range"`
	// Soft and Hard are numbers from 0 up, or -1 for no limit. Hard defaults to Soft.
	Soft      int64  `hcl:"soft"`
	SoftRange Range  `hcl:"soft,attr_value_range"`
	Hard      *int64 `hcl:"hard,optional"`
	HardRange Range  `hcl:"hard,attr_value_range"`
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
	UID      *int  `hcl:"uid,optional"`
	UIDRange Range `hcl:"uid,attr_value_range"`
	GID      *int  `hcl:"gid,optional"`
	GIDRange Range `hcl:"gid,attr_value_range"`
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
	// User is who logs in; postgres and mongo need one.
	User      string `hcl:"user,optional"`
	UserRange Range  `hcl:"user,attr_value_range"`
	Database  string `hcl:"database,optional"`
	// Password is exactly one secret.
	Password      Text  `hcl:"password"`
	PasswordRange Range `hcl:"password,attr_value_range"`
}

// Probe is a check of one's own: from the host on a port that the service binds, or by a program
// inside its container.
type Probe struct {
	// Kind is tcp, http, ws or exec.
	Kind      string `hcl:"kind,label"`
	KindRange Range  `hcl:"kind,label_range"`
	// Port is a container port with a bind; for all but exec, which has none.
	Port      int   `hcl:"port,optional"`
	PortRange Range `hcl:"port,attr_value_range"`
	// Path is that of the URL, for http and ws; default /.
	Path      string `hcl:"path,optional"`
	PathRange Range  `hcl:"path,attr_value_range"`
	// Status lists the HTTP statuses that pass; default 200. For http.
	Status      []int `hcl:"status,optional"`
	StatusRange Range `hcl:"status,attr_value_range"`
	// Send is the first message of a ws probe; default none.
	Send      string `hcl:"send,optional"`
	SendRange Range  `hcl:"send,attr_value_range"`
	// Command is the program of an exec probe with its arguments. It runs in the container, as its
	// user, and must change nothing.
	Command      []string `hcl:"command,optional"`
	CommandRange Range    `hcl:"command,attr_value_range"`
	// Exit is the exit code of an exec probe that passes; default 0.
	Exit      int   `hcl:"exit,optional"`
	ExitRange Range `hcl:"exit,attr_value_range"`
	// Expect is a regular expression (RE2): for http the body must match it, for ws one of the first
	// messages, for exec what the program prints. Default: anything goes.
	Expect      string `hcl:"expect,optional"`
	ExpectRange Range  `hcl:"expect,attr_value_range"`
	// Timeout bounds an exec probe, 1s to 5m; default 10s. The others have 3 seconds.
	Timeout      Duration `hcl:"timeout,optional"`
	TimeoutRange Range    `hcl:"timeout,attr_value_range"`
}
