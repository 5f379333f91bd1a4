package verify

import (
	"context"
	"net"
	"strconv"
)

// fromBeside begins the explanation of checks that look from a neighbour's place.
const fromBeside = "From inside a container of this stack on the same network, by its name, through a program that its image has: no image is pulled and no container made."

// requiredBeside makes a check that a neighbour without the password is turned away.
func requiredBeside(kind string) func(context.Context, Subject) []Result {
	return func(ctx context.Context, s Subject) []Result {
		return sideBySide(s.guarded(kind), func(p pair) Result {
			return s.askBeside(ctx, p).of(p.spec.Name, "")
		})
	}
}

func (s Subject) askBeside(ctx context.Context, p pair) Result {
	bind := doorBind(p.spec)
	switch {
	case bind == nil:
		return skip("it binds no TCP port to knock at")
	case p.have == nil:
		return absent
	case !p.running():
		return skip("the container does not run")
	}
	from, why := s.beside(ctx, p)
	if from.have == nil {
		return why
	}
	door := doorAt(p.spec, net.JoinHostPort(p.spec.Name, strconv.Itoa(bind.Port)))
	door.From = from.have.ID
	heard := s.ask(ctx, door)
	result := verdict(door, heard)
	if heard.err != nil {
		result = unlearned("", door, heard.err)
	}
	result.Evidence = "from " + from.have.Name + ": " + result.Evidence
	return result
}
