package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/docker/docker/client"
)

// Private is an engine of one test's own, which may be restarted and killed: a dockerd with its own data, containerd,
// cgroups, processes, mounts and network, as if on another machine, that no other engine notices. It reaches no
// registry; Load gives it images. Its machine may have a Neighbour, to whom it is closed until Raze. A port that it publishes on 127.0.0.1 is reached through Dial or Inside alone.
//
// It does not outlive the process that started it. Its methods may be called by any goroutine, such as a Proxy's hook.
type Private struct {
	*Engine

	quick  bool
	dir    string // data, log and socket
	unlock func() // until then nobody takes dir for a leftover

	mu      sync.Mutex
	net     *netns
	dockerd *exec.Cmd      // the first of its processes; nil if it does not run
	control io.WriteCloser // a line ends dockerd orderly; the end of it, as when we die, cuts the power
	ended   chan struct{}  // closed once no process of it is left
}

// boot makes the file systems fit the namespaces and runs dockerd in them. The mounts of other engines' containers
// have come along; they are let go, so that those engines may unmount and remove them. /run is what a reboot empties.
const boot = `
while read -r _ point type _; do
	case $type:$point in overlay:*/merged | nsfs:*) echo "$point" ;; esac
done </proc/self/mounts | while read -r point; do umount -l "$point"; done
mount -t proc proc /proc && mount -t tmpfs -o mode=755 tmpfs /run || exit
exec 3<&0
"$@" </dev/null 3<&- &
pid=$!
{ if read -r _ <&3; then kill -TERM $pid; else kill -KILL $pid; fi; } &
wait $pid`

// StartPrivate starts an empty private engine. The caller is to Stop it. It needs Linux, root, and dockerd.
func StartPrivate(ctx context.Context) (*Private, error) { return startPrivate(ctx, false) }

// StartQuick starts a private engine that takes less of the machine: it keeps its data in memory, so that Kill and
// Restart lose it, and sets no packet filter rules. A published port is there all the same, by a program of the engine's.
// A download that fails it does not try again.
func StartQuick(ctx context.Context) (*Private, error) { return startPrivate(ctx, true) }

func startPrivate(ctx context.Context, quick bool) (*Private, error) {
	dir, unlock, err := privateDir(ctx)
	if err != nil {
		return nil, err
	}
	p := &Private{quick: quick, dir: dir, unlock: unlock}
	cli, err := client.NewClientWithOpts(client.WithHost("unix://"+p.socket()), client.WithAPIVersionNegotiation())
	if err == nil {
		p.Engine = &Engine{Host: cli.DaemonHost(), Owned: true, Client: cli, log: io.Discard}
		err = p.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

func (p *Private) socket() string { return filepath.Join(p.dir, "docker.sock") }
func (p *Private) log() string    { return filepath.Join(p.dir, "dockerd.log") }

// Start starts the engine again, with the data it has, after Kill; containers with a restart policy come back. It
// waits up to 60 s until it answers.
func (p *Private) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.start(ctx)
}

func (p *Private) start(ctx context.Context) (err error) {
	if p.dockerd != nil {
		return errors.New("private engine: it runs")
	}
	if p.net == nil {
		if p.net, err = newNetns(); err != nil {
			return err
		}
	}
	config, settings, data := filepath.Join(p.dir, "daemon.json"), "{}\n", filepath.Join(p.dir, "data")
	if p.quick {
		settings, data = `{"iptables": false, "ip6tables": false, "max-download-attempts": 1}`+"\n", "/run/data" // which boot makes
	}
	if err := os.WriteFile(config, []byte(settings), 0o644); err != nil {
		return fmt.Errorf("private engine: %w", err)
	}
	logFile, err := os.OpenFile(p.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("private engine: %w", err)
	}
	defer logFile.Close()
	cmd := exec.Command("/bin/sh", "-c", boot, "boot", "dockerd",
		"--config-file="+config, "--host="+p.Host, "--data-root="+data,
		"--exec-root=/run/docker", "--pidfile=/run/docker.pid",
		"--exec-opt=native.cgroupdriver=cgroupfs", "--cgroup-parent=/"+filepath.Base(p.dir))
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = logFile, logFile, apart()
	control, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("private engine: %w", err)
	}
	if err := p.net.do(cmd.Start); err != nil {
		return fmt.Errorf("private engine: %w", err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	p.dockerd, p.control, p.ended = cmd, control, ended
	if err := answers(ctx, ended, p.log(), func(ctx context.Context) error {
		_, err := p.Client.Ping(ctx)
		return err
	}); err != nil {
		return errors.Join(fmt.Errorf("private engine: %w", err), p.kill())
	}
	if p.quick {
		return nil // it has no rules, and no neighbours either
	}
	if err := raise(ctx, within(p.net)); err != nil {
		return errors.Join(fmt.Errorf("private engine: %w", err), p.kill())
	}
	return nil
}

// Restart ends the engine as a machine's administrator would, and starts it again. Its containers end with it, and
// come back if their restart policy says so.
func (p *Private) Restart(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dockerd == nil {
		return errors.New("private engine: it does not run")
	}
	if _, err := io.WriteString(p.control, "stop\n"); err != nil {
		return fmt.Errorf("private engine: %w", err)
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		return fmt.Errorf("private engine: it does not end: %w", context.Cause(ctx))
	}
	p.dockerd = nil
	return p.start(ctx)
}

// Kill cuts the power: the engine and every container are killed at once, and all that a reboot would take is gone
// with them: mounts, networks, packet filter rules and /run. What was written to disk stays, even what no program
// has synced. A call under way gets the end of its connection.
func (p *Private) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kill()
}

func (p *Private) kill() error {
	if p.dockerd != nil {
		if err := p.dockerd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("private engine: %w", err)
		}
		<-p.ended // the kernel ends the first process only after all others
		p.dockerd = nil
	}
	if p.net != nil {
		p.net.close()
		p.net = nil
	}
	if err := os.Remove(p.socket()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("private engine: %w", err)
	}
	return removeCgroups(filepath.Base(p.dir))
}

// Stop ends the engine for good, whatever state it is in. Nothing of it remains: no process, mount, network, cgroup
// or file.
func (p *Private) Stop() error {
	err := p.Kill()
	if p.Engine != nil {
		p.Close()
	}
	defer p.unlock()
	if removeErr := os.RemoveAll(p.dir); removeErr != nil {
		err = errors.Join(err, fmt.Errorf("private engine: %w", removeErr))
	}
	return err
}
