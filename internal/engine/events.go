package engine

import (
	"context"
	"slices"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// matters lists the events after which Observe may see something else. Left out is what
// leaves no trace in the engine: the execs of healthchecks, logs, copies.
var matters = map[events.Type][]events.Action{
	events.ContainerEventType: {
		events.ActionCreate, events.ActionStart, events.ActionRestart, events.ActionDie, events.ActionOOM, events.ActionDestroy,
		events.ActionPause, events.ActionUnPause, events.ActionRename, events.ActionUpdate,
		events.ActionHealthStatusHealthy, events.ActionHealthStatusUnhealthy,
	},
	events.NetworkEventType: {events.ActionCreate, events.ActionConnect, events.ActionDisconnect, events.ActionDestroy, events.ActionRemove},
	events.VolumeEventType:  {events.ActionCreate, events.ActionDestroy},
	events.ImageEventType:   {events.ActionTag, events.ActionUnTag, events.ActionDelete, events.ActionPull, events.ActionLoad, events.ActionImport},
	events.DaemonEventType:  {events.ActionReload},
}

// Follow calls changed after each event that may change what Observe sees, and up before,
// when it hears the engine. It returns when the connection ends, as with the engine, or the
// context does: never without an error.
func (e *Engine) Follow(ctx context.Context, up, changed func()) error {
	wanted := filters.NewArgs()
	for kind := range matters {
		wanted.Add("type", string(kind))
	}
	messages, failed := e.api.Events(ctx, events.ListOptions{Filters: wanted}) // returns when the engine has answered
	select {
	case err := <-failed:
		return plainly(err)
	default:
		up()
	}
	for {
		select {
		case err := <-failed:
			return plainly(err)
		case message := <-messages:
			if slices.Contains(matters[message.Type], message.Action) {
				changed()
			}
		}
	}
}
