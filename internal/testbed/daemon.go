package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/docker/docker/client"
)

// startDaemon starts dockerd on the default socket, if still no engine answers once the lock is held.
func startDaemon(ctx context.Context, log io.Writer) (*Engine, error) {
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return nil, fmt.Errorf("%w at DOCKER_HOST=%s: start it, or unset DOCKER_HOST", ErrNoEngine, host)
	}
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: start Docker Desktop, OrbStack, Colima or your system's docker service "+
			"and set DOCKER_HOST if its socket is not /var/run/docker.sock; only on Linux as root can the testbed "+
			"start an engine itself", ErrNoEngine)
	}
	state, unlock, err := lockState(ctx, "engine")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if engine, err := running(ctx); engine != nil || err != nil {
		return engine, err
	}
	if _, err := exec.LookPath("dockerd"); err != nil {
		if err := timed(log, "install docker.io", func() error {
			return aptInstall(ctx, func() error { return aptUpdate(ctx) }, "docker.io", "iptables", "iproute2")
		}); err != nil {
			return nil, err
		}
		// The package may have started its own service.
		if engine, err := running(ctx); engine != nil || err != nil {
			return engine, err
		}
	}
	var engine *Engine
	err = timed(log, "start dockerd", func() error {
		engine, err = launch(ctx, state)
		return err
	})
	return engine, err
}

// wallOurs closes the engine to neighbours if it is the one that Start started, by this process or an earlier one.
func wallOurs(ctx context.Context, engine *Engine) error {
	if engine.Host != client.DefaultDockerHost {
		return nil
	}
	state, unlock, err := lockState(ctx, "engine")
	if err != nil {
		return err
	}
	defer unlock()
	if daemonPID(state) == 0 {
		return nil
	}
	return raise(ctx, here)
}

// running returns the engine that answers, or nil. If a dockerd runs in our network namespace it gets 30 s
// to answer, and if it does not, that is an error: a second one beside it would break its networks.
func running(ctx context.Context) (*Engine, error) {
	var engine *Engine
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := poll(ctx, func() (bool, error) {
		var err error
		if engine, err = Find(ctx); err == nil {
			return true, nil
		}
		return dockerdHere() == 0, nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w, but dockerd runs already (pid %d); not starting a second one: %w", ErrNoEngine, dockerdHere(), err)
	}
	return engine, nil
}

// launch starts dockerd in a session of its own and waits up to 60 s until it answers.
func launch(ctx context.Context, state string) (*Engine, error) {
	config, logPath := filepath.Join(state, "daemon.json"), filepath.Join(state, "dockerd.log")
	if err := os.WriteFile(config, []byte("{}\n"), 0o644); err != nil {
		return nil, fmt.Errorf("daemon config: %w", err)
	}
	if err := removeStale(state); err != nil {
		return nil, err
	}
	logFile, err := os.Create(logPath)
	if err != nil {
		return nil, fmt.Errorf("daemon log: %w", err)
	}
	defer logFile.Close()
	cmd := exec.Command("dockerd",
		"--config-file="+config, // not the machine's own
		"--host=unix:///var/run/docker.sock",
		"--data-root="+filepath.Join(state, "data"),
		"--exec-root="+execRoot(state),
		"--pidfile="+pidPath(state))
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }() // also keeps it from becoming a zombie of ours

	var engine *Engine
	if err := answers(ctx, ended, logPath, func(ctx context.Context) (err error) {
		engine, err = Find(ctx)
		return err
	}); err != nil {
		cmd.Process.Signal(syscall.SIGTERM)
		return nil, err
	}
	engine.Owned = true
	return engine, nil
}

// answers waits until ask gets an answer from a dockerd, at most 60 s. The error carries the end of its log.
func answers(ctx context.Context, ended <-chan struct{}, logPath string, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	err := poll(ctx, func() (bool, error) {
		select {
		case <-ended:
			return false, errors.New("dockerd ended")
		default:
			return ask(ctx) == nil, nil
		}
	})
	if err != nil {
		said, _ := os.ReadFile(logPath)
		return fmt.Errorf("%w; the end of %s:\n%s", err, logPath, tail(string(said), 20))
	}
	return nil
}

// Stop ends the daemon that Start started, by this process or an earlier one, waits until it is gone, and takes down its
// wall. It touches no other daemon; with nothing to stop it returns nil.
func Stop(ctx context.Context) error {
	state, unlock, err := lockState(ctx, "engine")
	if err != nil {
		return err
	}
	defer unlock()
	pid := daemonPID(state)
	if pid == 0 {
		return raze(ctx, here) // it may have been killed
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop dockerd, pid %d: %w", pid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	if err := poll(ctx, func() (bool, error) { return daemonPID(state) == 0, nil }); err != nil {
		return fmt.Errorf("dockerd, pid %d, did not end: %w", pid, err)
	}
	return raze(ctx, here)
}
