// Package poll waits for what comes on many connections with few goroutines: a connection on which nothing comes has none, and
// so no stack. What comes is handled by the goroutine of the connection's loop, one connection after the other, without a way
// through the scheduler for each; whoever is about to take longer leaves the loop, and another goroutine goes on with it.
//
// It is there on Linux (epoll); elsewhere Adopt fails, and each connection has a goroutine.
package poll

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// sweep is how often connections are looked at whose deadline may have passed.
const sweep = 250 * time.Millisecond

// loops are those of the process, as the scheduler's own poller is: they never end.
var loops = sync.OnceValues(func() ([]*loop, error) {
	// A processor is left to what takes long, and to the kernel, which has as much to do for an answer as the loop has. With one
	// processor the loop still must not keep the others' goroutines waiting while it waits itself.
	n := max(1, runtime.GOMAXPROCS(0)-1)
	var all []*loop
	for range n {
		w, err := newWaiter()
		if err != nil {
			return nil, fmt.Errorf("wait for connections: %w", err)
		}
		l := &loop{waiter: w, conns: map[int]*Conn{}}
		go l.run()
		all = append(all, l)
	}
	if runtime.GOMAXPROCS(0) == n {
		runtime.GOMAXPROCS(n + 1)
	}
	return all, nil
})

// next counts the connections, which the loops get in turn.
var next atomic.Uint64

// loop waits for what comes on its connections.
type loop struct {
	waiter *waiter
	// turn is how many goroutines have left the loop. The one that is the loop's now goes on with the events that have come, of
	// which those before event are done.
	turn          atomic.Uint64
	event, events int

	mu       sync.Mutex
	conns    map[int]*Conn // by file descriptor
	adopted  uint32
	sweeping bool
}

// run handles what comes until another goroutine goes on with it.
func (l *loop) run() {
	runtime.LockOSThread() // the loop keeps its processor better than a goroutine that any thread may take
	turn := l.turn.Load()
	for {
		for l.event < l.events {
			e := l.waiter.event(l.event)
			l.event++
			if c := l.conn(e); c != nil {
				c.happened(e)
			}
			if l.turn.Load() != turn {
				return
			}
		}
		l.event = 0
		if l.events = l.waiter.look(); l.events == 0 {
			l.events = l.waiter.wait()
		}
	}
}

// conn returns the connection that an event is of, nil if that has ended.
func (l *loop) conn(e event) *Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.conns[e.fd]; c != nil && c.id == e.id {
		return c
	}
	return nil
}

// add begins to wait for what comes on a connection.
func (l *loop) add(c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.adopted++
	c.id = l.adopted
	l.conns[c.fd] = c
	if err := l.waiter.add(c.fd, c.id); err != nil {
		delete(l.conns, c.fd)
		return err
	}
	if !l.sweeping {
		l.sweeping = true
		time.AfterFunc(sweep, l.sweep)
	}
	return nil
}

func (l *loop) remove(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c.fd)
	l.waiter.remove(c.fd)
}

// sweep wakes the connections whose deadline has passed.
func (l *loop) sweep() {
	l.mu.Lock()
	now := time.Now().UnixNano()
	var due []*Conn
	for _, c := range l.conns {
		if by := c.readBy.Load(); by != 0 && by <= now {
			c.due.Store(true)
			due = append(due, c)
		}
	}
	if l.sweeping = len(l.conns) > 0; l.sweeping {
		time.AfterFunc(sweep, l.sweep)
	}
	l.mu.Unlock()
	for _, c := range due {
		if c.parked.CompareAndSwap(true, false) {
			go c.wake()
		}
	}
}

// Adopt takes over a connection, and closes tcp, which must not be used by anyone else. The caller owns the Conn until it parks it.
// It fails, and leaves tcp as it is, where the system has no such loops, or no more file descriptors.
//
// When something has come on the parked connection, its deadline has passed, or it has ended, wake is called, and owns it then. It
// must not return before it has parked, thawed or released the connection, or left the loop. As soon as the viewer has closed its
// side gone is called, by the loop, whoever owns the connection; it must not wait.
func Adopt(tcp *net.TCPConn, wake, gone func()) (*Conn, error) {
	all, err := loops()
	if err != nil {
		return nil, err
	}
	fd, err := duplicate(tcp)
	if err != nil {
		return nil, fmt.Errorf("adopt connection: %w", err)
	}
	c := &Conn{loop: all[next.Add(1)%uint64(len(all))], fd: fd, wake: wake, gone: gone,
		local: tcp.LocalAddr(), remote: tcp.RemoteAddr()}
	c.readable.Store(true)
	if err := c.loop.add(c); err != nil {
		return nil, errors.Join(fmt.Errorf("adopt connection: %w", err), closeFD(fd))
	}
	_ = tcp.Close() // the connection stays open by fd
	return c, nil
}
