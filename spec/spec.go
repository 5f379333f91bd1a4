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

// Host is what the machine itself must be.
type Host struct {
	// Firewall asks that the macOS application firewall be on.
	Firewall bool  `hcl:"firewall,optional"`
	Range    Range `hcl:",def_range"`
}

// Remote is a way in from elsewhere: "tailscale" or "ssh".
type Remote struct {
	Kind      string `hcl:"kind,label"`
	KindRange Range  `hcl:"kind,label_range"`
	// Destination is user@host of an SSH tunnel; only for "ssh".
	Destination      string `hcl:"destination,optional"`
	DestinationRange Range  `hcl:"destination,attr_value_range"`
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
