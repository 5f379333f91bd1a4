package testbed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
)

// labelProject is Docker Compose's label for what belongs to one project.
const labelProject = "com.docker.compose.project"

// Project returns a project name that no other test has, now or in another process, and removes at the end of
// the test whatever carries it (see Cleanup).
func (e *Engine) Project(t testing.TB) string {
	t.Helper()
	project := "minibot-test-" + strings.ToLower(rand.Text()[:8])
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := e.Cleanup(ctx, project); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return project
}

// Cleanup removes the containers of that compose project, running or not, with their anonymous volumes, then
// its networks and its volumes. Nothing else is touched.
func (e *Engine) Cleanup(ctx context.Context, project string) error {
	if project == "" {
		return errors.New("clean up: no project named")
	}
	own := filters.NewArgs(filters.Arg("label", labelProject+"="+project))
	var errs []error
	containers, err := e.Client.ContainerList(ctx, container.ListOptions{All: true, Filters: own})
	errs = append(errs, err)
	for _, c := range containers {
		errs = append(errs, e.Client.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true}))
	}
	networks, err := e.Client.NetworkList(ctx, network.ListOptions{Filters: own})
	errs = append(errs, err)
	for _, n := range networks {
		errs = append(errs, e.removeNetwork(ctx, n.ID))
	}
	volumes, err := e.Client.VolumeList(ctx, volume.ListOptions{Filters: own})
	errs = append(errs, err)
	for _, v := range volumes.Volumes {
		errs = append(errs, e.Client.VolumeRemove(ctx, v.Name, true))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean up project %s: %w", project, err)
	}
	return nil
}

// removeNetwork leaves a network behind whose endpoints the engine has lost count of: 20.10 does so now and then
// when a client is killed while containers start, and nothing but a restart of the engine mends it.
func (e *Engine) removeNetwork(ctx context.Context, id string) error {
	err := e.Client.NetworkRemove(ctx, id)
	if err == nil || !strings.Contains(err.Error(), "has active endpoints") {
		return err
	}
	if left, failed := e.Client.NetworkInspect(ctx, id, network.InspectOptions{}); failed == nil && len(left.Containers) == 0 {
		return nil
	}
	return err
}

// FreePort returns a TCP port that is free on 127.0.0.1 now and that no other test is given, in this process
// or another, until this one ends. It lies below the range from which the system takes ports for outgoing
// connections, so nobody but another listener can take it.
func FreePort(t testing.TB) int {
	t.Helper()
	state, err := stateDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(state, "ports")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		port := 20000 + mathrand.IntN(10000)
		release, ok := reserve(filepath.Join(dir, strconv.Itoa(port)))
		if !ok {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			release()
			continue
		}
		listener.Close()
		t.Cleanup(release)
		return port
	}
	t.Fatal("no free port on 127.0.0.1 between 20000 and 29999")
	return 0
}

// reserve takes the lock of that path if nobody holds it.
func reserve(path string) (release func(), ok bool) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, false
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, false
	}
	return func() { f.Close() }, true
}
