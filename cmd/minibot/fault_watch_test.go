package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"minibot/internal/plan"
	"minibot/internal/testbed"
)

// watch sees what happens to a stack, from the engine's own events, and knows what must not:
// while minibot is at work no volume goes, no two containers of a service run at once, no
// service that has a container is left without, and no container gets an anonymous volume.
type watch struct {
	engine *testbed.Engine
	stack  string
	test   *testing.T
	ends   bool            // the engine, now and then
	ctx    context.Context // ends with the watch
	ears   sync.WaitGroup

	mu      sync.Mutex
	now     string                     // what goes on; "" if the test itself is at work
	keep    bool                       // services keep their containers
	there   map[string]map[string]bool // service → its containers
	runs    map[string]map[string]bool // service → those that run
	broken  []string
	marker  string        // a container that is renamed to mark a moment among the events
	moment  string        // the name that it gets
	come    chan struct{} // closed when that is seen
	moments int
}

func newWatch(t *testing.T, engine *testbed.Engine, image, stack string) *watch {
	t.Helper()
	w := &watch{engine: engine, stack: stack, test: t, there: map[string]map[string]bool{}, runs: map[string]map[string]bool{}}
	marker, err := engine.Client.ContainerCreate(t.Context(), &container.Config{Image: image}, &container.HostConfig{NetworkMode: "none"}, nil, nil, "moment-0-of-"+stack)
	if err != nil {
		t.Fatal(err)
	}
	w.marker = marker.ID
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	w.ctx = ctx
	w.listen("")
	t.Cleanup(func() {
		stop()
		w.ears.Wait()
		if err := engine.Client.ContainerRemove(context.WithoutCancel(t.Context()), marker.ID, container.RemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			t.Error(err)
		}
	})
	return w
}

// listen hears of what happens from now on, and of what the engine remembers if since says so.
func (w *watch) listen(since string) {
	happened, failed := w.engine.Client.Events(w.ctx, events.ListOptions{Since: since, Filters: filters.NewArgs(filters.Arg("type", "container"), filters.Arg("type", "volume"))})
	w.ears.Go(func() {
		for {
			select {
			case event := <-happened:
				w.see(event)
			case err := <-failed:
				if w.ctx.Err() == nil && !w.ends {
					w.test.Errorf("the engine's events: %v", err)
				}
				return
			}
		}
	})
}

// restarted goes on after the engine was restarted: nothing ran then, and it remembers all that
// it has started since.
func (w *watch) restarted() {
	w.ears.Wait()
	clear(w.runs)
	w.listen("1")
}

var anonymous = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (w *watch) see(event events.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, about := event.Actor.ID, event.Actor.Attributes
	switch {
	case event.Type == events.VolumeEventType:
		w.seeVolume(event)
		return
	case id == w.marker && w.come != nil && about["name"] == w.moment:
		close(w.come)
		w.come = nil
		return
	case about[plan.LabelProject] != w.stack:
		return
	}
	service := about[plan.LabelService]
	there, runs := set(w.there, service), set(w.runs, service)
	switch event.Action {
	case events.ActionCreate:
		there[id] = true
	case events.ActionDestroy:
		delete(there, id)
		if len(there) == 0 && w.keep {
			w.complain("%s has no container", service)
		}
	case events.ActionStart:
		if runs[id] = true; len(runs) > 1 {
			w.complain("%d containers of %s run", len(runs), service)
		}
	case events.ActionDie:
		delete(runs, id)
	}
}

func (w *watch) seeVolume(event events.Message) {
	name, by := event.Actor.ID, event.Actor.Attributes["container"]
	switch {
	case event.Action == events.ActionDestroy && strings.HasPrefix(name, w.stack):
		w.complain("the volume %s is gone", name)
	case event.Action == events.ActionMount && anonymous.MatchString(name):
		for service, there := range w.there {
			if there[by] {
				w.complain("%s has the anonymous volume %s", service, name)
			}
		}
	}
}

func set(sets map[string]map[string]bool, key string) map[string]bool {
	if sets[key] == nil {
		sets[key] = map[string]bool{}
	}
	return sets[key]
}

func (w *watch) complain(format string, args ...any) {
	if w.now != "" {
		w.broken = append(w.broken, w.now+": "+fmt.Sprintf(format, args...))
	}
}

// phase notes what goes on while f runs. A nil watch sees nothing.
func (w *watch) phase(t *testing.T, name string, keep bool, f func()) {
	t.Helper()
	if w == nil {
		f()
		return
	}
	w.enter(name, keep)
	f()
	w.caughtUp(t)
	w.enter("", false)
}

func (w *watch) enter(name string, keep bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now, w.keep = name, keep
}

// caughtUp returns when all that has happened was seen.
func (w *watch) caughtUp(t *testing.T) {
	t.Helper()
	w.moments++
	moment, come := fmt.Sprintf("moment-%d-of-%s", w.moments, w.stack), make(chan struct{})
	w.mu.Lock()
	w.moment, w.come = moment, come
	w.mu.Unlock()
	if err := w.engine.Client.ContainerRename(context.WithoutCancel(t.Context()), w.marker, moment); err != nil {
		t.Fatal(err)
	}
	select {
	case <-come:
	case <-time.After(30 * time.Second):
		t.Fatal("the engine's events do not come")
	}
}

// check reports what must not have happened.
func (w *watch) check(t *testing.T) {
	t.Helper()
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, what := range w.broken {
		t.Error(what)
	}
}
