package render

import (
	"bytes"
	"fmt"

	"github.com/compose-spec/compose-go/v2/types"
	"gopkg.in/yaml.v3"
)

// file is a compose file as Compose writes it: every key that there can be, in the one form of the
// several that compose allows.
type file struct {
	Name     string
	Services map[string]written
	Networks map[string]struct {
		Name       string
		Driver     string
		DriverOpts types.Options `yaml:"driver_opts"`
		Internal   bool
		Ipam       struct {
			Config []struct{ Subnet string }
		}
	}
	Volumes map[string]struct{ Labels types.Labels }
	Secrets map[string]struct{ Environment string }
	Configs map[string]struct{ Content string }
}

type written struct {
	Image         string
	Platform      string
	PullPolicy    string `yaml:"pull_policy"`
	ContainerName string `yaml:"container_name"`
	Hostname      string
	User          string
	GroupAdd      []string `yaml:"group_add"`
	Entrypoint    []string
	Command       []string
	WorkingDir    string `yaml:"working_dir"`
	Init          *bool
	Environment   map[string]string
	Ports         []string
	Networks      []string
	ExtraHosts    []string `yaml:"extra_hosts"`
	DNS           []string
	DependsOn     map[string]struct {
		Condition string
		Restart   bool
	} `yaml:"depends_on"`
	Volumes []struct {
		Type, Source, Target string
		ReadOnly             bool `yaml:"read_only"`
		Bind                 *struct {
			CreateHostPath bool `yaml:"create_host_path"`
		}
	}
	Tmpfs       []string
	Secrets     []delivery
	Configs     []delivery
	Healthcheck *struct {
		Test        []string
		Interval    *duration
		Timeout     *duration
		Retries     *uint64
		StartPeriod *duration `yaml:"start_period"`
	}
	Restart         string
	StopSignal      string    `yaml:"stop_signal"`
	StopGracePeriod *duration `yaml:"stop_grace_period"`
	MemLimit        amount    `yaml:"mem_limit"`
	MemswapLimit    amount    `yaml:"memswap_limit"`
	CPUs            float32   `yaml:"cpus"`
	PidsLimit       int64     `yaml:"pids_limit"`
	ShmSize         amount    `yaml:"shm_size"`
	Ulimits         map[string]struct{ Soft, Hard int }
	ReadOnly        bool     `yaml:"read_only"`
	CapDrop         []string `yaml:"cap_drop"`
	CapAdd          []string `yaml:"cap_add"`
	SecurityOpt     []string `yaml:"security_opt"`
	Logging         struct {
		Driver  string
		Options types.Options
	}
	Labels types.Labels
}

type delivery struct {
	Source, Target, UID, GID string
	Mode                     mode
}

type duration types.Duration

func (d *duration) UnmarshalYAML(node *yaml.Node) error {
	return (*types.Duration)(d).DecodeMapstructure(node.Value)
}

type amount types.UnitBytes

func (s *amount) UnmarshalYAML(node *yaml.Node) error {
	return (*types.UnitBytes)(s).DecodeMapstructure(node.Value)
}

type mode types.FileMode

func (m *mode) UnmarshalYAML(node *yaml.Node) error {
	return (*types.FileMode)(m).DecodeMapstructure(node.Value)
}

// read reads what Compose wrote. It refuses what Compose does not write.
func read(name string, compose []byte) (*types.Project, error) {
	var f file
	decoder := yaml.NewDecoder(bytes.NewReader(compose))
	decoder.KnownFields(true)
	if err := decoder.Decode(&f); err != nil {
		return nil, err
	}
	p := &types.Project{Name: name, WorkingDir: "/", Services: types.Services{}, Networks: types.Networks{},
		Environment: types.Mapping{"COMPOSE_PROJECT_NAME": name}, DisabledServices: types.Services{}}
	for name, s := range f.Services {
		one, err := s.config(name)
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", name, err)
		}
		p.Services[name] = one
	}
	for name, n := range f.Networks {
		config := types.NetworkConfig{Name: n.Name, Driver: n.Driver, DriverOpts: n.DriverOpts, Internal: n.Internal}
		for _, pool := range n.Ipam.Config {
			config.Ipam.Config = append(config.Ipam.Config, &types.IPAMPool{Subnet: pool.Subnet})
		}
		p.Networks[name] = config
	}
	for key, v := range f.Volumes {
		if p.Volumes == nil {
			p.Volumes = types.Volumes{}
		}
		p.Volumes[key] = types.VolumeConfig{Name: name + "_" + key, Labels: v.Labels}
	}
	for key, s := range f.Secrets {
		if p.Secrets == nil {
			p.Secrets = types.Secrets{}
		}
		p.Secrets[key] = types.SecretConfig{Name: name + "_" + key, Environment: s.Environment}
	}
	for key, c := range f.Configs {
		if p.Configs == nil {
			p.Configs = types.Configs{}
		}
		p.Configs[key] = types.ConfigObjConfig{Name: name + "_" + key, Content: c.Content}
	}
	return p, nil
}

