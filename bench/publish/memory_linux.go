package main

import (
	"os"
	"syscall"
)

// maxResident is the most memory that a process had resident, in bytes.
func maxResident(state *os.ProcessState) int64 {
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss << 10
	}
	return 0
}
