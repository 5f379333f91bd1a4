package spec

import (
	"fmt"
	"slices"
	"strings"
)

var (
	authKinds  = []string{"mongo", "openclaw", "postgres", "redis"}
	probeKinds = []string{"http", "tcp"}
)

// checkAuth is about what verify tries on the service's ports.
func (d *decoder) checkAuth(s *Service) {
	if a := s.Auth; a != nil {
		if !slices.Contains(authKinds, a.Kind) {
			d.diags.add(a.KindRange, "Unknown kind of auth", oneOf(a.Kind, authKinds))
		}
		if a.UserRange.Empty() && (a.Kind == "postgres" || a.Kind == "mongo") {
			d.diags.add(a.KindRange, "Auth without a user", fmt.Sprintf("%s knows people by name. Write user = \"…\", as the service's environment has it.", a.Kind))
		}
		if parts := a.Password.Parts(); len(parts) != 1 || parts[0].Secret == "" {
			d.diags.add(a.PasswordRange, "Password is not a secret", "Write password = secret.NAME.value: the whole of one secret, and nothing else.")
		}
		if len(s.Binds) == 0 && !d.incomplete[s.Name] {
			d.diags.add(a.KindRange, "Nothing to check", fmt.Sprintf("%q binds no port, so verify cannot try its door. Give it a bind block, or take auth out.", s.Name))
		}
	}
	for _, probe := range s.Probes {
		if !slices.Contains(probeKinds, probe.Kind) {
			d.diags.add(probe.KindRange, "Unknown kind of probe", oneOf(probe.Kind, probeKinds))
		}
		if !strings.HasPrefix(probe.Path, "/") || strings.ContainsFunc(probe.Path, func(r rune) bool { return r == ' ' || hidden(r) }) {
			d.diags.add(probe.PathRange, "Bad path", fmt.Sprintf("%q is not the path of a URL, such as \"/health\".", probe.Path))
		}
		for i, status := range probe.Status {
			if status < 100 || status > 599 {
				d.diags.add(d.part(probe.StatusRange, i), "Bad status", fmt.Sprintf("%d is no status of HTTP, such as 200.", status))
			}
		}
		if !d.checkPort(probe.Port, probe.PortRange) || d.incomplete[s.Name] {
			continue
		}
		// A bind with a fault, which is reported, may be the one that is meant.
		meant := func(b *Bind) bool {
			return b.Protocol != "udp" && (b.Port == probe.Port || b.Port < 1 || b.Port > lastPort)
		}
		if !slices.ContainsFunc(s.Binds, meant) {
			d.diags.add(probe.PortRange, "Port without a bind", fmt.Sprintf("The probe is made from the host, and nothing publishes port %d by tcp. Write bind { port = %d }.", probe.Port, probe.Port))
		}
	}
}
