//go:build unix

package cli

import "syscall"

// firstInherited is the first descriptor after the standard streams; lastInherited is beyond those that shells, make and CI
// runners hand down.
const (
	firstInherited = 3
	lastInherited  = 255
)

// keepDescriptors keeps descriptors that this process was handed down by mistake (a lock, a pipe that somebody reads to its
// end, a terminal) from the processes that it starts: a server in the background would hold them open for days.
func keepDescriptors() {
	for fd := firstInherited; fd <= lastInherited; fd++ {
		syscall.CloseOnExec(fd)
	}
}
