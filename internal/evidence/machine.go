package evidence

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"minibot/internal/host"
)

// Machine is what was seen of the machine.
type Machine struct {
	GOOS       string           `json:"goos"`
	Root       bool             `json:"root,omitempty"`
	Home       string           `json:"home,omitempty"`
	Commands   []Command        `json:"commands,omitempty"`
	Files      map[string]*File `json:"files,omitempty"`
	Interfaces []Interface      `json:"interfaces,omitempty"`
	// NoInterfaces is why they could not be listed.
	NoInterfaces *Failure `json:"no_interfaces,omitempty"`
}

// Command is a program that was run and what it said: its output, and how it ended.
type Command struct {
	Argv   []string `json:"argv"`
	Out    string   `json:"out,omitempty"`
	Status int      `json:"status,omitempty"` // with another than 0, Stderr is what it wrote there
	Stderr string   `json:"stderr,omitempty"`
	Error  *Failure `json:"error,omitempty"` // it could not be run, or did not end
}

// Interface is a network interface.
type Interface struct {
	Name      string         `json:"name"`
	Up        bool           `json:"up,omitempty"`
	Addresses []netip.Prefix `json:"addresses,omitempty"`
}

// machineRecorder keeps what is asked of a machine.
type machineRecorder struct {
	mu       sync.Mutex
	commands map[string]Command
	files    fileRecorder
	faces    []Interface
	noFaces  *Failure
}

// machine is a machine that answers as the real one does, and keeps it.
func (r *machineRecorder) machine(real host.Machine) host.Machine {
	r.commands = map[string]Command{}
	r.files = fileRecorder{real: real.Files, seen: map[string]*File{}}
	seen := real
	seen.Files = &r.files
	seen.Run = func(ctx context.Context, argv ...string) ([]byte, error) {
		out, err := real.Run(ctx, argv...)
		command := Command{Argv: argv, Out: string(host.ReduceOutput(argv, out))}
		if exit, ok := host.Exited(err); ok {
			command.Status, command.Stderr = exit.Status, exit.Stderr
		} else {
			command.Error = failure(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.commands[strings.Join(argv, "\x00")] = command
		return out, err
	}
	seen.Interfaces = func() ([]host.Interface, error) {
		list, err := real.Interfaces()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.faces, r.noFaces = nil, failure(err)
		for _, one := range list {
			face := Interface{Name: one.Name, Up: one.Up}
			for _, addr := range one.Addrs {
				if prefix, err := netip.ParsePrefix(addr.String()); err == nil {
					face.Addresses = append(face.Addresses, prefix)
				}
			}
			r.faces = append(r.faces, face)
		}
		return list, err
	}
	return seen
}

// seen is all that was asked of a machine.
func (r *machineRecorder) seen(real host.Machine) Machine {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := Machine{GOOS: real.GOOS, Root: real.Root, Home: real.Home, Files: r.files.kept(), Interfaces: r.faces, NoInterfaces: r.noFaces}
	for command := range sorted(r.commands) {
		m.Commands = append(m.Commands, command)
	}
	return m
}

// Host is the machine again.
func (m Machine) Host() host.Machine {
	commands := map[string]Command{}
	for _, command := range m.Commands {
		commands[strings.Join(command.Argv, "\x00")] = command
	}
	return host.Machine{
		GOOS: m.GOOS, Root: m.Root, Home: m.Home, Files: files(m.Files),
		Run: func(_ context.Context, argv ...string) ([]byte, error) {
			command, ok := commands[strings.Join(argv, "\x00")]
			switch {
			case !ok:
				return nil, fmt.Errorf("%w: %s", ErrMissing, strings.Join(argv, " "))
			case command.Status != 0:
				return []byte(command.Out), &host.ExitError{Program: argv[0], Status: command.Status, Stderr: command.Stderr}
			}
			return []byte(command.Out), command.Error.Err()
		},
		Interfaces: func() ([]host.Interface, error) {
			var list []host.Interface
			for _, one := range m.Interfaces {
				face := host.Interface{Name: one.Name, Up: one.Up}
				for _, prefix := range one.Addresses {
					face.Addrs = append(face.Addrs, &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())})
				}
				list = append(list, face)
			}
			return list, m.NoInterfaces.Err()
		},
	}
}
