package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"minibot/apply"
	"minibot/internal/bridge"
	"minibot/internal/host"
	"minibot/internal/plan"
	"minibot/internal/probe"
)

// errElsewhere says that the doors of the services are out of reach.
var errElsewhere = errors.New("the engine is on another machine, and not by ssh://; run minibot there: a password is changed over the service's loopback port")

// noDialerError says that a machine has nothing to dial by: what needs it does not apply there.
type noDialerError struct{ machine string }

func (e *noDialerError) Error() string {
	return e.machine + " has no program by which minibot can dial there: node, python3, bash, perl or nc"
}

// Is makes it one of verify's reasons to skip a check.
func (e *noDialerError) Is(target error) bool { return target == host.ErrNotApplicable }

// dialer finds a program by which one dials on the machine of an engine behind ssh. Whoever asks closes it.
func (a *app) dialer(ctx context.Context) (*bridge.Bridge, error) {
	const patience = 10 * time.Second // ssh may have to connect first
	var lost error                    // ssh does not come through, which says nothing of the programs there
	b, err := bridge.Open(ctx, patience, func(ctx context.Context, argv []string) (bridge.Process, error) {
		process, err := a.far.Start(ctx, argv)
		if err != nil {
			lost = err
			return nil, err
		}
		return process, nil
	})
	switch {
	case err != nil && lost != nil:
		return nil, lost
	case errors.Is(err, bridge.ErrNoProgram):
		return nil, &noDialerError{a.far.Name}
	}
	return b, err
}

// overThere is the machine of an engine behind ssh, as far as programs of its own tell of it.
func (a *app) overThere(ctx context.Context) (host.Machine, error) {
	const patience = 10 * time.Second // for each program; ssh may have to connect first
	return host.Over(ctx, func(ctx context.Context, argv ...string) ([]byte, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("%s did not answer within %s", a.far.Name, patience))
		defer cancel()
		process, err := a.far.Start(ctx, argv)
		if err != nil {
			return nil, err
		}
		defer process.Close()
		late := context.AfterFunc(ctx, func() { process.Close() })
		defer late()
		_ = process.CloseWrite()
		out, err := io.ReadAll(process)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
		return out, err
	})
}

// atTheDoors is a context under which probes dial from the engine's machine.
func (s *site) atTheDoors(ctx context.Context) (there context.Context, done func(), err error) {
	switch endpoint := s.engine.Endpoint; {
	case endpoint.Local():
		return ctx, func() {}, nil
	case !endpoint.SSH():
		return nil, nil, errElsewhere
	}
	far, err := s.dialer(ctx)
	if err != nil {
		return nil, nil, err
	}
	return probe.Via(ctx, far.DialContext), func() { far.Close() }, nil
}

// freePorts refuses a plan if others hold its ports on the engine's machine. Where that cannot be
// seen, the engine refuses to start what needs them.
func (s *site) freePorts(ctx context.Context, p plan.Plan) error {
	try := apply.Bind
	switch endpoint := s.engine.Endpoint; {
	case endpoint.SSH():
		there := sync.OnceValues(func() (context.Context, error) { // only if a port is to be tried
			far, err := s.dialer(ctx)
			if err != nil {
				s.warn("whether the ports are free on %s is not known: %v.", s.far.Name, err)
				return nil, err
			}
			context.AfterFunc(ctx, func() { far.Close() })
			return probe.Via(ctx, far.DialContext), nil
		})
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		try = func(port plan.Port) error {
			ctx, err := there()
			if err != nil {
				return nil
			}
			return knock(ctx, port)
		}
	case !endpoint.Local():
		return nil
	}
	return errors.Join(apply.FreePorts(s.loaded.project, p, try)...)
}

// knock dials a port that ought to be free. One of UDP tells nothing.
func knock(ctx context.Context, port plan.Port) error {
	if port.Protocol != "tcp" {
		return nil
	}
	reach, err := probe.TCP(ctx, net.JoinHostPort(port.HostIP.String(), strconv.Itoa(int(port.Published))))
	if reach == probe.Connected {
		return syscall.EADDRINUSE
	}
	return err
}
