package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// serve runs a server on the engine's machine: among its processes and mounts, and in its network, with which it ends.
// It waits up to 30 s until the address answers. Enter are nsenter's arguments for the machine.
func (p *Private) serve(ctx context.Context, logPath, address string, argv ...string) (enter []string, err error) {
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.mu.Lock()
	running := p.dockerd
	p.mu.Unlock()
	if running == nil {
		return nil, errors.New("the private engine does not run")
	}
	enter = []string{"--target=" + strconv.Itoa(running.Process.Pid), "--mount", "--pid", "--net"}
	cmd := exec.Command("nsenter", slices.Concat(enter, argv)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err = poll(ctx, func() (bool, error) {
		select {
		case <-ended:
			return false, errors.New("it ended")
		default:
		}
		conn, err := p.Dial(ctx, "tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil, nil
	})
	if err != nil {
		said, _ := os.ReadFile(logPath)
		return nil, fmt.Errorf("%w; it said:\n%s", err, tail(string(said), 20))
	}
	return enter, nil
}

// debianProgram is the path of a program: this machine's, or one unpacked from Debian's packages, the first of which
// names it. Nothing is installed, so that no server of it starts.
func debianProgram(ctx context.Context, path string, packages ...string) (string, error) {
	if _, err := os.Stat("/" + path); err == nil {
		return "/" + path, nil
	}
	state, unlock, err := lockState(ctx, "images")
	if err != nil {
		return "", err
	}
	defer unlock()
	dir, err := cached(state, packages[0], func(dir string) error {
		updateErr := aptUpdate(ctx)
		if err := aptDownload(ctx, dir, packages...); err != nil {
			return errors.Join(err, updateErr)
		}
		return unpack(ctx, dir)
	})
	return filepath.Join(dir, path), err
}
