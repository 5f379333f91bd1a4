package engine

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"minibot/internal/plan"
)

// An engine carries out what it was asked for even if the client is gone: a minibot that was
// killed, or one whose connection broke. What then stands in the way, though the engine did not
// hold it when the plan was made, is dealt with here.

// makePatience is how long a container may be in the making that is in the way. Where a volume
// begins as a copy of a folder of the image, that takes as long as the copy.
const makePatience = time.Minute

// claiming calls f, which wants the name of a service's container. If it is taken by one that
// was only made, for a client that is gone, that one goes; while it is being made it can be
// neither seen nor removed, and is waited for.
func (s *Stack) claiming(ctx context.Context, name, service string, f func() error) error {
	for deadline := time.Now().Add(makePatience); ; {
		err := f()
		if !errdefs.IsConflict(err) {
			return err
		}
		there, removed, failed := s.unmake(ctx, name, service)
		switch {
		case failed != nil:
			return errors.Join(err, failed)
		case removed:
			continue
		case there, time.Now().After(deadline):
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// unmake removes a container that the engine made for minibot although nobody heard of it. It
// was never started.
func (s *Stack) unmake(ctx context.Context, name, service string) (there, removed bool, err error) {
	made, err := s.engine.api.ContainerInspect(ctx, name)
	if errdefs.IsNotFound(err) {
		return false, false, nil
	}
	if err != nil {
		return false, false, wrap("look for it", err)
	}
	labels := made.Config.Labels
	ours := labels[plan.LabelProject] == s.project.Name && labels[plan.LabelService] == service && labels[plan.LabelApplied] != ""
	if made.State.Status != container.StateCreated || !ours {
		return true, false, nil
	}
	err = s.engine.api.ContainerRemove(ctx, made.ID, container.RemoveOptions{Force: true})
	return true, err == nil, wrap("remove container", err)
}

// rename gives a container another name.
func (s *Stack) rename(ctx context.Context, target, name string) error {
	rename := func() error { return s.engine.api.ContainerRename(ctx, target, name) }
	err := rename()
	if errdefs.IsConflict(err) {
		renamed, failed := s.engine.api.ContainerInspect(ctx, target)
		if failed != nil {
			return wrap("inspect container", failed)
		}
		err = s.claiming(ctx, name, renamed.Config.Labels[plan.LabelService], rename)
	}
	return wrap("rename container", err)
}

// start starts a container. A network of its that went meanwhile is made anew.
func (s *Stack) start(ctx context.Context, target string) error {
	s.mu.Lock()
	_, made := s.made[target]
	s.mu.Unlock()
	if made {
		s.listen(ctx)
	}
	err := s.engine.api.ContainerStart(ctx, target, container.StartOptions{})
	if !errdefs.IsNotFound(err) {
		return wrap("start container", err)
	}
	started, failed := s.engine.api.ContainerInspect(ctx, target)
	if failed != nil {
		return wrap("start container", err) // it is the container that is gone
	}
	for _, config := range s.project.Networks {
		if _, on := started.NetworkSettings.Networks[config.Name]; !on {
			continue
		}
		if _, failed := s.engine.api.NetworkInspect(ctx, config.Name, network.InspectOptions{}); !errdefs.IsNotFound(failed) {
			continue
		}
		if failed := s.createNetwork(ctx, config.Name); failed != nil {
			return errors.Join(wrap("start container", err), failed)
		}
	}
	return wrap("start container", s.engine.api.ContainerStart(ctx, target, container.StartOptions{}))
}

// claimNetwork makes a network, or takes the one that is being made for a client that is gone.
// While it is being made it cannot be seen, but its subnet is taken already; where the engine
// chose the subnet it makes a second network of that name, and then the first one goes again.
func (s *Stack) claimNetwork(ctx context.Context, name string, options network.CreateOptions) error {
	for deadline := time.Now().Add(lookPatience); ; {
		made, err := s.engine.api.NetworkCreate(ctx, name, options)
		if err == nil && s.Clean {
			return nil
		}
		late, failed := s.lateNetworks(ctx, name, made.ID, options.Labels)
		switch {
		case failed != nil:
			return errors.Join(err, failed)
		case err == nil:
			for _, id := range late {
				if err := s.removeNetwork(ctx, id); err != nil {
					return err
				}
			}
			return nil
		case len(late) > 0:
			return nil
		case !errdefs.IsConflict(err) && !errdefs.IsPermissionDenied(err), time.Now().After(deadline):
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// lateNetworks are the IDs of networks just like the one that is to be made, but for itself.
func (s *Stack) lateNetworks(ctx context.Context, name, own string, labels map[string]string) (ids []string, err error) {
	have, err := s.engine.api.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("name", name))})
	for _, n := range have {
		if n.Name == name && n.ID != own && maps.Equal(n.Labels, labels) {
			ids = append(ids, n.ID)
		}
	}
	return ids, wrap("list networks", err)
}
