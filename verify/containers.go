package verify

import (
	"context"
	"fmt"
	"time"

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

// containerWait bounds each answer about a container. One that has no program to read a file takes a second or two.
const containerWait = 15 * time.Second

// patient are Containers whose engine may hang: what it has not said in time is an error.
type patient struct{ Containers }

func (p patient) Processes(ctx context.Context, container string) ([]plan.Process, error) {
	return inTime(ctx, container, p.Containers.Processes)
}

func (p patient) Limits(ctx context.Context, container string) (plan.Limits, error) {
	return inTime(ctx, container, p.Containers.Limits)
}

func (p patient) Inspection(ctx context.Context, container string) ([]byte, error) {
	return inTime(ctx, container, p.Containers.Inspection)
}

func inTime[T any](ctx context.Context, container string, ask func(context.Context, string) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, containerWait, fmt.Errorf("the engine did not answer within %s", containerWait))
	defer cancel()
	answer, err := ask(ctx, container)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return answer, err
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
