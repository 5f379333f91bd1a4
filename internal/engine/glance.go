package engine

import (
	"context"
	"sync"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"golang.org/x/sync/errgroup"

	"minibot/internal/plan"
)

// Glance is what an engine holds, as it is being read while nobody knows yet for which stack:
// the lists, and an inspection of each container that minibot made. On most machines that is
// all that a plan needs, and reading the spec takes as long.
type Glance struct {
	engine *Engine
	ended  chan struct{}
	lists  lists
	err    error
	early  map[string]container.InspectResponse // by ID
}

// Glance begins to read. The end of ctx ends it.
func (e *Engine) Glance(ctx context.Context) *Glance {
	g := &Glance{engine: e, ended: make(chan struct{}), early: map[string]container.InspectResponse{}}
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
	var filling sync.Mutex
	var group errgroup.Group
	group.SetLimit(width)
	for _, summary := range g.lists.containers {
		if _, ours := summary.Labels[plan.LabelApplied]; !ours {
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

// Observe is Engine.Observe with what has been read. The machine may have changed since the
// Glance began; it is for those who change nothing. To be called once.
func (g *Glance) Observe(ctx context.Context, project *types.Project) (plan.Live, error) {
	<-g.ended
	if g.err != nil {
		return plan.Live{}, g.err
	}
	return g.engine.live(ctx, project, g.lists, g.early)
}
