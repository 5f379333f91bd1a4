package engine

import (
	"context"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"minibot/internal/plan"
)

// Undo takes back one action that was done, or may have been: it does nothing where all is
// as before. What cannot be undone is left as it is: networks and volumes that were made do
// no harm.
func (s *Stack) Undo(ctx context.Context, a plan.Action) error {
	err := s.undo(ctx, a)
	if errdefs.IsNotFound(err) {
		return nil // what is not there need not be taken back
	}
	return err
}

func (s *Stack) undo(ctx context.Context, a plan.Action) error {
	api := s.engine.api
	switch a.Verb {
	case plan.CreateContainer:
		if err := s.giveBack(ctx, a.Target); err != nil {
			return err
		}
		return wrap("remove container", api.ContainerRemove(ctx, a.Target, container.RemoveOptions{Force: true}))
	case plan.RenameContainer:
		renamed, err := api.ContainerInspect(ctx, a.Target)
		if err != nil || renamed.Name == "/"+a.Was {
			return wrap("inspect container", err)
		}
		return s.rename(ctx, a.Target, a.Was)
	case plan.StopContainer:
		// If the engine's answer was lost it may be at it still, and would take a container that
		// still runs for one that was started.
		if err := api.ContainerStop(ctx, a.Target, container.StopOptions{}); err != nil {
			return wrap("stop container", err)
		}
		return s.revive(ctx, a.Target)
	case plan.ForbidRestart:
		return s.permitRestart(ctx, a.Target)
	case plan.StartContainer:
		if err := api.ContainerStop(ctx, a.Target, container.StopOptions{}); err != nil || a.Was == "" {
			return wrap("stop container", err)
		}
		// The engine may have yet to begin what it was asked for. A successor that started beside
		// its predecessor would hold its ports, and run with its files: one that is gone cannot.
		return s.undo(ctx, plan.Action{Verb: plan.CreateContainer, Target: a.Target})
	case plan.Wait:
		if a.Was == "" {
			return nil
		}
		if err := s.undo(ctx, plan.Action{Verb: plan.StartContainer, Target: a.Target}); err != nil {
			return err
		}
		if err := s.forbidRestart(ctx, a.Target); err != nil {
			return err
		}
		if err := s.permitRestart(ctx, a.Was); err != nil {
			return err
		}
		return s.revive(ctx, a.Was)
	case plan.Connect, plan.Disconnect:
		attached, err := api.ContainerInspect(ctx, a.Target)
		if err != nil {
			return wrap("inspect container", err)
		}
		switch _, on := attached.NetworkSettings.Networks[a.Name]; {
		case on && a.Verb == plan.Connect:
			return wrap("detach from network", api.NetworkDisconnect(ctx, a.Name, a.Target, false))
		case !on && a.Verb == plan.Disconnect:
			return wrap("attach to network", api.NetworkConnect(ctx, a.Name, a.Target, endpoint(s.project.Services[a.Service])))
		}
	}
	return nil
}

// revive starts an old container again, with its own files.
func (s *Stack) revive(ctx context.Context, old string) error {
	if err := s.giveBack(ctx, old); err != nil {
		return err
	}
	return wrap("start container", s.engine.api.ContainerStart(ctx, old, container.StartOptions{}))
}

// forbidRestart keeps an engine that restarts from starting a container by itself.
func (s *Stack) forbidRestart(ctx context.Context, target string) error {
	return s.setRestart(ctx, target, "no")
}

// permitRestart gives a container the restart policy back that it was made with.
func (s *Stack) permitRestart(ctx context.Context, target string) error {
	inspected, err := s.engine.api.ContainerInspect(ctx, target)
	if err != nil {
		return wrap("inspect container", err)
	}
	policy := s.project.Services[inspected.Config.Labels[plan.LabelService]].Restart // if another tool made it
	if applied, err := plan.ParseLabel(inspected.Config.Labels[plan.LabelApplied]); err == nil && len(applied["restart"]) == 1 {
		policy = applied["restart"][0]
	}
	return s.setRestart(ctx, inspected.ID, policy)
}

func (s *Stack) setRestart(ctx context.Context, target, policy string) error {
	_, err := s.engine.api.ContainerUpdate(ctx, target, container.UpdateConfig{RestartPolicy: restart(policy)})
	return wrap("set the restart policy", err)
}

// giveBack puts the files that a new container overwrote back into the volume that it shares
// with the old one, through either of them.
func (s *Stack) giveBack(ctx context.Context, through string) error {
	inspected, err := s.engine.api.ContainerInspect(ctx, through)
	if err != nil {
		return wrap("inspect container", err)
	}
	if !sharesFiles(inspected) {
		return nil
	}
	return s.engine.giveBack(ctx, inspected.ID)
}
