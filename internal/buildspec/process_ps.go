//go:build unix && !linux

package buildspec

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// groupLives reports whether a process group has a process.
func groupLives(pgid int) bool { return syscall.Kill(-pgid, 0) != syscall.ESRCH }

// strays are the build's processes outside of its group, known by the token in their environment. The system's ps shows
// it for processes of the same user, most of them at least.
func strays(pgid int, token string) []int {
	flags := "-axeww"
	if runtime.GOOS == "darwin" {
		flags = "-axEww"
	}
	out, err := exec.Command("ps", flags, "-o", "pid=,pgid=,command=").Output()
	if err != nil {
		return nil
	}
	var pids []int
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || !strings.Contains(line, tokenVariable+"="+token) {
			continue
		}
		pid, err := strconv.Atoi(fields[0])
		if err == nil && fields[1] != strconv.Itoa(pgid) && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}
