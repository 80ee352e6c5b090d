package h1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// readBuffer is the largest header of a request that is simple.
const readBuffer = 4 << 10

// readBuffers are for connections over TLS on which a request has begun.
var readBuffers = sync.Pool{New: func() any { return new([readBuffer]byte) }}

// The states of a connection.
const (
	idle int32 = iota
	active
	closing
)

// conn is a viewer's connection.
type conn struct {
	net.Conn
	server   *Server
	began    time.Time
	state    atomic.Int32
	answered atomic.Bool

	// buf[:n] has been read and not been answered. Over TLS it is nil while the connection is idle: the first byte of a request is
	// read into first, and the others are there then.
	buf   []byte
	n     int
	first [1]byte
	// readBy and writeBy are the deadlines that are set.
	readBy, writeBy time.Time

	// direct is what lies below Conn, for the system calls that send several pieces, or files.
	direct net.Conn
	// raw is direct for system calls of our own; nil until one is needed.
	raw     syscall.RawConn
	sending sending
	send    func(fd uintptr) bool // sending's

	base     *http.Request // what all requests have in common
	response response
	context  viewer
}

// serve answers the requests of the connection until it ends or is handed on.
func (c *conn) serve() {
	s := c.server
	base := &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, RemoteAddr: c.RemoteAddr().String()}
	c.base = base.WithContext(&c.context)
	c.direct = c.Conn
	if t, ok := c.Conn.(*tls.Conn); ok {
		state := t.ConnectionState()
		c.base.TLS = &state
	} else {
		c.buf = make([]byte, readBuffer)
		if below, ok := c.Conn.(interface{ NetConn() net.Conn }); ok {
			c.direct = below.NetConn()
		}
	}
	c.response.c, c.response.header = c, make(http.Header, 8)
	c.readBy = c.began.Add(s.HeaderTimeout)
	_ = c.SetReadDeadline(c.readBy)
	if s.State != nil {
		s.State(c.Conn, http.StateNew)
	}
	for c.serveOne() {
	}
}

// serveOne answers one request. It reports false when the connection is no longer this server's.
func (c *conn) serveOne() bool {
	s := c.server
	h, size, v := parse(c.buf[:c.n])
	for began := false; v == incomplete && (c.n < len(c.buf) || c.buf == nil); h, size, v = parse(c.buf[:c.n]) {
		if began {
			c.hurry()
		}
		n, err := c.read()
		if c.n += n; n == 0 && err != nil {
			return c.end()
		}
		if c.state.Load() == idle && !c.state.CompareAndSwap(idle, active) {
			return c.end()
		}
		if !began && s.State != nil {
			s.State(c.Conn, http.StateActive)
		}
		began = true
	}
	if v != simple {
		s.remove(c)
		s.HandOn(c.Conn, c.buf[:c.n])
		return false
	}
	again := c.answer(&h)
	if !c.context.handled() || !again || s.stopping.Load() {
		return c.end()
	}
	copy(c.buf[:], c.buf[size:c.n])
	c.n -= size
	if c.n > 0 {
		return true
	}
	if c.base.TLS != nil {
		readBuffers.Put((*[readBuffer]byte)(c.buf))
		c.buf = nil
	}
	now := time.Now()
	if by := now.Add(s.IdleTimeout); c.readBy.Before(by.Add(-slack(s.IdleTimeout))) || c.readBy.After(by) {
		c.readBy = by
		_ = c.SetReadDeadline(by)
	}
	c.answered.Store(true)
	if s.State != nil {
		s.State(c.Conn, http.StateIdle)
	}
	c.state.Store(idle)
	return true
}

// read reads what there is room for, or the first byte of a request.
func (c *conn) read() (n int, err error) {
	if c.buf != nil {
		return c.Read(c.buf[c.n:])
	}
	if n, err = c.Read(c.first[:]); n > 0 {
		c.buf = readBuffers.Get().(*[readBuffer]byte)[:]
		c.buf[0] = c.first[0]
	}
	return n, err
}

