// Package spec reads minibot.hcl: which services one machine runs, the loopback
// ports they bind, their limits and the names of their secrets.
//
// It is pure. It opens no file, knows no engine and no clock, and never holds a
// secret's value: a secret in a Stack is a name (see Text). What Parse returns
// without errors is complete (every default is written into it) and safe: a port
// that is not loopback, the Docker socket or a privileged service cannot be in it.
// HCL stays inside this package; others see a Stack and, for messages, Ranges.
package spec

import (
	"github.com/hashicorp/hcl/v2"
)

// Range is a place in the spec: file, line and column.
type Range = hcl.Range

// Stack is one minibot.hcl. The struct tags are the language: an attribute or a
// block that has no field here cannot be written.
type Stack struct {
	// Name is the compose project's name and the prefix of container and volume names.
	Name      string `hcl:"name"`
	NameRange Range  `hcl:"name,attr_value_range"`

	Networks []*Network `hcl:"network,block"`
	Secrets  []*Secret  `hcl:"secret,block"`
	Services []*Service `hcl:"service,block"`
	Store    *Store     `hcl:"secrets,block"`
	Host     *Host      `hcl:"host,block"`
	Remotes  []*Remote  `hcl:"remote,block"`
	Accepts  []*Accept  `hcl:"accept,block"`

	// Both are used up while parsing: a Stack holds their values, not their names.
	Variables []*Variable `hcl:"variable,block"`
	Locals    []*locals   `hcl:"locals,block"`
}

// Network is a user-defined bridge network. It publishes on 127.0.0.1 even where a
// port names no address.
type Network struct {
	Name      string `hcl:"name,label"`
	NameRange Range  `hcl:"name,label_range"`
	// Internal cuts the network off from the outside. An internal network cannot publish ports.
	Internal bool `hcl:"internal,optional"`
	// Masquerade gives the containers the machine's address on their way out. Default true; without
	// it no answer finds the way back, though ports are published.
	Masquerade *bool `hcl:"masquerade,optional"`
	// Subnet is a CIDR prefix; empty lets the engine choose.
	Subnet      string `hcl:"subnet,optional"`
	SubnetRange Range  `hcl:"subnet,attr_value_range"`
}

// LeadsOut reports whether a container reaches others than its neighbours by this network.
func (n *Network) LeadsOut() bool { return !n.Internal && (n.Masquerade == nil || *n.Masquerade) }

// Secret declares the name of a secret. Its value lives in a store and is read at
// apply time.
type Secret struct {
	Name      string `hcl:"name,label"`
	NameRange Range  `hcl:"name,label_range"`
	// Generate says whether minibot may make a random value when there is none yet.
	// Default true; a key that a person gets elsewhere has generate = false.
	Generate    *bool  `hcl:"generate,optional"`
	Description string `hcl:"description,optional"`
}

// Generated reports whether minibot may make the value itself.
func (s *Secret) Generated() bool { return s.Generate == nil || *s.Generate }

// Store says which secret store holds the values: auto, keychain, secret-service, file,
// exec or env.
type Store struct {
	Kind  string `hcl:"store"`
	Range Range  `hcl:"store,attr_value_range"`
	// Command is the program of the store "exec" with its arguments; {name} in one of them
	// stands for the secret's name. What it prints is the value.
	Command      []string `hcl:"command,optional"`
	CommandRange Range    `hcl:"command,attr_value_range"`
}

