package main

import (
	"context"
	"sync"
	"time"

	"minibot/internal/bridge"
	"minibot/internal/engine"
	"minibot/internal/plan"
	"minibot/internal/probe"
)

// inside looks from inside containers for one report. What runs in them for it ends with it.
type inside struct {
	engine   *engine.Engine
	patience time.Duration // for each program that is tried to become ready

	mu      sync.Mutex
	bridges map[string]func() (*bridge.Bridge, error) // by container
}

func newInside(e *engine.Engine, patience time.Duration) *inside {
	return &inside{engine: e, patience: patience, bridges: map[string]func() (*bridge.Bridge, error){}}
}

// Dialer finds a program by which one dials in a container, once.
func (i *inside) Dialer(ctx context.Context, container string) (probe.Dialer, error) {
	i.mu.Lock()
	open, there := i.bridges[container]
	if !there {
		open = sync.OnceValues(func() (*bridge.Bridge, error) { return i.open(ctx, container) })
		i.bridges[container] = open
	}
	i.mu.Unlock()
	b, err := open()
	if err != nil {
		return nil, err
	}
	return b.DialContext, nil
}

// Run runs a program in a container.
func (i *inside) Run(ctx context.Context, container string, argv []string, limit time.Duration) (plan.Output, error) {
	return i.engine.Run(ctx, container, argv, limit)
}

func (i *inside) open(ctx context.Context, container string) (*bridge.Bridge, error) {
	return bridge.Open(ctx, i.patience, func(ctx context.Context, argv []string) (bridge.Process, error) {
		return i.engine.Start(ctx, container, argv)
	})
}

// close ends the programs and waits for them.
func (i *inside) close() {
	var all sync.WaitGroup
	for _, open := range i.bridges {
		all.Go(func() {
			if b, err := open(); err == nil {
				b.Close()
			}
		})
	}
	all.Wait()
}
