//go:build !linux && !darwin

package cfjs

import "time"

// threadTime is not known here finely enough.
func threadTime() (time.Duration, bool) { return 0, false }
