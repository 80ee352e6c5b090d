package poll

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// ErrNotYet is what Read returns when nothing has come. It is a net.Error that is temporary, so that crypto/tls can go on later.
var ErrNotYet error = notYet{}

type notYet struct{}

func (notYet) Error() string   { return "nothing has come yet" }
func (notYet) Timeout() bool   { return true }
func (notYet) Temporary() bool { return true }

// Conn is a connection that a loop waits for. It has one owner at a time: who has adopted it, or whose wake is running, until
// that calls Park, Thaw or Release. Only the owner may call its methods, but for Close and Rouse.
//
// Read does not wait: it returns ErrNotYet, and then the owner parks the connection. Writing waits, and leaves the loop first.
type Conn struct {
	loop          *loop
	fd            int
	id            uint32
	local, remote net.Addr
	wake, gone    func()

	// parked is true while nobody owns the connection: who sets it to false does.
	parked atomic.Bool
	// readable is false if there is nothing to read until an event says that something has come.
	readable atomic.Bool
	// ended is true once the viewer has closed its side, or all of it.
	ended atomic.Bool
	// inLoop is true while the owner is the loop's goroutine, which has been asked to send so many bytes since the wake.
	inLoop bool
	sent   int
	// readBy is the deadline of reading, in Unix nanoseconds, 0 for none; writeBy that of writing. due is true if readBy seemed to
	// have passed: who reads need not ask for the time each time.
	readBy  atomic.Int64
	due     atomic.Bool
	writeBy time.Time

	// waiting is true while a write waits for room, which tells that there is some.
	waiting atomic.Bool
	room    chan struct{}

	mu sync.Mutex
	// closed: nothing is sent any more. freed: the file descriptor is not the connection's any more.
	closed, freed bool
}

var (
	_ net.Conn      = (*Conn)(nil)
	_ io.ReaderFrom = (*Conn)(nil)
)

// Park gives the connection back to its loop. It reports false if there is something to be read, or the deadline has passed:
// it is still the caller's then.
func (c *Conn) Park() bool {
	inLoop := c.inLoop
	c.inLoop = false
	c.parked.Store(true)
	if (c.readable.Load() || c.late()) && c.parked.CompareAndSwap(true, false) {
		c.inLoop = inLoop
		return false
	}
	return true
}

// Rouse has the connection woken as if something had come, and it cannot be parked before the next Read, which finds what the loop may not
// have heard of yet. Anybody may call it.
func (c *Conn) Rouse() {
	c.readable.Store(true)
	if c.parked.CompareAndSwap(true, false) {
		go c.wake()
	}
}

// Leave has another goroutine go on with the loop, if the caller is it. It is called before anything that takes longer than a
// few microseconds.
func (c *Conn) Leave() {
	if c.inLoop {
		c.inLoop = false
		runtime.UnlockOSThread()
		c.loop.turn.Add(1)
		go c.loop.run()
	}
}

// happened is called by the loop.
func (c *Conn) happened(e event) {
	if e.ended && !c.ended.Swap(true) {
		c.gone()
	}
	if e.readable || e.ended {
		c.readable.Store(true)
	}
	if (e.writable || e.ended) && c.waiting.Load() {
		c.signal()
	}
	if (e.readable || e.ended) && c.parked.CompareAndSwap(true, false) {
		c.inLoop, c.sent = true, 0
		c.wake()
	}
}

func (c *Conn) signal() {
	select {
	case c.room <- struct{}{}:
	default:
	}
}

// late reports whether the deadline for reading has passed.
func (c *Conn) late() bool {
	if !c.due.Load() {
		return false
	}
	by := c.readBy.Load()
	return by != 0 && by <= time.Now().UnixNano()
}