// Host is what the machine itself must be. Each attribute asks for something, or says that it is not asked for; only
// verify reads them, and what this machine's system does not have is skipped.
type Host struct {
	Range Range `hcl:",def_range"`
	// Firewall asks for a firewall: the application firewall on macOS; ufw, firewalld or rules of its own on Linux.
	Firewall      bool  `hcl:"firewall,optional"`
	FirewallRange Range `hcl:"firewall,attr_value_range"`
	// Stealth asks a Mac to be silent to those who knock at closed ports. Default as Firewall.
	Stealth      *bool `hcl:"stealth,optional"`
	StealthRange Range `hcl:"stealth,attr_value_range"`
	// BlockAll and AllowSigned are what these modes of a Mac's firewall must be; nil does not ask.
	BlockAll         *bool `hcl:"block_all,optional"`
	BlockAllRange    Range `hcl:"block_all,attr_value_range"`
	AllowSigned      *bool `hcl:"allow_signed,optional"`
	AllowSignedRange Range `hcl:"allow_signed,attr_value_range"`
	// DiskEncryption asks that the disk be encrypted. Default true.
	DiskEncryption      *bool `hcl:"disk_encryption,optional"`
	DiskEncryptionRange Range `hcl:"disk_encryption,attr_value_range"`
	// Updates asks that security updates be installed unasked. Default true.
	Updates      *bool `hcl:"updates,optional"`
	UpdatesRange Range `hcl:"updates,attr_value_range"`
	// AutoLogin and Sleep allow a Mac to log a user in by itself, and to sleep.
	AutoLogin      bool  `hcl:"auto_login,optional"`
	AutoLoginRange Range `hcl:"auto_login,attr_value_range"`
	Sleep          bool  `hcl:"sleep,optional"`
	SleepRange     Range `hcl:"sleep,attr_value_range"`
	// Sharing lists what a Mac may share with others (see SharingKinds).
	Sharing      []string `hcl:"sharing,optional"`
	SharingRange Range    `hcl:"sharing,attr_value_range"`
	// MinEngine is the oldest version of the engine; MinRunc that of runc, where empty is what is known to be mended.
	MinEngine      string `hcl:"min_engine,optional"`
	MinEngineRange Range  `hcl:"min_engine,attr_value_range"`
	MinRunc        string `hcl:"min_runc,optional"`
	MinRuncRange   Range  `hcl:"min_runc,attr_value_range"`
}

// SharingKinds are what a Mac can share: its screen, files, events (remote Apple events), management (Remote
// Management), airplay (the receiver) and its internet connection.
func SharingKinds() []string {
	return []string{"airplay", "events", "files", "internet", "management", "screen"}
}

// Remote is a way in from elsewhere: "tailscale" or "ssh".
type Remote struct {
	Kind      string `hcl:"kind,label"`
	KindRange Range  `hcl:"kind,label_range"`
	// Required says that the way must be open; else it may be. Default true.
	Required      *bool `hcl:"required,optional"`
	RequiredRange Range `hcl:"required,attr_value_range"`
	// Destination is user@host of an SSH tunnel; only for "ssh".
	Destination      string `hcl:"destination,optional"`
	DestinationRange Range  `hcl:"destination,attr_value_range"`
	// Serve lists the ports of this machine that Tailscale may serve to the tailnet; only for "tailscale".
	Serve      []int `hcl:"serve,optional"`
	ServeRange Range `hcl:"serve,attr_value_range"`
	// SSH says whether Tailscale's own SSH server is on; only for "tailscale".
	SSH      bool  `hcl:"ssh,optional"`
	SSHRange Range `hcl:"ssh,attr_value_range"`
}

// Accept waives one finding of verify. The reason is shown in every report.
type Accept struct {
	Check        string `hcl:"check,label"`
	CheckRange   Range  `hcl:"check,label_range"`
	Service      string `hcl:"service,optional"`
	ServiceRange Range  `hcl:"service,attr_value_range"`
	Reason       string `hcl:"reason"`
	ReasonRange  Range  `hcl:"reason,attr_value_range"`
	// Until is the last day on which it holds, such as "2027-01-31"; empty is for good.
	Until      string `hcl:"until,optional"`
	UntilRange Range  `hcl:"until,attr_value_range"`
}

// Service finds a service by its name; nil if there is none.
func (s *Stack) Service(name string) *Service {
	for _, service := range s.Services {
		if service.Name == name {
			return service
		}
	}
	return nil
}

// Secret finds a declared secret by its name; nil if there is none.
func (s *Stack) Secret(name string) *Secret {
	for _, secret := range s.Secrets {
		if secret.Name == name {
			return secret
		}
	}
	return nil
}

// Remote finds a way in by its kind; nil if it is not declared.
func (s *Stack) Remote(kind string) *Remote {
	for _, remote := range s.Remotes {
		if remote.Kind == kind {
			return remote
		}
	}
	return nil
}

// SecretUsers lists the services that are given a secret, in the order of the spec.
func (s *Stack) SecretUsers(name string) []*Service {
	var users []*Service
	for _, service := range s.Services {
		for _, used := range service.SecretNames() {
			if used == name {
				users = append(users, service)
				break
			}
		}
	}
	return users
}
