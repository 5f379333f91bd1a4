package evidence

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"regexp"
	"strings"
	"time"

	"minibot/internal/plan"
	"minibot/internal/probe"
	"minibot/internal/secret"
	"minibot/verify"
)

// recorder asks whom verify asks, and keeps the answers.
type recorder struct {
	tape       *tape
	reducer    reducer
	prober     verify.Prober
	inside     verify.Inside
	containers verify.Containers
	expects    expectations
}

func (r recorder) Reach(ctx context.Context, from, addr string) (probe.Reach, error) {
	return record(r.tape, name("reach", from, addr), func() (probe.Reach, error) { return r.prober.Reach(ctx, from, addr) })
}

func (r recorder) Secure(ctx context.Context, from, addr string) (string, error) {
	return record(r.tape, name("secure", from, addr), func() (string, error) { return r.prober.Secure(ctx, from, addr) })
}

func (r recorder) Ask(ctx context.Context, d verify.Door) (probe.Answer, error) {
	return record(r.tape, name("ask", d), func() (probe.Answer, error) { return r.prober.Ask(ctx, d) })
}

func (r recorder) Login(ctx context.Context, d verify.Door, password secret.Value) (probe.Answer, error) {
	return record(r.tape, name("login", d), func() (probe.Answer, error) { return r.prober.Login(ctx, d, password) })
}

func (r recorder) Rules(ctx context.Context, d verify.Door, password secret.Value) ([]probe.Rule, error) {
	return record(r.tape, name("rules", d), func() ([]probe.Rule, error) { return r.prober.Rules(ctx, d, password) })
}

// Get keeps what anybody who asks is given.
func (r recorder) Get(ctx context.Context, url string) (probe.Response, error) {
	return record(r.tape, name("get", url), func() (probe.Response, error) {
		response, err := r.prober.Get(ctx, url)
		return probe.Response{Status: response.Status, Body: response.Body, Truncated: response.Truncated}, err
	})
}

func (r recorder) Talk(ctx context.Context, addr, path, send string, expect *regexp.Regexp) (bool, error) {
	return record(r.tape, name("talk", addr, path, send, expect), func() (bool, error) { return r.prober.Talk(ctx, addr, path, send, expect) })
}

func (r recorder) Dialer(ctx context.Context, container string) (dialer probe.Dialer, err error) {
	_, err = record(r.tape, name("inside", container), func() (bool, error) {
		dialer, err = r.inside.Dialer(ctx, container)
		return err == nil, err
	})
	return dialer, err
}

// Run keeps of what a program printed what verify reads of it: reports as JSON, without their details, and what a probe
// of the spec looks for.
func (r recorder) Run(ctx context.Context, container string, argv []string, limit time.Duration) (output plan.Output, err error) {
	_, err = record(r.tape, name("run", container, argv), func() (plan.Output, error) {
		output, err = r.inside.Run(ctx, container, argv, limit)
		kept := output
		kept.Stdout, kept.Stderr = cmp.Or(reduceReport(output.Stdout), r.expects.found(argv, output.Stdout)), ""
		return kept, err
	})
	return output, err
}

func (r recorder) Processes(ctx context.Context, container string) ([]plan.Process, error) {
	return record(r.tape, name("processes", container), func() ([]plan.Process, error) { return r.containers.Processes(ctx, container) })
}

func (r recorder) Limits(ctx context.Context, container string) (plan.Limits, error) {
	return record(r.tape, name("limits", container), func() (plan.Limits, error) { return r.containers.Limits(ctx, container) })
}

func (r recorder) Inspection(ctx context.Context, container string) (raw []byte, err error) {
	_, err = record(r.tape, name("inspection", container), func() (json.RawMessage, error) {
		raw, err = r.containers.Inspection(ctx, container)
		return r.reducer.reduce("GET /containers/"+container+"/json", raw), err
	})
	return raw, err
}

// player answers as they did.
type player struct{ tape *tape }

func (p player) Reach(_ context.Context, from, addr string) (probe.Reach, error) {
	return replay[probe.Reach](p.tape, name("reach", from, addr))
}

func (p player) Secure(_ context.Context, from, addr string) (string, error) {
	return replay[string](p.tape, name("secure", from, addr))
}

func (p player) Ask(_ context.Context, d verify.Door) (probe.Answer, error) {
	return replay[probe.Answer](p.tape, name("ask", d))
}

func (p player) Login(_ context.Context, d verify.Door, _ secret.Value) (probe.Answer, error) {
	return replay[probe.Answer](p.tape, name("login", d))
}

func (p player) Rules(_ context.Context, d verify.Door, _ secret.Value) ([]probe.Rule, error) {
	return replay[[]probe.Rule](p.tape, name("rules", d))
}

func (p player) Get(_ context.Context, url string) (probe.Response, error) {
	return replay[probe.Response](p.tape, name("get", url))
}

func (p player) Talk(_ context.Context, addr, path, send string, expect *regexp.Regexp) (bool, error) {
	return replay[bool](p.tape, name("talk", addr, path, send, expect))
}

// Dialer leads nowhere: whoever would dial by it is a player, too.
func (p player) Dialer(_ context.Context, container string) (probe.Dialer, error) {
	if _, err := replay[bool](p.tape, name("inside", container)); err != nil {
		return nil, err
	}
	return func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("nobody dials in a replay")
	}, nil
}

func (p player) Run(_ context.Context, container string, argv []string, _ time.Duration) (plan.Output, error) {
	return replay[plan.Output](p.tape, name("run", container, argv))
}

func (p player) Processes(_ context.Context, container string) ([]plan.Process, error) {
	return replay[[]plan.Process](p.tape, name("processes", container))
}

func (p player) Limits(_ context.Context, container string) (plan.Limits, error) {
	return replay[plan.Limits](p.tape, name("limits", container))
}

func (p player) Inspection(_ context.Context, container string) ([]byte, error) {
	return replay[json.RawMessage](p.tape, name("inspection", container))
}

// expectations are what the exec probes of a spec look for in what their programs print, by the program.
type expectations map[string][]*regexp.Regexp

func expectationsOf(s *verify.Subject) expectations {
	all := expectations{}
	for _, service := range s.Stack.Services {
		for _, p := range service.Probes {
			if p.Kind == "exec" && p.Expect != "" {
				program := name("run", p.Command)
				all[program] = append(all[program], regexp.MustCompile(p.Expect)) // spec.Parse has refused what is none
			}
		}
	}
	return all
}

// found is of each thing that is looked for the first that is there, a line each.
func (e expectations) found(argv []string, printed string) string {
	var all []string
	for _, expected := range e[name("run", argv)] {
		if expected.MatchString(printed) {
			all = append(all, expected.FindString(printed))
		}
	}
	return strings.Join(all, "\n")
}
