//go:build unix

package buildspec

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// processGroup holds every process of one build: commands join one process group that lives as long as the build.
//
// Its leader is a small shell that waits for the toolkit's end of a pipe to close. When the toolkit is killed, even by
// SIGKILL, the leader kills the group: no build outlives it.
type processGroup struct {
	sh      string
	token   string
	leader  *exec.Cmd
	alive   io.WriteCloser // closed by the kernel when the toolkit dies
	answers *os.File       // an empty line for each line that the leader read
	ended   chan struct{}  // closed when the leader has ended
}

// newProcessGroup prepares a group; its leader starts with the first command.
func newProcessGroup(sh, token string) (*processGroup, error) {
	return &processGroup{sh: sh, token: token}, nil
}

// leaderScript ignores what ends the commands before it, and kills the group when its input ends.
const leaderScript = `trap "" TERM HUP INT QUIT; while read -r _; do echo; done; kill -KILL 0`

// answerWait bounds the wait for a leader that a command has stopped (`kill -STOP 0`).
const answerWait = 5 * time.Second

// lives asks the leader whether it lives. A command may have killed it with the group (`kill -9 0`), and may have ended
// before it: only its answer tells that no signal is on its way.
func (g *processGroup) lives() bool {
	if g.leader == nil {
		return false
	}
	if _, err := g.alive.Write([]byte{'\n'}); err == nil {
		if err := g.answers.SetReadDeadline(time.Now().Add(answerWait)); err == nil {
			if _, err := g.answers.Read(make([]byte, 1)); err == nil {
				return true
			}
		}
	}
	_ = g.leader.Process.Kill()
	<-g.ended
	return false
}

// lead starts the group's leader, unless it lives.
func (g *processGroup) lead() error {
	if g.lives() {
		return nil
	}
	cmd := exec.Command(g.sh, "-c", leaderScript)
	cmd.Env = []string{"PATH=/usr/bin:/bin", tokenVariable + "=" + g.token}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	answers, stdout, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout = stdout
	err = cmd.Start()
	_ = stdout.Close() // the leader has its own
	if err != nil {
		_ = answers.Close()
		return fmt.Errorf("start the build's process group: %w", err)
	}
	g.leader, g.alive, g.answers, g.ended = cmd, alive, answers, make(chan struct{})
	go func(ended chan struct{}) {
		_ = cmd.Wait()
		_ = answers.Close()
		close(ended)
	}(g.ended)
	return nil
}

// start starts a command in the group.
func (g *processGroup) start(cmd *exec.Cmd) error {
	if err := g.lead(); err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: g.leader.Process.Pid}
	return cmd.Start()
}

// end ends every process of the build: SIGTERM, then after grace SIGKILL. Processes that made a session of their own are
// found by the build's token in their environment. It returns when they have ended, and reports whether there were any
// besides the one that the caller waits for.
func (g *processGroup) end(grace time.Duration) (found bool) {
	if g.leader == nil {
		return false
	}
	pgid := g.leader.Process.Pid
	_ = g.leader.Process.Kill()
	<-g.ended
	g.leader = nil

	signal := func(s syscall.Signal) {
		_ = syscall.Kill(-pgid, s)
		for _, pid := range strays(pgid, g.token) {
			_ = syscall.Kill(pid, s)
		}
	}
	gone := func() bool { return !groupLives(pgid) && len(strays(pgid, g.token)) == 0 }
	if gone() {
		return false
	}
	signal(syscall.SIGTERM)
	if !waitUntil(grace, gone) {
		// A process may fork while it is looked for: kill until none is left.
		waitUntil(killWait, func() bool {
			signal(syscall.SIGKILL)
			return gone()
		})
	}
	return true
}

// signalled says how a process ended by a signal, or "".
func signalled(err *exec.ExitError) string {
	if st, ok := err.Sys().(syscall.WaitStatus); ok && st.Signaled() {
		return st.Signal().String()
	}
	return ""
}
