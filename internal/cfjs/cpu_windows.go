package cfjs

import (
	"syscall"
	"time"
)

// processTime is how much processor time the process has used.
func processTime() time.Duration {
	process, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0
	}
	var created, exited, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(process, &created, &exited, &kernel, &user); err != nil {
		return 0
	}
	return duration(kernel) + duration(user)
}

// duration is a span of 100-nanosecond steps.
func duration(f syscall.Filetime) time.Duration {
	return 100 * (time.Duration(f.HighDateTime)<<32 + time.Duration(f.LowDateTime))
}
