package buildspec

import (
	"fmt"
	"os/exec"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// processGroup holds every process of one build in a job object. When the toolkit dies, however, Windows closes the job
// and ends what is in it: no build outlives the toolkit.
type processGroup struct {
	job windows.Handle
}

func newProcessGroup(_, _ string) (*processGroup, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("create the build's job object: %w", err)
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		windows.CloseHandle(job)
		return nil, fmt.Errorf("set up the build's job object: %w", err)
	}
	return &processGroup{job: job}, nil
}

// start starts a command in the job. Between its start and its assignment it could start a process that is not in the
// job; a shell does not get that far.
func (g *processGroup) start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(cmd.Process.Pid))
	if err != nil {
		return nil // it has ended already; cmd.Wait tells
	}
	defer windows.CloseHandle(process)
	if err := windows.AssignProcessToJobObject(g.job, process); err != nil {
		cmd.Process.Kill()
		return fmt.Errorf("assign the command to the build's job object: %w", err)
	}
	return nil
}

// end ends every process of the build. Windows has no signal to ask them first, so grace does not matter.
func (g *processGroup) end(_ time.Duration) (found bool) {
	if g.job == 0 {
		return false
	}
	windows.TerminateJobObject(g.job, 1)
	windows.CloseHandle(g.job)
	g.job = 0
	return false
}

func signalled(*exec.ExitError) string { return "" }
