package main

import (
	"context"
	"net"

	"minibot/internal/engine"
	"minibot/internal/remote"
)

// endpoint finds out where the engine is. One behind ssh is spoken to by way of its machine.
func (a *app) endpoint() (engine.Endpoint, error) {
	endpoint, err := engine.Find(a.Host, a.Context)
	if err != nil {
		return endpoint, err
	}
	if a.Debug {
		a.debug("the engine is at %s (%s)", endpoint.Host, endpoint.Source)
		endpoint.Trace = a.debug
	}
	if endpoint.SSH() {
		if err := a.reach(endpoint.Host); err != nil {
			return endpoint, err
		}
		endpoint.Start = func(ctx context.Context, argv []string) (net.Conn, error) { return a.far.Start(ctx, argv) }
	}
	return endpoint, nil
}

// reach makes far the machine of a URL. Nothing is connected before something is asked of it.
func (a *app) reach(url string) (err error) {
	if a.far == nil {
		a.far, err = remote.New(url)
	}
	return err
}

// leave ends the connection to another machine, if there is one.
func (a *app) leave() {
	if a.far != nil {
		_ = a.far.Close() // minibot is done, and so is ssh
	}
}
