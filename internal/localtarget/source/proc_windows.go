package source

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// confine keeps git from opening a console window. A cancelled context ends git; its helpers end when their pipes close.
func confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{HideWindow: true, CreationFlags: windows.CREATE_NO_WINDOW}
}

// sweep has nothing to do: the context ended git, and its helpers end when their pipes close.
func sweep(*exec.Cmd) {}
