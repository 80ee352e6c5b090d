package handover

import (
	"os"
	"syscall"
)

// descent says how a new process is started, and whose child it is: the service manager's that started this one (sd_notify(3)),
// if one did, else this one's. A manager that is told of a main process which is not its child has no way to wait for its end.
func descent() (attributes *syscall.SysProcAttr, parent int) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return nil, os.Getpid()
	}
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_PARENT}, os.Getppid()
}
