package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"golang.org/x/sync/errgroup"

	"minibot/internal/plan"
)

// width bounds calls in flight: more gains nothing on small machines (measured: 8 on 2 CPUs).
const width = 8

// Observe reads what the engine holds that has to do with the stack: three lists, then
// one inspection a container and a distinct image. It changes nothing.
func (e *Engine) Observe(ctx context.Context, project *types.Project) (plan.Live, error) {
	l, err := e.lists(ctx, volumeNames(project))
	if err != nil {
		return plan.Live{}, err
	}
	return e.live(ctx, project, l, nil)
}

// Projects names the compose projects that have containers, sorted.
func (e *Engine) Projects(ctx context.Context) ([]string, error) {
	containers, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", plan.LabelProject))})
	if err != nil {
		return nil, wrap("list containers", err)
	}
	names := map[string]bool{}
	for _, c := range containers {
		names[c.Labels[plan.LabelProject]] = true
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// lists are what the engine tells of all that it holds.
type lists struct {
	containers []container.Summary
	networks   []network.Summary
	volumes    []*volume.Volume
}

func (e *Engine) lists(ctx context.Context, volumes filters.Args) (l lists, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		l.containers, err = e.api.ContainerList(ctx, container.ListOptions{All: true})
		return wrap("list containers", err)
	})
	group.Go(func() (err error) {
		l.networks, err = e.api.NetworkList(ctx, network.ListOptions{})
		return wrap("list networks", err)
	})
	group.Go(func() error {
		answer, err := e.api.VolumeList(ctx, volume.ListOptions{Filters: volumes})
		l.volumes = answer.Volumes
		return wrap("list volumes", err)
	})
	return l, group.Wait()
}

// live picks from the lists what has to do with the stack, and inspects it. Early holds
// inspections that have been made already, by ID.
func (e *Engine) live(ctx context.Context, project *types.Project, l lists, early map[string]container.InspectResponse) (plan.Live, error) {
	live := plan.Live{Engine: e.about, Networks: map[string]plan.Network{}, Volumes: map[string]plan.Volume{}, Images: map[string]plan.Image{}}
	there := map[string]bool{} // IDs of networks
	for _, n := range l.networks {
		there[n.ID] = true
		if n.Driver == "bridge" {
			live.Bridges = append(live.Bridges, subnets(n)...)
		}
		if n.Labels[plan.LabelProject] == project.Name || wantsNetwork(project, n.Name) {
			live.Networks[n.Name] = observeNetwork(n)
		}
	}
	for _, v := range l.volumes {
		if wantsVolume(project, v.Name) {
			live.Volumes[v.Name] = plan.Volume{Name: v.Name, Driver: v.Driver, Labels: v.Labels}
		}
	}
	relevant := relevance(project, l.containers)
	containers := slices.DeleteFunc(slices.Clone(l.containers), func(c container.Summary) bool { return !relevant(c) })
	if err := e.inspectAll(ctx, project, containers, early, there, &live); err != nil {
		return plan.Live{}, err
	}
	return live, nil
}

