package testbed

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/docker/go-connections/nat"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// instance is a container of this test.
type instance struct {
	cli     *client.Client
	id      string
	address string // of its port on the host
}

// start runs an image on a network of its own, with its port on a free port of 127.0.0.1.
func start(t *testing.T, engine *Engine, ref string, h hardened) *instance {
	t.Helper()
	ctx, cli, project := t.Context(), engine.Client, engine.Project(t)
	labels := map[string]string{labelProject: project}
	if _, err := cli.NetworkCreate(ctx, project, network.CreateOptions{Labels: labels}); err != nil {
		t.Fatal(err)
	}
	var mounts []mount.Mount
	for _, target := range h.volumes {
		name := project + strings.ReplaceAll(target, "/", "-")
		if _, err := cli.VolumeCreate(ctx, volume.CreateOptions{Name: name, Labels: labels}); err != nil {
			t.Fatal(err)
		}
		mounts = append(mounts, mount.Mount{Type: mount.TypeVolume, Source: name, Target: target})
	}
	pids, hostPort := int64(256), strconv.Itoa(FreePort(t))
	address := "127.0.0.1:" + hostPort
	created, err := cli.ContainerCreate(ctx,
		&container.Config{Image: ref, User: h.user, Env: h.env, Cmd: h.cmd, Labels: labels, ExposedPorts: nat.PortSet{h.port: {}}},
		&container.HostConfig{
			NetworkMode: container.NetworkMode(project), ReadonlyRootfs: true, CapDrop: []string{"ALL"},
			SecurityOpt: []string{"no-new-privileges"}, Tmpfs: h.tmpfs, Mounts: mounts,
			Resources:    container.Resources{Memory: h.memory, MemorySwap: h.memory, PidsLimit: &pids},
			PortBindings: nat.PortMap{h.port: {{HostIP: "127.0.0.1", HostPort: hostPort}}},
		}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := cli.ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	return &instance{cli: cli, id: created.ID, address: address}
}

// says runs a command in the container and returns an error unless its output contains want.
func (c *instance) says(ctx context.Context, want string, argv ...string) error {
	exec, err := c.cli.ContainerExecCreate(ctx, c.id, container.ExecOptions{Cmd: argv, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return err
	}
	response, err := c.cli.ContainerExecAttach(ctx, exec.ID, container.ExecAttachOptions{})
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, response.Close)()
	defer response.Close()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, response.Reader); err != nil {
		return err
	}
	if !strings.Contains(out.String(), want) {
		return fmt.Errorf("%q says %q, want %q", argv, out.String(), want)
	}
	return nil
}

// listDatabases asks a MongoDB server, which a stranger may not, and returns an error unless the answer is the one
// wanted: the code name of a refusal, or none.
func (c *instance) listDatabases(ctx context.Context, login, want string) error {
	uri := "mongodb://" + login + c.address + "/?directConnection=true&retryReads=false&serverSelectionTimeoutMS=3000"
	cli, err := driver.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		return err
	}
	defer cli.Disconnect(context.WithoutCancel(ctx))
	_, err = cli.ListDatabaseNames(ctx, struct{}{})
	if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
		return fmt.Errorf("list databases as %q: %v, want %q", login, err, want)
	}
	return nil
}

// getOK returns an error unless a GET through the published port is answered with 200.
func (c *instance) getOK(ctx context.Context, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return nil
}

// ended returns an error if the container does not run any more.
func (c *instance) ended(ctx context.Context) error {
	state, err := c.cli.ContainerInspect(ctx, c.id)
	if err == nil && !state.State.Running {
		return fmt.Errorf("container ended: exit %d, out of memory: %v", state.State.ExitCode, state.State.OOMKilled)
	}
	return nil
}

func (c *instance) logs(ctx context.Context) string {
	stream, err := c.cli.ContainerLogs(context.WithoutCancel(ctx), c.id, container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: "40"})
	if err != nil {
		return err.Error()
	}
	defer stream.Close()
	var out bytes.Buffer
	stdcopy.StdCopy(&out, &out, stream)
	return out.String()
}
