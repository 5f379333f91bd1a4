package main

import (
	"context"
	"fmt"

	"minibot/internal/engine"
	"minibot/internal/plan"
	"minibot/render"
)

type destroyCmd struct {
	lockFlags
	Yes bool `short:"y" help:"Do not ask."`
}

// Run removes containers and networks. It has no way to remove a volume.
func (c *destroyCmd) Run(ctx context.Context, a *app) (err error) {
	loaded, err := a.load()
	if err != nil {
		return err
	}
	e, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	held, err := a.lock(ctx, e, loaded.stack.Name, c.lockFlags)
	if err != nil {
		return err
	}
	defer unlock(held, &err)
	live, err := e.Observe(ctx, loaded.project)
	if err != nil {
		return err
	}
	p := plan.Destroy(loaded.stack.Name, live)
	if len(p.Steps) == 0 {
		a.say("There is nothing to remove: no container and no network of the stack %q.", loaded.stack.Name)
		return a.volumesLeft(live)
	}
	if done, err := a.showFirst(ctx, p, loaded.project, c.Yes, "Remove these? Volumes stay."); done || err != nil {
		return err
	}
	if err := a.carryOut(ctx, p, e.Stack(loaded.project, engine.Secrets{Mask: loaded.masker})); err != nil {
		return err
	}
	return a.volumesLeft(live)
}

// volumesLeft names the volumes that stay, and how a person removes one.
func (a *app) volumesLeft(live plan.Live) error {
	names := sortedKeys(live.Volumes)
	if len(names) == 0 {
		return nil
	}
	a.say("Kept %s. To delete one for good, with all that is in it:", count(len(names), "volume"))
	for _, name := range names {
		note := ""
		if service := live.Volumes[name].Labels[render.FilesLabel]; service != "" {
			note = fmt.Sprintf("  # the files of %s, with its secrets; apply writes them anew", service)
		}
		a.say("  docker volume rm %s%s", name, note)
	}
	return nil
}
