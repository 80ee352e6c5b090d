//go:build unix

package source

import (
	"os/exec"
	"syscall"
)

// confine puts git and its helpers into a process group of their own, which a cancelled context ends as a whole.
func confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
