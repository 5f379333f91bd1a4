package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/internal/adopt"
	"minibot/internal/engine"
)

// fromLive adopts a compose project: it writes the spec that fits what is there, and shows what apply would still do.
func (c *initCmd) fromLive(ctx context.Context, a *app) error {
	endpoint, err := a.endpoint()
	if err != nil {
		return err
	}
	e, err := engine.Connect(ctx, endpoint)
	if err != nil {
		return err
	}
	defer e.Close()
	projects, err := e.Projects(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(projects, c.FromLive) {
		return noProject(c.FromLive, projects)
	}
	live, err := e.Observe(ctx, &types.Project{Name: c.FromLive})
	if err != nil {
		return err
	}
	var ids []string
	for _, container := range live.Containers {
		if container.Project == c.FromLive && container.State.Status == "running" {
			ids = append(ids, container.ID)
		}
	}
	memory, err := e.Memory(ctx, ids)
	if err != nil {
		return err
	}
	result, err := adopt.FromLive(c.FromLive, live, memory, c.options(a))
	if err != nil {
		return err
	}
	return a.translated(ctx, c.FromLive, result, true)
}

func noProject(name string, projects []string) error {
	if len(projects) == 0 {
		return fmt.Errorf("there is no compose project %q: no container of the engine belongs to any", name)
	}
	return fmt.Errorf("there is no compose project %q with containers; there are %s", name, strings.Join(projects, ", "))
}
