package poll

import (
	"errors"
	"net"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// event is what has happened on a connection.
type event struct {
	fd                        int
	id                        uint32
	readable, writable, ended bool
}

// waiter is an instance of epoll.
type waiter struct {
	fd     int
	events [128]unix.EpollEvent
}

func newWaiter() (*waiter, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &waiter{fd: fd}, os.NewSyscallError("epoll_create1", err)
}

// add has events told each time that something comes (edge-triggered): that spares a call for each request and answer.
func (w *waiter) add(fd int, id uint32) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd), Pad: int32(id)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(w.fd, unix.EPOLL_CTL_ADD, fd, &e))
}

func (w *waiter) remove(fd int) {
	_ = unix.EpollCtl(w.fd, unix.EPOLL_CTL_DEL, fd, nil) // it is there
}

// look returns how many events have come, without waiting. The scheduler is not told of calls that don't wait: it would take the
// processor away after 20 µs.
func (w *waiter) look() int {
	n, _, err := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(w.fd), uintptr(unsafe.Pointer(&w.events)), uintptr(len(w.events)), 0, 0, 0)
	if err != 0 {
		return 0
	}
	return int(n)
}

// wait waits until something has come.
func (w *waiter) wait() int {
	n, err := unix.EpollWait(w.fd, w.events[:], -1)
	if err != nil {
		return 0 // a signal came
	}
	return n
}

func (w *waiter) event(i int) event {
	e := &w.events[i]
	return event{
		fd: int(e.Fd), id: uint32(e.Pad),
		readable: e.Events&unix.EPOLLIN != 0,
		writable: e.Events&unix.EPOLLOUT != 0,
		ended:    e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0,
	}
}

// duplicate returns a file descriptor of a connection that Go's own poller does not know.
func duplicate(tcp *net.TCPConn) (fd int, err error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, err
	}
	failed := raw.Control(func(of uintptr) { fd, err = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) })
	if failed != nil {
		return -1, failed
	}
	return fd, os.NewSyscallError("fcntl", err)
}

// thawed returns the connection of a file descriptor, which it takes over.
func thawed(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "connection")
	defer f.Close() // FileConn has one of its own
	return net.FileConn(f)
}

// again reports whether a call has to be made again when an event has come.
func again(err error) bool { return err == unix.EAGAIN }

func read(fd int, p []byte) (int, error) {
	for {
		n, _, err := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		if err != unix.EINTR {
			return result(n, err)
		}
	}
}

func writev(fd int, one, other []byte) (int, error) {
	var pieces [2]unix.Iovec
	count := 0
	for _, p := range [2][]byte{one, other} {
		if len(p) > 0 {
			pieces[count].Base = unsafe.SliceData(p)
			pieces[count].SetLen(len(p))
			count++
		}
	}
	for {
		n, _, err := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&pieces)), uintptr(count))
		if err != unix.EINTR {
			return result(n, err)
		}
	}
}

func result(n uintptr, err unix.Errno) (int, error) {
	if err != 0 {
		return 0, err
	}
	return int(n), nil
}

// sendfile waits for the disk, so the scheduler is told of it. Its error is errors.ErrUnsupported for a file that cannot be sent so.
func sendfile(fd int, f *os.File, n int) (sent int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	if failed := raw.Read(func(of uintptr) bool {
		for sent, err = unix.Sendfile(fd, int(of), nil, n); err == unix.EINTR; {
			sent, err = unix.Sendfile(fd, int(of), nil, n)
		}
		return true
	}); failed != nil {
		return 0, failed
	}
	if err == unix.EINVAL { // of some file systems' files
		err = errors.ErrUnsupported
	}
	return max(sent, 0), err
}

func shutdown(fd int) {
	_ = unix.Shutdown(fd, unix.SHUT_RDWR) // it fails if the connection has ended already
}

func closeFD(fd int) error { return os.NewSyscallError("close", unix.Close(fd)) }
