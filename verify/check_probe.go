package verify

import (
	"context"
	"errors"
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
		Claim:   "Every http probe of the spec is answered with a status that it allows.",
		Why:     "A stack's owner knows best what must answer, and how.",
		How:     "A GET of the path at the published port. No redirect is followed.",
		Applies: `probe "http" blocks, where the engine is on this machine, or behind ssh`, Attribute: "probe",
		Remedy: "Look at the service's last lines (docker logs CONTAINER), and at the path and status of the probe.",
		run:    ownProbes("http", httpProbe),
	},
}

// ownProbes makes a check of the probe blocks of one kind.
func ownProbes(kind string, try func(context.Context, Prober, *spec.Probe, string) Result) func(context.Context, Subject) []Result {
	return func(ctx context.Context, s Subject) []Result {
		var results []Result
		for _, service := range s.Stack.Services {
			for _, p := range service.Probes {
				i := slices.IndexFunc(service.Binds, func(b *spec.Bind) bool { return b.Port == p.Port && b.Protocol == "tcp" })
				if p.Kind != kind || i < 0 { // spec.Parse has refused a port without a bind
					continue
				}
				addr := address(service.Binds[i])
				object := addr
				if kind == "http" {
					object += p.Path
				}
				blocked, result := s.lacks(theDoors)
				if !blocked {
					result = try(ctx, s.Prober, p, addr)
				}
				results = append(results, result.of(service.Name, object).at(p.KindRange))
			}
		}
		return results
	}
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
	status, err := prober.Get(ctx, "http://"+addr+p.Path)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail("the connection was refused")
	case err != nil:
		return unknown("%v", err)
	case slices.Contains(p.Status, status):
		return pass("status %d", status)
	}
	var wanted []string
	for _, allowed := range p.Status {
		wanted = append(wanted, strconv.Itoa(allowed))
	}
	return fail("status %d; the probe wants %s", status, strings.Join(wanted, " or "))
}
