package engine

import (
	"context"
	"sync"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"golang.org/x/sync/errgroup"

	"minibot/internal/plan"
)

// Glance is what an engine holds, as it is being read while the spec still is: the lists, and
// once the name of the stack is known an inspection of each of its containers.
type Glance struct {
	// Begun is when it began: it shows nothing that is older.
	Begun time.Time

	engine *Engine
	stack  <-chan string
	ended  chan struct{}
	lists  lists
	err    error
	early  map[string]container.InspectResponse // by ID
}

// Glance begins to read. Stack is sent the name once it is known; nobody may call Observe
// before that. The end of ctx ends it.
func (e *Engine) Glance(ctx context.Context, stack <-chan string) *Glance {
	g := &Glance{Begun: e.since, engine: e, stack: stack, ended: make(chan struct{}), early: map[string]container.InspectResponse{}}
	go func() {
		defer close(g.ended)
		g.read(ctx)
	}()
	return g
}

func (g *Glance) read(ctx context.Context) {
	if g.lists, g.err = g.engine.lists(ctx, filters.NewArgs()); g.err != nil {
		return
	}
	var stack string
	select {
	case stack = <-g.stack:
	case <-ctx.Done():
		return
	}
	var filling sync.Mutex
	var group errgroup.Group
	group.SetLimit(width)
	for _, summary := range g.lists.containers {
		if summary.Labels[plan.LabelProject] != stack {
			continue
		}
		group.Go(func() error {
			// What fails here is done again, and reported, once it is known that it matters.
			if inspected, err := g.engine.api.ContainerInspect(ctx, summary.ID); err == nil {
				filling.Lock()
				defer filling.Unlock()
				g.early[summary.ID] = inspected
			}
			return nil
		})
	}
	_ = group.Wait()
}

// Discard waits until nothing more is read, for who wants to know how things are now.
func (g *Glance) Discard() { <-g.ended }

// Observe is Engine.Observe with what has been read. The machine may have changed since the
// Glance began. To be called once.
func (g *Glance) Observe(ctx context.Context, project *types.Project) (plan.Live, error) {
	<-g.ended
	if g.err != nil {
		return plan.Live{}, g.err
	}
	return g.engine.live(ctx, project, g.lists, g.early)
}
