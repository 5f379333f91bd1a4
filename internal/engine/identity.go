package engine

import (
	"context"
	"fmt"
)

// ID is the engine's own name for itself, the same by whatever address it is reached. It
// costs a call of a few milliseconds.
func (e *Engine) ID(ctx context.Context) (string, error) {
	info, err := e.api.Info(ctx)
	if err != nil {
		return "", fmt.Errorf("engine information: %w", plainly(err))
	}
	return info.ID, nil
}
