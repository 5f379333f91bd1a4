package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"
)

// width is how many calls the bare client has in flight: on 2 CPUs an engine is fastest with 4 to 8.
const width = 8

const labelProject = "com.docker.compose.project"

var ours = filters.NewArgs(filters.Arg("label", labelProject+"="+stackName))

// definition is what the engine was asked for: all that a bare client needs to make the stack anew.
type definition struct {
	network    network.Inspect
	volumes    map[string]map[string]string // name → labels
	containers []container.InspectResponse  // in the order of the spec
}

// define reads the stack.
func (b *bench) define(ctx context.Context) (definition, error) {
	cli := b.engine.Client
	var d definition
	volumes, err := cli.VolumeList(ctx, volume.ListOptions{Filters: ours})
	if err != nil {
		return d, err
	}
	d.volumes = map[string]map[string]string{}
	for _, v := range volumes.Volumes {
		d.volumes[v.Name] = v.Labels
	}
	if d.network, err = cli.NetworkInspect(ctx, stackName, network.InspectOptions{}); err != nil {
		return d, err
	}
	list, err := cli.ContainerList(ctx, container.ListOptions{All: true, Filters: ours})
	if err != nil {
		return d, err
	}
	for _, one := range list {
		inspected, err := cli.ContainerInspect(ctx, one.ID)
		if err != nil {
			return d, err
		}
		d.containers = append(d.containers, inspected)
	}
	slices.SortFunc(d.containers, func(a, b container.InspectResponse) int { return number(a.Name) - number(b.Name) })
	return d, nil
}

// number is the one that a container's name ends in.
func number(name string) (n int) {
	fmt.Sscan(name[strings.LastIndex(name, "s")+1:], &n)
	return n
}

// make makes and starts the stack with the fewest calls that do it, in the order that the spec asks for.
func (d definition) make(ctx context.Context, cli *client.Client) error {
	_, err := cli.NetworkCreate(ctx, stackName, network.CreateOptions{Driver: d.network.Driver, Options: d.network.Options, Labels: d.network.Labels})
	if err != nil {
		return err
	}
	started := make([]chan struct{}, len(d.containers))
	for i := range started {
		started[i] = make(chan struct{})
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(width)
	for i, c := range d.containers {
		group.Go(func() error {
			for _, m := range c.HostConfig.Mounts {
				if _, err := cli.VolumeCreate(ctx, volume.CreateOptions{Name: m.Source, Labels: d.volumes[m.Source]}); err != nil {
					return err
				}
			}
			networks := &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{stackName: {}}}
			created, err := cli.ContainerCreate(ctx, c.Config, c.HostConfig, networks, nil, strings.TrimPrefix(c.Name, "/"))
			if err != nil {
				return err
			}
			if i > 0 && i < chain {
				select {
				case <-started[i-1]:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if err := cli.ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
				return err
			}
			close(started[i])
			return nil
		})
	}
	return group.Wait()
}

// look reads all that a complete comparison needs: three lists, each container and the image.
func (b *bench) look(ctx context.Context) error {
	cli, err := client.NewClientWithOpts(client.WithHost(b.engine.Host), client.WithAPIVersionNegotiation())
	if err != nil {
		return err
	}
	defer cli.Close()
	list, err := cli.ContainerList(ctx, container.ListOptions{All: true, Filters: ours})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(width)
	group.Go(func() error { _, err := cli.NetworkList(ctx, network.ListOptions{}); return err })
	group.Go(func() error { _, err := cli.VolumeList(ctx, volume.ListOptions{Filters: ours}); return err })
	group.Go(func() error { _, err := cli.ImageInspect(ctx, imageRef); return err })
	for _, c := range list {
		group.Go(func() error { _, err := cli.ContainerInspect(ctx, c.ID); return err })
	}
	return group.Wait()
}

// lives tells the life of each container by its name: its ID and the time of its start.
func (b *bench) lives(ctx context.Context) (map[string]string, error) {
	d, err := b.define(ctx)
	lives := map[string]string{}
	for _, c := range d.containers {
		lives[c.Name] = c.ID + " " + c.State.StartedAt
	}
	return lives, err
}

// removeService removes the container of one service.
func (b *bench) removeService(ctx context.Context, i int) error {
	name := fmt.Sprintf("%s-s%d", stackName, i)
	return gone(b.engine.Client.ContainerRemove(ctx, name, container.RemoveOptions{Force: true}))
}

// remove removes the stack, whoever made it, and its volumes. What a program that was stopped has asked for may
// still come, or be on its way out: remove looks until nothing is left.
func (b *bench) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for {
		left, err := b.removeOnce(ctx)
		if left == 0 && err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// removeOnce tells how much was there.
func (b *bench) removeOnce(ctx context.Context) (left int, err error) {
	cli := b.engine.Client
	containers, err := cli.ContainerList(ctx, container.ListOptions{All: true, Filters: ours})
	if err != nil {
		return 0, err
	}
	var group errgroup.Group
	group.SetLimit(width)
	for _, c := range containers {
		group.Go(func() error {
			return gone(cli.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true}))
		})
	}
	err = group.Wait()
	volumes, e := cli.VolumeList(ctx, volume.ListOptions{Filters: ours})
	for _, v := range volumes.Volumes {
		err = errors.Join(err, gone(cli.VolumeRemove(ctx, v.Name, true)))
	}
	return len(containers) + len(volumes.Volumes), errors.Join(err, e, gone(cli.NetworkRemove(ctx, stackName)))
}

func gone(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
