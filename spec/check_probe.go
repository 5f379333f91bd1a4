package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// probeKinds lists for each kind of probe the attributes that it has.
var probeKinds = map[string][]string{
	"tcp":  {"port"},
	"http": {"port", "path", "status", "expect"},
	"ws":   {"port", "path", "send", "expect"},
	"exec": {"command", "exit", "expect", "timeout"},
}

const (
	defaultProbeTime         = "10s"
	leastProbe, longestProbe = time.Second, 5 * time.Minute
)

// checkProbes is about the checks of one's own.
func (d *decoder) checkProbes(s *Service) {
	for _, p := range s.Probes {
		attributes, known := probeKinds[p.Kind]
		if !known {
			d.diags.add(p.KindRange, "Unknown kind of probe", oneOf(p.Kind, []string{"exec", "http", "tcp", "ws"}))
			continue
		}
		for _, written := range []struct {
			name string
			at   Range
		}{
			{"port", p.PortRange}, {"path", p.PathRange}, {"status", p.StatusRange}, {"send", p.SendRange},
			{"command", p.CommandRange}, {"exit", p.ExitRange}, {"expect", p.ExpectRange}, {"timeout", p.TimeoutRange},
		} {
			if !written.at.Empty() && !slices.Contains(attributes, written.name) {
				d.diags.add(written.at, "Not of this kind of probe", fmt.Sprintf("A probe %q has %s. Take %s out.", p.Kind, strings.Join(attributes, ", "), written.name))
			}
		}
		d.checkProbe(p)
		if p.Kind == "exec" {
			d.checkProgram(p)
		} else {
			d.checkProbedPort(s, p)
		}
	}
}

func (d *decoder) checkProbe(p *Probe) {
	if !strings.HasPrefix(p.Path, "/") || strings.ContainsFunc(p.Path, func(r rune) bool { return r == ' ' || hidden(r) }) {
		d.diags.add(p.PathRange, "Bad path", fmt.Sprintf("%q is not the path of a URL, such as \"/health\".", p.Path))
	}
	for i, status := range p.Status {
		if status < 100 || status > 599 {
			d.diags.add(d.part(p.StatusRange, i), "Bad status", fmt.Sprintf("%d is no status of HTTP, such as 200.", status))
		}
	}
	if _, err := regexp.Compile(p.Expect); err != nil {
		d.diags.add(p.ExpectRange, "Bad regular expression", sentence(err))
	}
}

// checkProgram is about a probe inside the container.
func (d *decoder) checkProgram(p *Probe) {
	switch {
	case len(p.Command) == 0 && p.CommandRange.Empty():
		d.diags.add(p.KindRange, "Probe without a command", `Write command = ["program", "argument"], as the service's image has it.`)
	case len(p.Command) == 0 || p.Command[0] == "":
		d.diags.add(p.CommandRange, "No program", `Write ["program", "argument"], as the service's image has it.`)
	}
	if p.Exit < 0 || p.Exit > 255 {
		d.diags.add(p.ExitRange, "Bad exit code", "Exit codes go from 0 to 255.")
	}
	switch limit, err := p.Timeout.Value(); {
	case err != nil:
		d.diags.add(p.TimeoutRange, "Bad duration", sentence(err))
	case limit < leastProbe || limit > longestProbe:
		d.diags.add(p.TimeoutRange, "Bad timeout", fmt.Sprintf("A probe may take from %v to %v.", leastProbe, longestProbe))
	}
}

// checkProbedPort is about a probe from the host.
func (d *decoder) checkProbedPort(s *Service, p *Probe) {
	if p.PortRange.Empty() {
		d.diags.add(p.KindRange, "Probe without a port", fmt.Sprintf("Write port = …: a port of the container that %q binds.", s.Name))
		return
	}
	if !d.checkPort(p.Port, p.PortRange) || d.incomplete[s.Name] {
		return
	}
	// A bind with a fault, which is reported, may be the one that is meant.
	meant := func(b *Bind) bool {
		return b.Protocol != "udp" && (b.Port == p.Port || b.Port < 1 || b.Port > lastPort)
	}
	if !slices.ContainsFunc(s.Binds, meant) {
		d.diags.add(p.PortRange, "Port without a bind", fmt.Sprintf("The probe is made from the host, and nothing publishes port %d by tcp. Write bind { port = %d }.", p.Port, p.Port))
	}
}
