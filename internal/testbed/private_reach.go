package testbed

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Load copies images from another engine.
func (p *Private) Load(ctx context.Context, from *Engine, refs ...string) error {
	archive, err := from.Client.ImageSave(ctx, refs)
	if err != nil {
		return fmt.Errorf("private engine: %w", err)
	}
	defer archive.Close()
	response, err := p.Client.ImageLoad(ctx, archive)
	if err != nil {
		return fmt.Errorf("private engine: %w", err)
	}
	return drain(response.Body)
}

// Inside calls f where the engine's published ports are. A program that f starts, and a connection that it opens to
// an IP address, belong there; other goroutines do not.
func (p *Private) Inside(f func() error) error {
	machine, err := p.machine()
	if err != nil {
		return err
	}
	return machine.do(f)
}

func (p *Private) machine() (*netns, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.net == nil {
		return nil, errors.New("private engine: it does not run")
	}
	return p.net, nil
}

// Run runs a program on the engine's machine, with the files of this one, and returns its standard output.
func (p *Private) Run(ctx context.Context, name string, args ...string) (out string, err error) {
	err = p.Inside(func() error {
		out, err = run(ctx, "", nil, name, args...)
		return err
	})
	return out, err
}

// Dial connects to an IP address and port as seen from the engine's machine. It is what an http.Transport takes.
func (p *Private) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = p.Inside(func() error {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}
