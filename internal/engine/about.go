package engine

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/system"
	"golang.org/x/sync/errgroup"

	"minibot/internal/plan"
)

// About tells what the engine says of itself. It costs two calls of a few milliseconds each, so only verify asks.
func (e *Engine) About(ctx context.Context) (plan.Engine, error) {
	var info system.Info
	var version types.Version
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { info, err = e.api.Info(ctx); return err })
	group.Go(func() (err error) { version, err = e.api.ServerVersion(ctx); return err })
	if err := group.Wait(); err != nil {
		return e.about, fmt.Errorf("engine information: %w", plainly(err))
	}
	return observeEngine(e.about, info, version), nil
}

// observeEngine adds to what is known what the engine's own answers say.
func observeEngine(about plan.Engine, info system.Info, version types.Version) plan.Engine {
	about.Version, about.OperatingSystem, about.Name = info.ServerVersion, info.OperatingSystem, info.Name
	about.Platform, about.Data, about.Memory = version.Platform.Name, info.DockerRootDir, info.MemTotal
	about.Warnings, about.Security = info.Warnings, info.SecurityOptions
	about.Swarm = info.Swarm.LocalNodeState != "" && info.Swarm.LocalNodeState != swarm.LocalNodeStateInactive
	for _, part := range version.Components {
		if part.Name == "runc" {
			about.Runc = part.Version
		}
	}
	if info.FirewallBackend != nil {
		about.Firewall = info.FirewallBackend.Driver
	}
	if registries := info.RegistryConfig; registries != nil {
		for _, network := range registries.InsecureRegistryCIDRs {
			addr, _ := netip.AddrFromSlice(network.IP)
			bits, _ := network.Mask.Size()
			about.InsecureRegistries = append(about.InsecureRegistries, netip.PrefixFrom(addr.Unmap(), bits))
		}
		for _, name := range slices.Sorted(maps.Keys(registries.IndexConfigs)) {
			if !registries.IndexConfigs[name].Secure {
				about.InsecureHosts = append(about.InsecureHosts, name)
			}
		}
	}
	return about
}
