package main

import (
	"bufio"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
)

// imageRemove takes a tag away, and the image with its last.
var imageRemove = image.RemoveOptions{Force: true}

// made is what a container is made from.
type made struct {
	*container.Config
	Host     *container.HostConfig
	Networks map[string]*network.EndpointSettings
}

// twin puts in the place of a service's container one that is made a little differently, under the same name
// and on the same data.
func twin(service string, change func(*made)) func(*target) func() {
	return func(x *target) func() {
		x.Helper()
		was := x.made(service)
		is := x.made(service)
		change(&is)
		x.remake(service, is)
		return func() { x.remake(service, was) }
	}
}

// name is that of a service's container.
func (x *target) name(service string) string { return x.stack + "-" + service }

func (x *target) inspect(service string) container.InspectResponse {
	x.Helper()
	c, err := x.api.ContainerInspect(x.ctx, x.name(service))
	x.must(err)
	return c
}

// made is what the container of a service is made from.
func (x *target) made(service string) made {
	x.Helper()
	c := x.inspect(service)
	m := made{Config: c.Config, Host: c.HostConfig, Networks: map[string]*network.EndpointSettings{}}
	if strings.HasPrefix(c.ID, m.Hostname) {
		m.Hostname = "" // the engine's own choice
	}
	for name, endpoint := range c.NetworkSettings.Networks {
		aliases := slices.DeleteFunc(endpoint.Aliases, func(alias string) bool { return strings.HasPrefix(c.ID, alias) })
		m.Networks[name] = &network.EndpointSettings{Aliases: aliases}
	}
	return m
}

// remake removes the container of a service, if there is one, and makes it anew. Its volumes stay.
func (x *target) remake(service string, m made) {
	x.Helper()
	x.remove(x.name(service))
	x.create(x.name(service), m)
	x.run(x.name(service))
}

func (x *target) remove(name string) {
	x.Helper()
	list, err := x.api.ContainerList(x.ctx, container.ListOptions{All: true})
	x.must(err)
	for _, c := range list {
		if slices.Contains(c.Names, "/"+name) {
			x.must(x.api.ContainerRemove(x.ctx, c.ID, container.RemoveOptions{Force: true}))
		}
	}
}

func (x *target) create(name string, m made) (id string) {
	x.Helper()
	created, err := x.api.ContainerCreate(x.ctx, m.Config, m.Host, &network.NetworkingConfig{EndpointsConfig: m.Networks}, nil, name)
	x.must(err)
	return created.ID
}

// run starts a container and waits until it does what it is there for, as far as it can be told: it is healthy or not,
// or it is a Redis and says that it is ready.
func (x *target) run(name string) {
	x.Helper()
	begun := time.Now()
	x.must(x.api.ContainerStart(x.ctx, name, container.StartOptions{}))
	c, err := x.api.ContainerInspect(x.ctx, name)
	x.must(err)
	switch {
	case c.State.Health != nil:
		x.until(name+" has another health than starting", func() bool {
			c, err := x.api.ContainerInspect(x.ctx, name)
			x.must(err)
			return !c.State.Running || c.State.Health.Status != container.Starting
		})
	case slices.Contains(c.Config.Cmd, "redis-server"):
		x.says(name, "Ready to accept connections", begun)
	}
}

// says waits until a container prints that, or ends.
func (x *target) says(name, text string, since time.Time) {
	x.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, 30*time.Second)
	defer cancel()
	said, err := x.api.ContainerLogs(ctx, name, container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Follow: true, Since: since.Format(time.RFC3339Nano),
	})
	x.must(err)
	defer said.Close()
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	if ctx.Err() != nil {
		x.Fatalf("%s never says %q", name, text)
	}
}

// until waits for half a minute at most.
func (x *target) until(what string, ok func() bool) {
	x.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); !ok(); {
		select {
		case <-ctx.Done():
			x.Fatalf("it never happens that %s", what)
		case <-tick.C:
		}
	}
}
