package engine

import (
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"minibot/internal/plan"
)

// observeImage reads what an image itself sets.
func observeImage(i image.InspectResponse) plan.Image {
	observed := plan.Image{ID: i.ID}
	if i.Config == nil {
		return observed
	}
	observed.Defaults = imageDefaults(i.Config)
	for path := range i.Config.Volumes {
		observed.Volumes = append(observed.Volumes, path)
	}
	slices.Sort(observed.Volumes)
	return observed
}

func imageDefaults(c *dockerspec.DockerOCIImageConfig) types.ServiceConfig {
	config := &container.Config{
		User: c.User, Env: c.Env, Cmd: c.Cmd, Entrypoint: c.Entrypoint, WorkingDir: c.WorkingDir, Labels: c.Labels, StopSignal: c.StopSignal,
	}
	if h := c.Healthcheck; h != nil {
		config.Healthcheck = &container.HealthConfig{Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, Retries: h.Retries}
	}
	return observeConfig(config, nil)
}
