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

func (*destroyCmd) Examples() []example {
	return []example{
		{"minibot destroy", "show what would go, ask, remove it; every volume stays"},
		{"minibot destroy -y", "for scripts: no question"},
	}
}

// Run removes containers and networks. It has no way to remove a volume.
func (c *destroyCmd) Run(ctx context.Context, a *app) (err error) {
	s, err := a.glance(ctx)
	if err != nil {
		return err
	}
	defer s.engine.Close()
	if err := s.lock(ctx, c.lockFlags); err != nil {
		return err
	}
	defer s.unlock(&err)
	live, err := s.observe(ctx)
	if err != nil {
		return err
	}
	p := plan.Destroy(s.loaded.stack.Name, live)
	if len(p.Steps) == 0 {
		a.say("There is nothing to remove: no container and no network of the stack %q.", s.loaded.stack.Name)
		return a.volumesLeft(live)
	}
	if done, err := s.showFirst(ctx, p, !c.Yes, "Remove these? Volumes stay."); done || err != nil {
		return err
	}
	defer s.record(ctx, planSummary(p))(&err)
	if err := a.carryOut(ctx, p, s.engine.Stack(s.loaded.project, engine.Secrets{Mask: s.loaded.masker})); err != nil {
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
			note = fmt.Sprintf("  # files of %s, with secrets; apply writes them anew", service)
		}
		a.say("  docker volume rm %s%s", name, note)
	}
	return nil
}
