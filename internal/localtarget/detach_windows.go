package localtarget

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// detach gives a process no console and a group of its own: neither Ctrl-C nor the end of the terminal reaches it.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{HideWindow: true, CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}
