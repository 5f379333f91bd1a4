package verify

import (
	"context"

	"minibot/internal/plan"
)

// Containers tells more of running containers than the observation of the engine holds. They are named by their IDs.
type Containers interface {
	// Processes lists what runs in one.
	Processes(ctx context.Context, container string) ([]plan.Process, error)
	// Limits are what the kernel holds it to.
	Limits(ctx context.Context, container string) (plan.Limits, error)
	// Inspection is all that the engine says of it, as JSON. There may be secrets in it.
	Inspection(ctx context.Context, container string) ([]byte, error)
}

// perRunning makes a check out of one that looks at the running container of one service, with the time that takes.
func perRunning(look func(context.Context, Subject, pair) Result) func(context.Context, Subject) []Result {
	return func(ctx context.Context, s Subject) []Result {
		return sideBySide(s.pairs(), func(p pair) Result {
			result := absent
			switch {
			case p.have == nil:
			case !p.running():
				result = skip("the container does not run")
			default:
				result = look(ctx, s, p)
			}
			return result.of(p.spec.Name, "")
		})
	}
}
