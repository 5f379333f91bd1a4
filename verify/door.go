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
	bind := doorBind(service)
	if bind == nil {
		return Door{}, false
	}
	return doorAt(service, address(bind)), true
}

// doorBind is the bind of a guarded service's door; nil if it has none.
func doorBind(service *spec.Service) (bind *spec.Bind) {
	for _, b := range service.Binds {
		if b.Protocol == "tcp" && (bind == nil || b.Port == usualPorts[service.Auth.Kind]) {
			bind = b
		}
	}
	return bind
}

// doorAt is the door of a guarded service at an address.
func doorAt(service *spec.Service, addr string) Door {
	door := Door{Kind: service.Auth.Kind, Addr: addr, User: service.Auth.User}
	if door.Kind == "postgres" {
		door.User = cmp.Or(door.User, "postgres")
		door.Database = cmp.Or(service.Auth.Database, door.User)
	}
	return door
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

// asked is what a stranger was told at a door, in as many ways as there are to ask.
type asked struct {
	answers []probe.Answer
	err     error
}

// ask tries a door without credentials, once in each report. The rules of PostgreSQL differ by
// user and database, so there it tries the spec's, the superuser's, and replication
// (facts/network-security.md §3.1).
func (s Subject) ask(ctx context.Context, door Door) asked {
	return s.asks.get(door, func() asked {
		all := sideBySide(waysTo(door), func(d Door) asked {
			answer, err := s.Prober.Ask(ctx, d)
			if d.Kind == "postgres" {
				answer.Detail = fmt.Sprintf("user %s, %s: %s", d.User, cmp.Or(prefixed("database ", d.Database), "replication"), answer.Detail)
			}
			return asked{[]probe.Answer{answer}, err}
		})
		var together asked
		for _, one := range all {
			together.answers = append(together.answers, one.answers...)
			together.err = cmp.Or(together.err, one.err)
		}
		return together
	})
}

// waysTo lists the ways to knock at a door.
func waysTo(door Door) []Door {
	if door.Kind != "postgres" {
		return []Door{door}
	}
	var doors []Door
	add := func(user, database string, replication bool) {
		d := door
		d.User, d.Database, d.Replication = user, database, replication
		if !slices.Contains(doors, d) {
			doors = append(doors, d)
		}
	}
	for _, user := range []string{door.User, "postgres"} {
		for _, database := range []string{door.Database, "postgres"} {
			add(user, database, false)
		}
		add(user, "", true)
	}
	return doors
}

// worst is the answer that counts.
func (a asked) worst() probe.Answer {
	worst := slices.MaxFunc(a.answers, func(x, y probe.Answer) int { return cmp.Compare(badness(x.State), badness(y.State)) })
	if n := len(a.answers) - 1; worst.State == probe.Refuses && n > 0 {
		worst.Detail += fmt.Sprintf("; the same in %d other ways", n)
	}
	return worst
}

// badness orders what strangers are told; what is none of that is the worst.
func badness(state probe.State) int {
	known := []probe.State{probe.Refuses, probe.Weak, probe.Open}
	if i := slices.Index(known, state); i >= 0 {
		return i
	}
	return len(known)
}
