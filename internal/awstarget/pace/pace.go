// Package pace is the one way to wait between two looks at something that AWS does by itself, or between two tries.
package pace

import (
	"context"
	"time"
)

// Wait returns after the pause, or at once with the context's cause when the context ends.
func Wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