func (s written) config(name string) (types.ServiceConfig, error) {
	var c types.ServiceConfig
	c.Name = name
	c.Image = s.Image
	c.Platform = s.Platform
	c.PullPolicy = s.PullPolicy
	c.ContainerName = s.ContainerName
	c.Hostname = s.Hostname
	c.User = s.User
	c.GroupAdd = s.GroupAdd
	c.Entrypoint = s.Entrypoint
	c.Command = s.Command
	c.WorkingDir = s.WorkingDir
	c.Init = s.Init
	c.DNS = s.DNS
	c.Tmpfs = s.Tmpfs
	c.Restart = s.Restart
	c.StopSignal = s.StopSignal
	c.StopGracePeriod = (*types.Duration)(s.StopGracePeriod)
	c.MemLimit = types.UnitBytes(s.MemLimit)
	c.MemSwapLimit = types.UnitBytes(s.MemswapLimit)
	c.CPUS = s.CPUs
	c.PidsLimit = s.PidsLimit
	c.ShmSize = types.UnitBytes(s.ShmSize)
	c.ReadOnly = s.ReadOnly
	c.CapDrop = s.CapDrop
	c.CapAdd = s.CapAdd
	c.SecurityOpt = s.SecurityOpt
	c.Logging = &types.LoggingConfig{Driver: s.Logging.Driver, Options: s.Logging.Options}
	c.Labels = s.Labels
	c.Environment = types.MappingWithEquals{}
	for key, value := range s.Environment {
		c.Environment[key] = &value
	}
	for _, port := range s.Ports {
		parsed, err := types.ParsePortConfig(port)
		if err != nil {
			return c, err
		}
		c.Ports = append(c.Ports, parsed...)
	}
	if len(s.ExtraHosts) > 0 {
		hosts, err := types.NewHostsList(s.ExtraHosts)
		if err != nil {
			return c, err
		}
		c.ExtraHosts = hosts
	}
	for _, network := range s.Networks {
		if c.Networks == nil {
			c.Networks = map[string]*types.ServiceNetworkConfig{}
		}
		c.Networks[network] = nil
	}
	for other, d := range s.DependsOn {
		if c.DependsOn == nil {
			c.DependsOn = types.DependsOnConfig{}
		}
		c.DependsOn[other] = types.ServiceDependency{Condition: d.Condition, Restart: d.Restart, Required: true}
	}
	for _, v := range s.Volumes {
		volume := types.ServiceVolumeConfig{Type: v.Type, Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly}
		if v.Bind != nil {
			volume.Bind = &types.ServiceVolumeBind{CreateHostPath: types.OptOut(v.Bind.CreateHostPath)}
		}
		c.Volumes = append(c.Volumes, volume)
	}
	for _, d := range s.Secrets {
		c.Secrets = append(c.Secrets, types.ServiceSecretConfig{Source: d.Source, Target: d.Target, UID: d.UID, GID: d.GID, Mode: (*types.FileMode)(&d.Mode)})
	}
	for _, d := range s.Configs {
		c.Configs = append(c.Configs, types.ServiceConfigObjConfig{Source: d.Source, Target: d.Target, UID: d.UID, GID: d.GID, Mode: (*types.FileMode)(&d.Mode)})
	}
	if h := s.Healthcheck; h != nil {
		c.HealthCheck = &types.HealthCheckConfig{
			Test: h.Test, Interval: (*types.Duration)(h.Interval), Timeout: (*types.Duration)(h.Timeout),
			Retries: h.Retries, StartPeriod: (*types.Duration)(h.StartPeriod),
		}
	}
	for name, u := range s.Ulimits {
		if c.Ulimits == nil {
			c.Ulimits = map[string]*types.UlimitsConfig{}
		}
		c.Ulimits[name] = &types.UlimitsConfig{Soft: u.Soft, Hard: u.Hard}
	}
	return c, nil
}
