package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"minibot/internal/bridge"
	"minibot/internal/engine"
	"minibot/internal/plan"
	"minibot/internal/probe"
)

// insideWait bounds the search for a program in a container; each try is a program that starts.
const insideWait = 15 * time.Second

// inside looks from inside containers for one report. What runs in them for it ends with it.
type inside struct {
	engine *engine.Engine

	mu      sync.Mutex
	bridges map[string]func() (*bridge.Bridge, error) // by container
}

func newInside(e *engine.Engine) *inside {
	return &inside{engine: e, bridges: map[string]func() (*bridge.Bridge, error){}}
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
	ctx, cancel := context.WithTimeoutCause(ctx, insideWait, fmt.Errorf("no program was ready in it within %s", insideWait))
	defer cancel()
	return bridge.Open(ctx, func(ctx context.Context, argv []string) (bridge.Process, error) {
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
