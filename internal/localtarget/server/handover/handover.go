// Package handover lets a new process of the same program take the place of this one while both listen, so that no viewer waits
// for either. The new process begins with the sockets of the old one; the two tell each other how far they are:
//
//	old: Begin        starts the new process
//	new: Inherit      takes the sockets
//	new: Waiting      it has understood its flags, and waits for what only one process may have
//	old: (Begin ends) frees that
//	new: Ready        it answers
//	old: Await ends   it tells the service manager
//	old: Told         it takes no more connections, finishes what it has begun, and ends
//	new: (Ready ends) it lets others know
//	new: Gone ends    the old one has ended, which the new one waits for if it is to end too: a service manager that sees the
//	                  main process end kills the others
//
// Until Waiting, a new process that fails leaves everything as it was. Windows has no such signal and no such sockets.
//
// Where a service manager started the old process, the new one is a child of that manager's and not of the old process: else the
// manager would kill it at once when it is told to stop it, instead of waiting, and would not notice its end.
package handover

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/systemd"
)

const (
	// variable tells the new process whose child it is, and which sockets follow its first descriptor of ours.
	variable = "CLOUDFRONT_HOSTING_TOOLKIT_HANDOVER"
	// firstFD is the number of the first descriptor that a process is given beside the standard ones.
	firstFD = 3
	// patience is how long each step of the new process may take.
	patience = 30 * time.Second

	saysWaiting, saysReady, saysTold = "waiting", "ready", "told"
)

// Successor is the process that takes this one's place.
type Successor struct {
	PID   int
	lines *bufio.Scanner
	// from is what the new process says, to is what it hears, whose end is this one's.
	from, to *os.File
	// managed is set where a service manager has started this process.
	managed bool
	process *os.Process
	// ended is closed when the process has ended.
	ended chan struct{}
	stop  func()
}

// Begin starts the program anew, as it lies on the disk now, with the arguments of this process. It returns when the new one
// waits for what this one holds. If it does not come so far it is ended, and nothing has changed.
func Begin(ctx context.Context, s systemd.Sockets) (*Successor, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start a successor: %w", err)
	}
	names, files, err := duplicates(s)
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if err != nil {
		return nil, fmt.Errorf("start a successor: hand down sockets: %w", err)
	}
	from, says, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start a successor: %w", err)
	}
	hears, to, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a successor: %w", err), from.Close(), says.Close())
	}
	cmd := exec.Command(program, os.Args[1:]...) // not CommandContext: it outlives this process
	var parent int
	cmd.SysProcAttr, parent = descent()
	cmd.Env = append(os.Environ(), variable+"="+strconv.Itoa(parent)+" "+strings.Join(names, " "))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = append([]*os.File{says, hears}, files...)
	err = errors.Join(cmd.Start(), says.Close(), hears.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a successor: %w", err), from.Close(), to.Close())
	}
	n := &Successor{PID: cmd.Process.Pid, from: from, to: to, managed: parent != os.Getpid(), lines: bufio.NewScanner(from), process: cmd.Process, ended: make(chan struct{}), stop: func() { _ = cmd.Process.Kill() }}
	go func() {
		defer close(n.ended)
		_ = cmd.Wait() // what it had to say it has said to the log; another's child is not waited for
	}()
	if err := n.hear(ctx, saysWaiting); err != nil {
		n.stop()
		<-n.ended
		n.Close()
		return nil, err
	}
	return n, nil
}

// Told tells the new process that the service manager knows it.
func (n *Successor) Told() {
	_, _ = n.to.WriteString(saysTold + "\n") // if it is gone, it need not know
}

// Close tells the new process that this one has finished what it had begun.
func (n *Successor) Close() {
	_ = n.from.Close()
	_ = n.to.Close()
}

// EndWith ends the new process if ctx ends before stop is called, where there is a service manager: one that tells this process to
// end has meant the service, and does not yet know who serves. Elsewhere each process is told by itself.
func (n *Successor) EndWith(ctx context.Context) (stop func() bool) {
	if !n.managed {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { _ = n.process.Signal(syscall.SIGTERM) })
}

// Await returns when the new process answers.
func (n *Successor) Await(ctx context.Context) error { return n.hear(ctx, saysReady) }

func (n *Successor) hear(ctx context.Context, want string) error {
	heard := make(chan error, 1)
	go func() {
		if !n.lines.Scan() {
			heard <- cmp.Or(n.lines.Err(), io.ErrUnexpectedEOF)
		} else if got := n.lines.Text(); got != want {
			heard <- fmt.Errorf("it says %q, not %q", got, want)
		} else {
			heard <- nil
		}
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	var err error
	select {
	case err = <-heard:
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it has ended")
		}
	case <-late.C:
		err = fmt.Errorf("nothing was heard of it for %s", patience)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("the successor, process %d, is not %s: %w", n.PID, want, err)
	}
	return nil
}

// Predecessor is the process whose place this one takes.
type Predecessor struct {
	to *os.File
	// told is closed when the service manager knows this process, gone when the old one has ended.
	told, gone chan struct{}
}

// Inherit takes the sockets of the process that started this one to be its successor, once; nil if none did.
func Inherit() (*Predecessor, systemd.Sockets, error) {
	words := strings.Fields(os.Getenv(variable))
	_ = os.Unsetenv(variable)
	if len(words) == 0 || words[0] != strconv.Itoa(os.Getppid()) {
		return nil, systemd.Sockets{}, nil
	}
	s, err := systemd.Take(firstFD+2, words[1:])
	if err != nil {
		return nil, s, fmt.Errorf("take over the sockets of the process before: %w", err)
	}
	p := &Predecessor{to: os.NewFile(firstFD, "to predecessor"), told: make(chan struct{}), gone: make(chan struct{})}
	go p.listen(os.NewFile(firstFD+1, "from predecessor"))
	return p, s, nil
}

// listen hears what the old process says, until it ends.
func (p *Predecessor) listen(from *os.File) {
	defer close(p.gone)
	defer from.Close()
	lines := bufio.NewScanner(from)
	lines.Scan()
	close(p.told)
	for lines.Scan() {
	}
}

// Waiting tells the old process to free what only one may have. A nil Predecessor is told nothing.
func (p *Predecessor) Waiting() {
	if p != nil {
		_, _ = p.to.WriteString(saysWaiting + "\n") // if it is gone, it has freed everything
	}
}

// Ready tells the old process that this one answers, and returns when the service manager knows.
func (p *Predecessor) Ready() {
	if p != nil {
		_, _ = p.to.WriteString(saysReady + "\n") // as above
		_ = p.to.Close()
		late := time.NewTimer(patience)
		defer late.Stop()
		select {
		case <-p.told:
		case <-late.C: // whoever serves has more to do than to wait
		}
	}
}

// Gone returns when the old process has finished what it had begun, or when ctx ends. There is nothing to wait for with a nil
// Predecessor.
func (p *Predecessor) Gone(ctx context.Context) {
	if p == nil {
		return
	}
	select {
	case <-p.gone:
	case <-ctx.Done():
	}
}
