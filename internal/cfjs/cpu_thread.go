//go:build linux || darwin

package cfjs

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is how much processor time the thread has used that it is called in; false if that cannot be told.
func threadTime() (time.Duration, bool) {
	var used unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used); err != nil {
		return 0, false
	}
	return time.Duration(used.Nano()), true
}
