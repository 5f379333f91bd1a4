package main

import (
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
)

// stackSabotages stop, move, swap and double what should stand there.
var stackSabotages = []sabotage{
	{
		name: "stopped", check: "stack.service.running", culprit: "STACK-redis is exited",
		does: func(x *target) func() {
			x.must(x.api.ContainerStop(x.ctx, x.name("redis"), container.StopOptions{}))
			return x.restart
		},
	},
	{
		name: "killed", check: "stack.service.running", culprit: "STACK-redis is exited, exit code 137",
		does: func(x *target) func() {
			x.must(x.api.ContainerKill(x.ctx, x.name("redis"), "KILL"))
			x.until("it has ended", func() bool { return !x.inspect("redis").State.Running })
			return x.restart
		},
	},
	{
		name: "paused", check: "stack.service.running", culprit: "STACK-redis is paused",
		does: func(x *target) func() {
			x.must(x.api.ContainerPause(x.ctx, x.name("redis")))
			return func() { x.must(x.api.ContainerUnpause(x.ctx, x.name("redis"))) }
		},
	},
	{
		name: "made and never started", check: "stack.service.running", culprit: "STACK-redis was made and never started",
		does: func(x *target) func() {
			was := x.made("redis")
			x.remove(x.name("redis"))
			x.create(x.name("redis"), was)
			return x.restart
		},
	},
	{
		name: "crashing again and again", check: "stack.service.running", culprit: "STACK-redis is restarting, exit code 3",
		does: func(x *target) func() {
			undo := twin("redis", func(m *made) { m.Cmd = []string{"sh", "-c", "exit 3"} })(x)
			// The engine waits twice as long each time, and says so meanwhile.
			x.until("it waits for a while", func() bool { c := x.inspect("redis"); return c.RestartCount >= 5 && c.State.Restarting })
			return undo
		},
	},
	{
		name: "killed for want of memory", check: "stack.service.running", culprit: "killed for want of memory",
		does: func(x *target) func() {
			undo := twin("redis", func(m *made) {
				m.Cmd = []string{"sh", "-c", "a=aaaaaaaa; while :; do a=$a$a; done"}
				m.Host.RestartPolicy = container.RestartPolicy{Name: "no"}
			})(x)
			x.until("it has ended", func() bool { return !x.inspect("redis").State.Running })
			return undo
		},
	},
	{
		name: "renamed", check: "stack.service.present", culprit: "there is no container STACK-redis",
		does: func(x *target) func() {
			x.must(x.api.ContainerRename(x.ctx, x.name("redis"), "hidden-"+x.stack))
			return func() { x.must(x.api.ContainerRename(x.ctx, "hidden-"+x.stack, x.name("redis"))) }
		},
	},
	{
		name: "removed", check: "stack.service.present", culprit: "there is no container STACK-redis",
		does: func(x *target) func() {
			was := x.made("redis")
			x.remove(x.name("redis"))
			return func() { x.remake("redis", was) }
		},
	},
	{
		name: "doubled", check: "stack.service.present", culprit: "it has a second container: STACK-double",
		does: func(x *target) func() {
			double := x.made("redis")
			double.Host.PortBindings = nil
			x.create(x.name("double"), double)
			x.run(x.name("double"))
			return func() { x.remove(x.name("double")) }
		},
	},
	{
		name: "somebody else's under its name", check: "stack.service.present", culprit: "STACK-redis is there and is not this stack's",
		does: twin("redis", func(m *made) { m.Labels = nil }),
	},
	{
		name: "image swapped under its tag", check: "stack.image.match", culprit: "the tag STACK.test/redis:7 has moved",
		does: func(x *target) func() {
			was := x.inspect("redis").Image
			committed, err := x.api.ContainerCommit(x.ctx, x.name("redis"), container.CommitOptions{Reference: x.image})
			x.must(err)
			return func() {
				x.must(x.api.ImageTag(x.ctx, was, x.image))
				_, err := x.api.ImageRemove(x.ctx, committed.ID, imageRemove)
				x.must(err)
			}
		},
	},
	{
		name: "another image", check: "stack.image.match", culprit: "STACK-redis is made from STACK.test/other:7",
		does: func(x *target) func() {
			other := x.stack + ".test/other:7"
			x.must(x.api.ImageTag(x.ctx, x.image, other))
			undo := twin("redis", func(m *made) { m.Image = other })(x)
			return func() {
				undo()
				_, err := x.api.ImageRemove(x.ctx, other, imageRemove)
				x.must(err)
			}
		},
	},
	{
		name: "volume replaced", check: "stack.drift", culprit: "STACK-other",
		does: func(x *target) func() {
			undo := twin("redis", func(m *made) { x.mounts(m, "/data").Source = x.name("other") })(x)
			return func() { undo(); x.must(x.api.VolumeRemove(x.ctx, x.name("other"), true)) }
		},
	},
	{
		name: "anonymous volume", check: "stack.drift", culprit: "volumes",
		does: func(x *target) func() {
			undo := twin("redis", func(m *made) { x.mounts(m, "/data").Source = "" })(x)
			var anonymous string
			for _, point := range x.inspect("redis").Mounts {
				if point.Destination == "/data" {
					anonymous = point.Name
				}
			}
			return func() { undo(); x.must(x.api.VolumeRemove(x.ctx, anonymous, true)) }
		},
	},
	{
		name: "folder in the place of the volume", check: "stack.drift", culprit: "/srv",
		does: twin("redis", func(m *made) {
			for i := range m.Host.Mounts {
				if m.Host.Mounts[i].Target == "/data" {
					m.Host.Mounts[i] = mount.Mount{Type: mount.TypeBind, Source: "/srv", Target: "/data"}
				}
			}
		}),
	},
	{
		name: "no scratch space", check: "stack.drift", culprit: "tmpfs",
		does: twin("redis", func(m *made) { m.Host.Tmpfs = nil }),
	},
	{
		name: "another command", check: "stack.drift", culprit: "command",
		does: twin("redis", func(m *made) { m.Cmd = append(m.Cmd, "--loglevel", "notice") }),
	},
	{
		name: "another environment", check: "stack.drift", culprit: "environment",
		does: twin("redis", func(m *made) { m.Env = append(m.Env, "GREETING=hello") }),
	},
	{
		name: "another log", check: "stack.drift", culprit: "logging",
		does: twin("redis", func(m *made) { m.Host.LogConfig.Config["max-size"] = "1g" }),
	},
}

// restart starts the container of redis again.
func (x *target) restart() { x.Helper(); x.run(x.name("redis")) }

// mounts is where a container mounts something.
func (x *target) mounts(m *made, at string) *mount.Mount {
	x.Helper()
	for i := range m.Host.Mounts {
		if m.Host.Mounts[i].Target == at {
			return &m.Host.Mounts[i]
		}
	}
	x.Fatalf("it mounts nothing at %s", at)
	return nil
}