// Read implements net.Conn, but does not wait.
func (c *Conn) Read(p []byte) (int, error) {
	for c.readable.Load() {
		c.readable.Store(false) // an event that comes from here on sets it again
		n, err := read(c.fd, p)
		switch {
		case again(err): // an event told of what has been read already
		case err != nil:
			c.readable.Store(true)
			return 0, os.NewSyscallError("read", err)
		case n == 0 && len(p) > 0:
			c.readable.Store(true)
			return 0, io.EOF
		default:
			if n == len(p) || c.ended.Load() {
				c.readable.Store(true)
			}
			return n, nil
		}
	}
	if c.late() {
		return 0, os.ErrDeadlineExceeded
	}
	return 0, ErrNotYet
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) { return c.Send(p, nil, nil) }

// most is what is given to the kernel at once.
const most = 256 << 10

// paced is how much a viewer has to read to be given more time.
const paced = 64 << 10

// Send writes one piece and then another, and returns how much of both was written. allow, if it isn't nil, is called before Send
// waits for the viewer, the first time and when 64 KB more have been taken, and may move the deadline on.
func (c *Conn) Send(one, other []byte, allow func()) (n int, err error) {
	defer c.waiting.Store(false)
	if c.sent += len(one) + len(other); c.sent > most {
		c.Leave() // the viewer may read as fast as this writes, be it one piece or many
	}
	for since := paced; len(one)+len(other) > 0; {
		m, err := writev(c.fd, one[:min(len(one), most)], other[:min(len(other), most)])
		switch {
		case err == nil:
			n, since = n+m, since+m
			first := min(m, len(one))
			one, other = one[first:], other[m-first:]
		case again(err):
			if since >= paced && allow != nil {
				since = 0
				allow()
			}
			if err := c.awaitRoom(); err != nil {
				return n, err
			}
		default:
			return n, os.NewSyscallError("writev", err)
		}
	}
	return n, nil
}

// awaitRoom waits until the kernel may take more. It returns once before it waits: what has happened until waiting was set
// has not been told.
func (c *Conn) awaitRoom() error {
	c.Leave()
	if !c.waiting.Load() {
		if c.room == nil {
			c.room = make(chan struct{}, 1)
		}
		c.waiting.Store(true)
		return nil
	}
	var expired <-chan time.Time
	if !c.writeBy.IsZero() {
		timer := time.NewTimer(time.Until(c.writeBy))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-c.room:
		return nil
	case <-expired:
		return os.ErrDeadlineExceeded
	}
}

// ReadFrom implements io.ReaderFrom: the kernel sends what is left of a file.
func (c *Conn) ReadFrom(r io.Reader) (n int64, err error) {
	limited, _ := r.(*io.LimitedReader)
	if limited == nil {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	f, ok := limited.R.(*os.File)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	c.Leave()
	defer c.waiting.Store(false)
	for limited.N > 0 {
		m, err := sendfile(c.fd, f, int(min(limited.N, most)))
		switch {
		case again(err):
			if err := c.awaitRoom(); err != nil {
				return n, err
			}
		case errors.Is(err, errors.ErrUnsupported):
			m, err := io.Copy(struct{ io.Writer }{c}, limited)
			return n + m, err
		case err != nil:
			return n, os.NewSyscallError("sendfile", err)
		case m == 0:
			return n, nil
		default:
			n += int64(m)
			limited.N -= int64(m)
		}
	}
	return n, nil
}

// Close implements net.Conn. Anybody may call it: the owner finds that the connection has ended, and releases it.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	shutdown(c.fd)
	return nil
}

// Release closes the connection for good.
func (c *Conn) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.freed {
		return
	}
	c.closed, c.freed = true, true
	c.loop.remove(c)
	_ = closeFD(c.fd) // there is nothing to be lost by it
}

// Thaw returns the connection as one that waits in its reads. The Conn is done with.
func (c *Conn) Thaw() (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, net.ErrClosed
	}
	c.closed, c.freed = true, true
	c.loop.remove(c)
	return thawed(c.fd)
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t) // it never fails
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn. The deadline is kept to within a quarter of a second.
func (c *Conn) SetReadDeadline(t time.Time) error {
	var by int64
	if !t.IsZero() {
		by = t.UnixNano()
	}
	c.readBy.Store(by)
	c.due.Store(false)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.writeBy = t
	return nil
}
