package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"minibot/internal/plan"
	"minibot/internal/probe"
	"minibot/spec"
)

// usualPorts are where each kind of server listens in its container.
var usualPorts = map[string]int{"postgres": 5432, "redis": 6379, "mongo": 27017, "openclaw": 18789}

// DoorOf is the door of a service with an auth block: of several ports, the usual one.
// False if it publishes none.
func DoorOf(service *spec.Service) (Door, bool) {
	var bind *spec.Bind
	for _, b := range service.Binds {
		if b.Protocol == "tcp" && (bind == nil || b.Port == usualPorts[service.Auth.Kind]) {
			bind = b
		}
	}
	if bind == nil {
		return Door{}, false
	}
	door := Door{Kind: service.Auth.Kind, Addr: address(bind), User: service.Auth.User}
	if door.Kind == "postgres" {
		door.User = cmp.Or(door.User, "postgres")
		door.Database = cmp.Or(service.Auth.Database, door.User)
	}
	return door, true
}

// elsewhere says why the service is not what answers at its door; "" if it is, or if the
// engine was not observed. The check that looks at that fails then.
func (s Subject) elsewhere(p pair, door Door) string {
	publishes := func(port plan.Port) bool { return addressOf(port) == door.Addr }
	switch {
	case s.Unseen != nil:
		return ""
	case p.have == nil:
		return absent.Evidence
	case !p.running():
		return "the container does not run"
	case !slices.ContainsFunc(p.have.Published, publishes):
		return "the container does not publish " + door.Addr
	}
	return ""
}

// ask tries a door without credentials. The rules of PostgreSQL differ by user and
// database, so there it tries the spec's, the superuser's, and replication
// (facts/network-security.md §3.1). The worst answer counts.
func ask(ctx context.Context, prober Prober, door Door) (probe.Answer, error) {
	if door.Kind != "postgres" {
		return prober.Ask(ctx, door)
	}
	var doors []Door
	for _, user := range []string{door.User, "postgres"} {
		for _, database := range []string{door.Database, "postgres"} {
			doors = append(doors, Door{Kind: door.Kind, Addr: door.Addr, User: user, Database: database})
		}
		doors = append(doors, Door{Kind: door.Kind, Addr: door.Addr, User: user, Replication: true})
	}
	var seen []Door
	var worst probe.Answer
	for _, d := range doors {
		if slices.Contains(seen, d) {
			continue
		}
		seen = append(seen, d)
		answer, err := prober.Ask(ctx, d)
		if err != nil {
			return probe.Answer{}, err
		}
		if len(seen) == 1 || badness(answer.State) > badness(worst.State) {
			worst = answer
			worst.Detail = fmt.Sprintf("user %s, %s: %s", d.User, cmp.Or(prefixed("database ", d.Database), "replication"), answer.Detail)
		}
	}
	if worst.State == probe.Refuses {
		worst.Detail = fmt.Sprintf("%s; the same in %d other ways", worst.Detail, len(seen)-1)
	}
	return worst, nil
}

// badness orders what strangers are told; what is none of that is the worst.
func badness(state probe.State) int {
	known := []probe.State{probe.Refuses, probe.Weak, probe.Open}
	if i := slices.Index(known, state); i >= 0 {
		return i
	}
	return len(known)
}
