package apply

import (
	"fmt"
	"net"
	"strconv"

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

// FreePorts tries to bind the host ports of containers that are about to be made, and
// reports those that are taken. It is only meant where the engine's ports are on this
// machine. Nothing is changed: each port is let go at once.
func FreePorts(project *types.Project, p plan.Plan) []error {
	var taken []error
	for _, step := range p.Steps {
		if step.Object != "service" || step.Kind != plan.Create {
			continue // a container that is there holds its ports itself
		}
		for _, port := range plan.Ports(project.Services[step.Name]) {
			address := net.JoinHostPort(port.HostIP.String(), strconv.Itoa(int(port.Published)))
			if !free(port.Protocol, address) {
				taken = append(taken, &PortTakenError{Service: step.Name, Port: port})
			}
		}
	}
	return taken
}

func free(protocol, address string) bool {
	if protocol == "udp" {
		conn, err := net.ListenPacket("udp", address)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	_ = listener.Close()
	return true
}