// inspectAll fills in containers and images, a few calls at a time.
func (e *Engine) inspectAll(ctx context.Context, project *types.Project, summaries []container.Summary, early map[string]container.InspectResponse, there map[string]bool, live *plan.Live) error {
	found := make([]*plan.Container, len(summaries))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(width)
	for i, summary := range summaries {
		group.Go(func() error {
			inspected, made := early[summary.ID]
			if !made {
				var err error
				inspected, err = e.api.ContainerInspect(inner, summary.ID)
				if errdefs.IsNotFound(err) {
					return nil // gone since the list
				}
				if err != nil {
					return wrap("inspect container "+name(summary), err)
				}
			}
			// A container that is stopped still names a network that was removed since, and
			// could not start on it, even if a new one has the name.
			maps.DeleteFunc(inspected.NetworkSettings.Networks, func(_ string, n *network.EndpointSettings) bool {
				return n.NetworkID != "" && !there[n.NetworkID]
			})
			one := observeContainer(inspected, project)
			found[i] = &one
			return nil
		})
	}
	wanted := map[string]bool{}
	for _, service := range project.Services {
		wanted[service.Image] = true
	}
	e.inspectImages(inner, group, wanted, live.Images)
	if err := group.Wait(); err != nil {
		return err
	}
	if err := e.inspectOldImages(ctx, project, summaries, live); err != nil {
		return err
	}
	for _, one := range found {
		if one != nil {
			live.Containers = append(live.Containers, *one)
		}
	}
	slices.SortFunc(live.Containers, func(a, b plan.Container) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// inspectOldImages fills in the images of containers that no tag of the spec names any more.
func (e *Engine) inspectOldImages(ctx context.Context, project *types.Project, summaries []container.Summary, live *plan.Live) error {
	old := map[string]bool{}
	for _, summary := range summaries {
		if _, there := live.Images[summary.ImageID]; !there && summary.Labels[plan.LabelProject] == project.Name {
			old[summary.ImageID] = true
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(width)
	e.inspectImages(ctx, group, old, live.Images)
	return group.Wait()
}

// inspectImages has a group fill in the images that are there, each by what it is asked for and
// by its ID.
func (e *Engine) inspectImages(ctx context.Context, group *errgroup.Group, refs map[string]bool, images map[string]plan.Image) {
	var filling sync.Mutex
	for ref := range refs {
		group.Go(func() error {
			observed, there := e.images.inUse(ref)
			if !there {
				image, err := e.api.ImageInspect(ctx, ref)
				if errdefs.IsNotFound(err) {
					return nil
				}
				if err != nil {
					return wrap("inspect image "+ref, err)
				}
				observed = observeImage(image)
				e.images.see(ref, observed)
			}
			filling.Lock()
			defer filling.Unlock()
			images[ref], images[observed.ID] = observed, observed
			return nil
		})
	}
}

// relevance tells which of the containers matter to the stack: its own, those whose network
// one of its own is in, those on its networks or inside another's, those that hold its names or
// its ports, and those that are open to the network.
func relevance(project *types.Project, all []container.Summary) func(container.Summary) bool {
	hosts := map[string]bool{} // by ID
	for _, c := range all {
		if of, ok := strings.CutPrefix(c.HostConfig.NetworkMode, "container:"); ok && c.Labels[plan.LabelProject] == project.Name {
			hosts[of] = true
		}
	}
	names := map[string]bool{}
	ports := map[uint16]bool{}
	for _, service := range project.Services {
		names["/"+service.ContainerName] = true
		for _, port := range plan.Ports(service) {
			ports[port.Published] = true
		}
	}
	return func(c container.Summary) bool {
		mode := c.HostConfig.NetworkMode
		if c.Labels[plan.LabelProject] == project.Name || hosts[c.ID] || mode == "host" || strings.HasPrefix(mode, "container:") {
			return true
		}
		if slices.ContainsFunc(c.Names, func(n string) bool { return names[n] }) {
			return true
		}
		if c.NetworkSettings != nil {
			for n := range c.NetworkSettings.Networks {
				if wantsNetwork(project, n) {
					return true
				}
			}
		}
		return slices.ContainsFunc(c.Ports, func(p container.Port) bool {
			address, err := netip.ParseAddr(p.IP)
			return p.PublicPort != 0 && (ports[p.PublicPort] || err != nil || !address.IsLoopback())
		})
	}
}

func wantsNetwork(project *types.Project, name string) bool {
	for _, n := range project.Networks {
		if n.Name == name {
			return true
		}
	}
	return false
}

func wantsVolume(project *types.Project, name string) bool {
	for _, v := range project.Volumes {
		if v.Name == name {
			return true
		}
	}
	return false
}

// volumeNames narrows the list of volumes. The engine matches parts of names.
func volumeNames(project *types.Project) filters.Args {
	args := filters.NewArgs()
	for _, v := range project.Volumes {
		args.Add("name", v.Name)
	}
	return args
}

func observeNetwork(n network.Summary) plan.Network {
	return plan.Network{Name: n.Name, ID: n.ID, Driver: n.Driver, Scope: n.Scope, Internal: n.Internal, Options: n.Options, Labels: n.Labels, Subnets: subnets(n)}
}

func subnets(n network.Summary) (all []netip.Prefix) {
	for _, pool := range n.IPAM.Config {
		if prefix, err := netip.ParsePrefix(pool.Subnet); err == nil {
			all = append(all, prefix)
		}
	}
	return all
}

func name(c container.Summary) string {
	if len(c.Names) == 0 {
		return c.ID
	}
	return strings.TrimPrefix(c.Names[0], "/")
}

func wrap(what string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%s: %w", what, plainly(err))
}
