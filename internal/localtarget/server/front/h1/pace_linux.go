package h1

import (
	"net"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pace sends what is pending and then p. The kernel is given all of p at once, and takes what the connection has room for:
// most bodies take one call, where pieces of 64 KB would cost a sixth more of processor time (bench/edge). Sending files
// with sendfile was not cheaper than this copy.
func (w *response) pace(p []byte) error {
	tcp, ok := w.c.direct.(*net.TCPConn)
	if !ok {
		return w.paceByPieces(p)
	}
	if w.c.raw == nil {
		var err error
		if w.c.raw, err = tcp.SyscallConn(); err != nil {
			return err
		}
		w.c.send = w.c.sending.send
	}
	s := &w.c.sending
	*s = sending{w: w, rest: [2][]byte{w.pending, p}}
	err := w.c.raw.Write(w.c.send)
	if err == nil {
		err = s.err
	}
	*s = sending{}
	return err
}

// sending is an answer on its way.
type sending struct {
	w *response
	// rest is what has not been sent of the header and the body.
	rest [2][]byte
	// since is how much has been sent since the deadline was set.
	since int
	err   error
}

// oneCall is the most that is given to the kernel at once.
const oneCall = 256 << 10

// writev sends what the connection takes of two pieces. The scheduler is not told of the call, which does not wait: it would
// have another thread take over after 20 µs, and most of a large body takes longer.
func writev(fd uintptr, rest *[2][]byte) (int, unix.Errno) {
	var iov [2]unix.Iovec
	for i, p := range rest {
		iov[i].Base = unsafe.SliceData(p)
		iov[i].SetLen(min(len(p), oneCall))
	}
	n, _, err := unix.RawSyscall(unix.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&iov)), uintptr(len(iov)))
	return int(n), err
}

// send sends what the connection takes. It reports false if there is more to send once the viewer has read.
func (s *sending) send(fd uintptr) (done bool) {
	for len(s.rest[0])+len(s.rest[1]) > 0 {
		n, err := writev(fd, &s.rest)
		switch err {
		case 0:
			s.since += n
			head := min(n, len(s.rest[0]))
			s.rest[0], s.rest[1] = s.rest[0][head:], s.rest[1][n-head:]
		case unix.EINTR:
		case unix.EAGAIN:
			if s.since >= paced {
				s.since = 0
				s.w.allow()
			}
			return false
		default:
			s.err = os.NewSyscallError("writev", err)
			return true
		}
	}
	return true
}
