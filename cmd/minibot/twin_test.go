package main

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
)

// A twin that bears all labels of the container that it took the place of, and is open to the
// network without limits, is seen for what it is, and so is a guest on the stack's network. One
// apply puts the first right and leaves the second alone until it is told.
func TestOpenTwin(t *testing.T) {
	t.Parallel()
	engine := quiet(t)
	d := newDisturbed(t, engine, scenario{}, fault{})
	ctx, client := t.Context(), engine.Client
	run := func(name string, labels map[string]string) {
		t.Helper()
		made, err := client.ContainerCreate(ctx, &container.Config{
			Image: d.redis, Labels: labels, Entrypoint: []string{"redis-server", "--save", ""}, ExposedPorts: nat.PortSet{"6379/tcp": {}},
		}, &container.HostConfig{
			NetworkMode: container.NetworkMode(d.stack + "-net"), Tmpfs: map[string]string{"/data": ""},
			PortBindings: nat.PortMap{"6379/tcp": {{HostIP: "0.0.0.0"}}},
		}, nil, nil, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := client.ContainerStart(ctx, made.ID, container.StartOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	says := func(said string, all ...string) {
		t.Helper()
		for _, words := range all {
			if !strings.Contains(said, words) {
				t.Errorf("it does not say %q:\n%s", words, said)
			}
		}
	}
	twin := d.inspect("store")
	if err := client.ContainerRemove(ctx, twin.ID, container.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	run(d.stack+"-store", twin.Config.Labels)
	says(d.ends(exitDiffers, "plan", "--detailed-exitcode"), "± service store  replace", "mem_limit", "ports", "changed behind minibot's back")
	d.must("apply", "-y")
	d.must("plan", "--detailed-exitcode")
	d.holds() // its data was in the volume
	now := d.inspect("store")
	if bound := now.HostConfig.PortBindings["6379/tcp"]; len(bound) != 1 || bound[0].HostIP != "127.0.0.1" || now.HostConfig.Memory == 0 {
		t.Errorf("it is bound at %v, with %d bytes", bound, now.HostConfig.Memory)
	}

	run(d.stack+"-guest", nil)
	says(d.ends(exitDiffers, "plan", "--detailed-exitcode"), "Stray: container "+d.stack+"-guest", "where it reaches every service", "open to the network", "No changes.")
	d.must("apply", "-y")
	if guest := d.inspect("guest"); !guest.State.Running {
		t.Error("the guest was stopped")
	}
	d.must("apply", "-y", "--remove-strays")
	d.must("plan", "--detailed-exitcode")
}
