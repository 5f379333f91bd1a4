package verify

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"minibot/internal/probe"
	"minibot/spec"
)

var probeChecks = []Check{
	{
		ID: "probe.tcp", Severity: Medium,
		Claim:   "Every tcp probe of the spec is answered.",
		Why:     "A stack's owner knows best what must answer.",
		How:     "A connection to the published port, and nothing more.",
		Applies: `probe "tcp" blocks, where the engine is on this machine, or behind ssh`, Attribute: "probe",
		Remedy: "Look at the service's last lines (docker logs CONTAINER), and at the port of the probe.",
		run:    ownProbes("tcp", tcpProbe),
	},
	{
		ID: "probe.http", Severity: Medium,
		Claim:   "Every http probe of the spec is answered as it says.",
		Why:     "A stack's owner knows best what must answer, and how.",
		How:     "A GET of the path at the published port; status and body are compared. No redirect is followed.",
		Applies: `probe "http" blocks, where the engine is on this machine, or behind ssh`, Attribute: "probe",
		Remedy: "Look at the service's last lines (docker logs CONTAINER), and at what the probe says.",
		run:    ownProbes("http", httpProbe),
	},
	{
		ID: "probe.ws", Severity: Medium,
		Claim:   "Every ws probe of the spec is answered as it says.",
		Why:     "A server may answer HTTP and serve no WebSocket.",
		How:     "A WebSocket is opened at the published port, its message sent, and the first 16 messages compared with what is expected.",
		Applies: `probe "ws" blocks, where the engine is on this machine, or behind ssh`, Attribute: "probe",
		Remedy: "Look at the service's last lines (docker logs CONTAINER), and at what the probe says.",
		run:    ownProbes("ws", wsProbe),
	},
	{
		ID: "probe.exec", Severity: Medium,
		Claim:   "Every exec probe of the spec ends as it says.",
		Why:     "Some things can only be asked inside.",
		How:     "The program is run in the running container, as its user and without input; its exit code and output are compared. What it prints is not shown.",
		Applies: `probe "exec" blocks of services that run`, Attribute: "probe",
		Remedy: "Run it by hand: docker exec CONTAINER PROGRAM.",
		needs:  theEngine, run: execProbes,
	},
}

// ownProbes makes a check of the probe blocks of one kind that are made from the host.
func ownProbes(kind string, try func(context.Context, Prober, *spec.Probe, string) Result) func(context.Context, Subject) []Result {
	return func(ctx context.Context, s Subject) []Result {
		return sideBySide(s.probesOf(kind), func(p ownProbe) Result {
			i := slices.IndexFunc(p.spec.Binds, func(b *spec.Bind) bool { return b.Port == p.probe.Port && b.Protocol == "tcp" })
			addr := address(p.spec.Binds[i]) // spec.Parse has refused a port without a bind
			object := addr
			if kind != "tcp" {
				object += p.probe.Path
			}
			blocked, result := s.lacks(theDoors)
			if !blocked {
				result = try(ctx, s.Prober, p.probe, addr)
			}
			return result.of(p.spec.Name, object).at(p.probe.KindRange)
		})
	}
}

// ownProbe is a probe block, and whose it is.
type ownProbe struct {
	pair
	probe *spec.Probe
}

func (s Subject) probesOf(kind string) []ownProbe {
	var all []ownProbe
	for _, p := range s.pairs() {
		for _, one := range p.spec.Probes {
			if one.Kind == kind {
				all = append(all, ownProbe{p, one})
			}
		}
	}
	return all
}

// expected is what an answer must match; nil is anything.
func expected(p *spec.Probe) *regexp.Regexp {
	if p.Expect == "" {
		return nil
	}
	return regexp.MustCompile(p.Expect) // spec.Parse has refused what is none
}

func tcpProbe(ctx context.Context, prober Prober, _ *spec.Probe, addr string) Result {
	reach, err := prober.Reach(ctx, "", addr)
	switch {
	case err != nil:
		return unknown("%v", err)
	case reach == probe.Connected:
		return pass("connected")
	}
	return fail("the connection was %s", reach)
}

func httpProbe(ctx context.Context, prober Prober, p *spec.Probe, addr string) Result {
	response, err := prober.Get(ctx, "http://"+addr+p.Path)
	want := expected(p)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail("the connection was refused")
	case err != nil:
		return unknown("%v", err)
	case !slices.Contains(p.Status, response.Status):
		return fail("status %d; the probe wants %s", response.Status, alternatives(p.Status))
	case want != nil && !want.Match(response.Body):
		return fail("status %d, and the body does not match %s", response.Status, want)
	}
	return pass("status %d", response.Status)
}

func alternatives(numbers []int) string {
	var words []string
	for _, n := range numbers {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, " or ")
}

func wsProbe(ctx context.Context, prober Prober, p *spec.Probe, addr string) Result {
	want := expected(p)
	said, err := prober.Talk(ctx, addr, p.Path, p.Send, want)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail("the connection was refused")
	case errors.Is(err, probe.ErrUnknownReply):
		return fail("it is no WebSocket: %v", err)
	case err != nil:
		return unknown("%v", err)
	case !said:
		return fail("no message matches %s", want)
	}
	return pass("answered as expected")
}

func execProbes(ctx context.Context, s Subject) []Result {
	return sideBySide(s.probesOf("exec"), func(p ownProbe) Result {
		result := absent
		switch {
		case p.have == nil:
		case !p.running():
			result = skip("the container does not run")
		default:
			result = s.execProbe(ctx, p)
		}
		return result.of(p.spec.Name, p.probe.Command[0]).at(p.probe.KindRange)
	})
}

func (s Subject) execProbe(ctx context.Context, p ownProbe) Result {
	limit, _ := p.probe.Timeout.Value() // spec.Parse has refused what is none
	output, err := s.Inside.Run(ctx, p.have.ID, p.probe.Command, limit)
	want := expected(p.probe)
	switch {
	case err != nil:
		return unknown("%v", err)
	case output.Missing:
		return unknown("the image has no program %s", p.probe.Command[0])
	case output.Killed:
		return fail("it was not done within %s", limit)
	case output.Code != p.probe.Exit:
		return fail("exit code %d; the probe wants %d", output.Code, p.probe.Exit)
	case want != nil && !want.MatchString(output.Stdout):
		return fail("exit code %d, and its output does not match %s", output.Code, want)
	}
	return pass("exit code %d", output.Code)
}
