package buildspec

import "time"

// tokenVariable marks every process of a build, so that those which leave its process group can still be found.
const tokenVariable = "CODEBUILD_LOCAL_BUILD"

// How the end of a build's processes is awaited. There is no event for the end of somebody else's child.
const (
	pollProcesses = 10 * time.Millisecond
	// killWait bounds the wait after a kill; a process in uninterruptible sleep may outlive it.
	killWait = 2 * time.Second
)

// waitUntil polls until done reports true or the limit is over, and returns the last answer.
func waitUntil(limit time.Duration, done func() bool) bool {
	deadline := time.Now().Add(limit)
	for !done() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pollProcesses)
	}
	return true
}