// hurry gives the viewer HeaderTimeout for the rest of a header that has begun.
func (c *conn) hurry() {
	timeout := c.server.HeaderTimeout
	if by := time.Now().Add(timeout); c.readBy.After(by.Add(slack(timeout))) {
		c.readBy = by
		_ = c.SetReadDeadline(by)
	}
}

// end closes the connection.
func (c *conn) end() bool {
	c.context.cancel()
	c.server.remove(c)
	_ = c.Close()
	return false
}

// answer has the handler answer a request, and reports whether the connection can be used again.
func (c *conn) answer(h *head) (again bool) {
	r := *c.base
	r.Method, r.RequestURI, r.Host, r.URL, r.Header = h.method, h.target, h.host, h.url, h.header
	c.context.handling()
	w := &c.response
	w.reset(h.method == http.MethodHead)
	defer func() {
		w.release()
		if p := recover(); p != nil {
			again = false
			if err, ok := p.(error); (!ok || !errors.Is(err, http.ErrAbortHandler)) && c.server.Panicked != nil {
				c.server.Panicked(p, &r)
			}
		}
	}()
	c.server.Handler.ServeHTTP(w, &r)
	return w.finish()
}

// viewer is the context of a connection's requests: it ends with the connection. Whether the viewer is still there is only
// looked after if someone asks for Done, as one does who waits for something: a request that is answered from memory does
// not.
type viewer struct {
	c    *conn
	mu   sync.Mutex
	done chan struct{}
	gone bool
	// busy is true while a request is handled.
	busy bool
	// looking is closed when the look at the connection has ended; nil if there is none.
	looking chan struct{}
	read    int
	err     error
}

var _ context.Context = (*viewer)(nil)

// Deadline implements context.Context.
func (*viewer) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value implements context.Context.
func (v *viewer) Value(key any) any {
	if key == http.LocalAddrContextKey {
		return v.c.LocalAddr()
	}
	return nil
}

// Err implements context.Context.
func (v *viewer) Err() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gone {
		return context.Canceled
	}
	return nil
}

// Done implements context.Context.
func (v *viewer) Done() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.done == nil {
		v.done = make(chan struct{})
		if v.gone {
			close(v.done)
		}
	}
	if v.busy && v.looking == nil && !v.gone && v.c.n < len(v.c.buf) {
		v.looking = make(chan struct{})
		_ = v.c.SetReadDeadline(time.Time{})
		go v.look(v.c.buf[v.c.n:], v.looking)
	}
	return v.done
}

// look waits for the next request, or for the end of the connection, while one is being answered.
func (v *viewer) look(into []byte, ended chan struct{}) {
	defer close(ended)
	v.read, v.err = v.c.Read(into)
	if v.err != nil && !errors.Is(v.err, os.ErrDeadlineExceeded) {
		v.cancel()
	}
}

func (v *viewer) cancel() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.gone {
		v.gone = true
		if v.done != nil {
			close(v.done)
		}
	}
}

// handling is called before a request is handled.
func (v *viewer) handling() {
	v.mu.Lock()
	v.busy = true
	v.mu.Unlock()
}

// handled ends the look at the connection, and adds what came meanwhile to what has been read. It reports false if the
// connection is at its end.
func (v *viewer) handled() bool {
	v.mu.Lock()
	looking := v.looking
	v.busy, v.looking = false, nil
	v.mu.Unlock()
	if looking == nil {
		return true
	}
	_ = v.c.SetReadDeadline(time.Unix(1, 0)) // ends a read that waits
	<-looking
	v.c.readBy = time.Now().Add(v.c.server.IdleTimeout)
	_ = v.c.SetReadDeadline(v.c.readBy)
	v.c.n += v.read
	return v.err == nil || errors.Is(v.err, os.ErrDeadlineExceeded)
}
