//go:build unix

package source

import (
	"os/exec"
	"syscall"
)

// confine puts git and its helpers into a process group of their own. A cancelled context asks all of it to end: git then
// removes the lock files that it holds.
func confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// sweep ends what of a cancelled git has not ended when it was asked to.
func sweep(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
