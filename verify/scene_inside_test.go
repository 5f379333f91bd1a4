package verify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"minibot/internal/plan"
	"minibot/internal/probe"
	"minibot/internal/secret"
	"minibot/verify"
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
	service, more := s.inside(container)
	if more.unreadable["inspection"] {
		return nil, errors.New("inspect: no such container")
	}
	c := s.container(service).Actual
	var env []string
	for name, value := range c.Environment {
		env = append(env, name+"="+*value)
	}
	slices.Sort(env)
	return json.Marshal(map[string]any{"Config": map[string]any{"Env": env, "Cmd": c.Command, "Labels": c.Labels}, "HostConfig": map[string]any{"Memory": c.MemLimit}})
}

// cleanAudit is what OpenClaw's audit prints of the example's configuration, shortened.
const cleanAudit = `{"ts":1,"summary":{"critical":0,"warn":0,"info":1},"findings":[{"checkId":"summary.attack_surface","severity":"info","title":"Attack surface summary","detail":"groups: open=0"}]}`

func (s *scene) Run(_ context.Context, container string, argv []string, limit time.Duration) (plan.Output, error) {
	service, _ := s.inside(container)
	if limit <= 0 || len(argv) == 0 {
		s.t.Errorf("run %q for %s", argv, limit)
	}
	switch said := s.gets["run-inside "+service]; said {
	case "":
		if argv[0] == "openclaw" {
			return plan.Output{Stdout: cleanAudit}, nil
		}
		return plan.Output{Stdout: "NOAUTH Authentication required.\n"}, nil // of the example's own probe
	case "missing":
		return plan.Output{Code: 127, Missing: true}, nil
	case "killed":
		return plan.Output{Code: 137, Killed: true}, nil
	case "error":
		return plan.Output{}, errors.New("exec: the container is not running")
	default:
		code, text, _ := strings.Cut(said, " ")
		n, err := strconv.Atoi(code)
		return plan.Output{Code: n, Stdout: text}, err
	}
}

func (s *scene) Rules(_ context.Context, d verify.Door, _ secret.Value) ([]probe.Rule, error) {
	for _, service := range s.subject.Stack.Services {
		if service.Auth == nil || service.Auth.Kind != d.Kind {
			continue
		}
		switch said := s.gets["rules "+service.Name]; said {
		case "":
			return []probe.Rule{{Type: "local", Method: "scram-sha-256"}, {Type: "host", Address: "all", Method: "scram-sha-256"}}, nil
		case "may-not":
			return nil, fmt.Errorf("postgres: %w", probe.ErrMayNot)
		case "error":
			return nil, errors.New("postgres: no answer in time")
		default:
			var rules []probe.Rule
			for _, line := range strings.Split(said, ", ") {
				words := strings.Fields(line)
				rule := probe.Rule{Type: words[0], Method: words[len(words)-1]}
				if len(words) > 2 {
					rule.Address = words[1]
				}
				rules = append(rules, rule)
			}
			return rules, nil
		}
	}
	return nil, errors.New("no such door")
}

// socketOf marks OpenClaw's WebSocket in the address of a door.
func socketOf(d verify.Door) string {
	if d.Socket {
		return "/ws"
	}
	return ""
}
