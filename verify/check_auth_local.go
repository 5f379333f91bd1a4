package verify

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"minibot/internal/probe"
)

// localTrust reads the rules by which PostgreSQL lets people in. A probe from elsewhere does not see those for the
// container itself.
func localTrust(ctx context.Context, s Subject, p pair, door Door) Result {
	if entered, why := s.entered(ctx, p, door); !entered {
		return why
	}
	password, why := s.password(ctx, p)
	if why.Status != "" {
		return why
	}
	rules, err := s.Prober.Rules(ctx, door, password)
	if err != nil {
		return unlearned("", door, err).remedy("Look at pg_hba.conf in the data volume.")
	}
	var trusted []string
	severity := Low
	for _, rule := range rules {
		if rule.Method != "trust" {
			continue
		}
		if !loopbackRule(rule) {
			severity = Medium
		}
		if text := strings.TrimSpace(rule.Type + " " + rule.Address); !slices.Contains(trusted, text) {
			trusted = append(trusted, text)
		}
	}
	if len(trusted) > 0 {
		return fail("no password is asked for: %s", strings.Join(trusted, ", ")).as(severity)
	}
	return pass("none of %s trusts", count(len(rules), "rule"))
}

// loopbackRule tells whether a rule is for the server's own machine alone, which is its container.
func loopbackRule(rule probe.Rule) bool {
	address, err := netip.ParseAddr(rule.Address)
	return rule.Type == "local" || rule.Address == "samehost" || rule.Address == "localhost" || err == nil && address.IsLoopback()
}
