package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"minibot/internal/plan"
)

// deaths hears of the stack's containers that end, in one call for a whole run: to ask after each of
// them would take as many.
type deaths struct {
	begin sync.Once
	end   context.CancelFunc

	mu   sync.Mutex
	died map[string]bool // by ID
	lost error           // why nothing more is heard
}

// listen begins to hear, once, before the first container starts that this run made.
func (s *Stack) listen(ctx context.Context) {
	s.deaths.begin.Do(func() {
		ctx, s.deaths.end = context.WithCancel(context.WithoutCancel(ctx))
		messages, failed := s.engine.api.Events(ctx, events.ListOptions{Filters: filters.NewArgs(
			filters.Arg("type", "container"), filters.Arg("event", "die"), filters.Arg("label", plan.LabelProject+"="+s.project.Name),
		)})
		go func() {
			for {
				select {
				case message := <-messages:
					s.deaths.note(message.Actor.ID, nil)
				case err := <-failed:
					s.deaths.note("", errors.Join(err, errors.New("the engine's events ended")))
					return
				}
			}
		}()
	})
}

func (d *deaths) note(id string, lost error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.died == nil {
		d.died = map[string]bool{}
	}
	d.died[id] = true
	d.lost = lost
}

// lives reports whether a container is known not to have ended since it was made in this run.
func (s *Stack) lives(name string) bool {
	s.mu.Lock()
	id, made := s.made[name]
	s.mu.Unlock()
	s.deaths.mu.Lock()
	defer s.deaths.mu.Unlock()
	return made && s.deaths.lost == nil && !s.deaths.died[id]
}

// Fallen tells of the containers that this run made, found to work, and has heard of since that they ended. A job
// that ended well is none.
func (s *Stack) Fallen(ctx context.Context) error {
	s.mu.Lock()
	made := maps.Clone(s.made)
	s.mu.Unlock()
	var all []error
	for _, name := range slices.Sorted(maps.Keys(s.project.Services)) {
		service := s.project.Services[name]
		if id := made[service.ContainerName]; id != "" && !s.lives(service.ContainerName) {
			a := plan.Action{Verb: plan.Wait, Target: id, Service: name}
			all = append(all, s.stayed(ctx, a, plan.Job(s.project, name)))
		}
	}
	return errors.Join(all...)
}

// Close ends what the run has begun to hear.
func (s *Stack) Close() {
	s.deaths.begin.Do(func() {}) // no more begins
	if s.deaths.end != nil {
		s.deaths.end()
	}
}
