package verify_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"minibot/internal/plan"
)

// seenInside is what a case says of a running container beyond its observation.
type seenInside struct {
	processes  []plan.Process
	limits     *plan.Limits
	unreadable map[string]bool // by the verb of the line
}

func (s *scene) changeInside(verb, service, arg string) error {
	more := s.more[service]
	if more == nil {
		more = &seenInside{unreadable: map[string]bool{}}
		s.more[service] = more
	}
	switch {
	case arg == "unreadable":
		more.unreadable[verb] = true
	case verb == "process":
		uid, command, _ := strings.Cut(arg, " ")
		n, err := strconv.Atoi(uid)
		more.processes = append(more.processes, plan.Process{UID: n, Command: command})
		return err
	case verb == "kernel":
		limits := s.held(service)
		more.limits = &limits
		return patch(more.limits, arg)
	}
	return nil
}

// inside finds what a case says of a container.
func (s *scene) inside(container string) (service string, more seenInside) {
	service = strings.TrimSuffix(s.key(container, ""), ">")
	if said := s.more[service]; said != nil {
		more = *said
	}
	return service, more
}

func (s *scene) container(service string) plan.Container {
	for _, c := range s.subject.Live.Containers {
		if c.Service == service {
			return c
		}
	}
	return plan.Container{}
}

// held is what the kernel holds a container to if it does as the engine was told.
func (s *scene) held(service string) plan.Limits {
	c := s.container(service).Actual
	return plan.Limits{Memory: uint64(c.MemLimit), Pids: uint64(c.PidsLimit)}
}

func (s *scene) Processes(_ context.Context, container string) ([]plan.Process, error) {
	service, more := s.inside(container)
	if more.unreadable["process"] {
		return nil, errors.New("processes: ps is not there")
	}
	user, _, _ := strings.Cut(s.container(service).Actual.User, ":")
	uid, err := strconv.Atoi(user)
	if err != nil {
		uid = 1000 // the image's own
	}
	return append([]plan.Process{{UID: uid, Command: service + " --serve"}}, more.processes...), nil
}

func (s *scene) Limits(_ context.Context, container string) (plan.Limits, error) {
	service, more := s.inside(container)
	switch {
	case more.unreadable["kernel"]:
		return plan.Limits{}, errors.New("limits: the engine tells nothing")
	case more.limits != nil:
		return *more.limits, nil
	}
	return s.held(service), nil
}

func (s *scene) Inspection(_ context.Context, container string) ([]byte, error) {
	service, _ := s.inside(container)
	return json.Marshal(s.container(service).Actual)
}
