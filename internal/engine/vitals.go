package engine

import (
	"context"
	"fmt"
	"time"
)

// Vitals are what an engine says of itself and its machine.
type Vitals struct {
	// Version is the engine's, API the version negotiated, OperatingSystem what it says it runs on.
	Version, API, OperatingSystem string
	// DataRoot is the folder of images, containers and volumes, on the engine's machine.
	DataRoot string
	// Ahead is how far the engine's clock is before this one; below 0 it is behind. It is as exact as the time that the
	// answer took, Within. Both are 0 where the engine tells no time.
	Ahead, Within time.Duration
}

// Vitals asks the engine.
func (e *Engine) Vitals(ctx context.Context) (Vitals, error) {
	asked := time.Now()
	info, err := e.api.Info(ctx)
	if err != nil {
		return Vitals{}, fmt.Errorf("engine information: %w", plainly(err))
	}
	v := Vitals{Version: info.ServerVersion, API: e.about.API, OperatingSystem: info.OperatingSystem, DataRoot: info.DockerRootDir}
	if clock, err := time.Parse(time.RFC3339Nano, info.SystemTime); err == nil {
		v.Within = time.Since(asked)
		v.Ahead = clock.Sub(asked.Add(v.Within / 2))
	}
	return v, nil
}
