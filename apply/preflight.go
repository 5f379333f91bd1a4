package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/internal/plan"
)

// PortTakenError says that a program which is no container of this engine holds a port
// that a service is about to bind.
type PortTakenError struct {
	Service string
	Port    plan.Port
}

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("service %s: port %s is held by another program", e.Service, e.Port)
}

// FreePorts tries the host ports that the plan is about to take, and reports those that are
// not to be had: a *PortTakenError each where try returns syscall.EADDRINUSE, or why else
// the machine refuses. Bind is what tries the ports of this machine.
func FreePorts(project *types.Project, p plan.Plan, try func(plan.Port) error) []error {
	var refused []error
	for _, step := range p.Steps {
		if step.Object != "service" {
			continue
		}
		for _, port := range plan.Ports(project.Services[step.Name]) {
			if !takes(step, port) || freed(p, port) {
				continue
			}
			err := try(port)
			switch {
			case errors.Is(err, syscall.EADDRINUSE):
				refused = append(refused, &PortTakenError{Service: step.Name, Port: port})
			case errors.Is(err, fs.ErrPermission):
				// A low port: the engine may bind it even if this user may not.
			case err != nil:
				refused = append(refused, fmt.Errorf("service %s: port %s: %w", step.Name, port, err))
			}
		}
	}
	return refused
}

// takes reports whether a step binds a port that was not the service's before.
func takes(step plan.Step, port plan.Port) bool {
	taken := step.Kind == plan.Create
	for _, cause := range step.Causes {
		switch {
		case cause.Path == "state" && cause.Old == "exited":
			return true
		case cause.Path == "ports" && cause.New == port.String():
			taken = true
		}
	}
	return taken
}

// freed reports whether another step lets go of a port.
func freed(p plan.Plan, port plan.Port) bool {
	return slices.ContainsFunc(p.Steps, func(step plan.Step) bool {
		return slices.ContainsFunc(step.Causes, func(c plan.Cause) bool {
			return c.Path == "ports" && c.Old != "" && onHost(c.Old) == onHost(port.String())
		})
	})
}

// onHost is a port in compose's short form without the port in the container.
func onHost(port string) string {
	published, target := port, ""
	if i := strings.LastIndex(port, ":"); i >= 0 {
		published, target = port[:i], port[i+1:]
	}
	_, protocol, _ := strings.Cut(target, "/")
	return published + "/" + protocol
}

// Bind binds a port of this machine, and lets it go at once.
func Bind(port plan.Port) error {
	address := net.JoinHostPort(port.HostIP.String(), strconv.Itoa(int(port.Published)))
	if port.Protocol == "udp" {
		conn, err := net.ListenPacket("udp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return listener.Close()
}
