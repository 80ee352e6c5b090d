package h1

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/front/poll"
)

// readBuffer is the largest header of a request that is simple.
const readBuffer = 4 << 10

// readBuffers are for connections on which a request has begun.
var readBuffers = sync.Pool{New: func() any { return new([readBuffer]byte) }}

// The states of a connection.
const (
	idle int32 = iota
	active
	closing
)

// burst is how many requests that have come at once are answered before the next connection's.
const burst = 32

// conn is a viewer's connection.
type conn struct {
	net.Conn
	server   *Server
	began    time.Time
	state    atomic.Int32
	answered atomic.Bool

	// sock is what lies below Conn if a loop waits for what comes; nil if the connection has a goroutine. below is what holds it,
	// or, without one, what lies below TLS: system calls that send several pieces, or files, go there.
	sock  *poll.Conn
	below net.Conn

	// buf[:n] has been read and not been answered. buf is nil while a loop waits for a request.
	buf []byte
	n   int
	// readBy and writeBy are the deadlines that are set. hurried is true if readBy is that of the header that is to come next.
	readBy, writeBy time.Time
	hurried         bool

	base     *http.Request // what all requests have in common
	response response
	allow    func() // response's
	context  viewer
}

// holder is a connection around another one, which can be replaced.
type holder interface {
	NetConn() net.Conn
	SetNetConn(nc net.Conn)
}

// start makes the connection ready.
func (c *conn) start() {
	s := c.server
	base := &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, RemoteAddr: c.RemoteAddr().String()}
	c.base = base.WithContext(&c.context)
	c.response.c, c.response.header = c, make(http.Header, 8)
	c.allow = c.response.allow
	c.below = c.Conn
	if t, ok := c.Conn.(*tls.Conn); ok {
		state := t.ConnectionState()
		c.base.TLS = &state
		c.below = t.NetConn()
	}
	c.adopt()
	c.readBy, c.hurried = c.began.Add(s.HeaderTimeout), true
	_ = c.SetReadDeadline(c.readBy)
	if s.State != nil {
		s.State(c.Conn, http.StateNew)
	}
}

// adopt gives the connection to a loop, if the system has any.
func (c *conn) adopt() {
	h, held := c.below.(holder)
	direct := c.below
	if held {
		direct = h.NetConn()
	}
	if tcp, ok := direct.(*net.TCPConn); ok && (held || c.base.TLS == nil) {
		if sock, err := poll.Adopt(tcp, c.serve, c.context.cancel); err == nil {
			c.sock, direct = sock, sock
		}
	}
	switch {
	case c.sock == nil:
		c.below = direct
	case held:
		h.SetNetConn(c.sock)
	default:
		c.Conn, c.below = c.sock, c.sock
	}
}

// thaw takes the connection from its loop.
func (c *conn) thaw() error {
	if c.sock == nil {
		return nil
	}
	c.sock.Leave()
	tcp, err := c.sock.Thaw()
	if err != nil {
		return err
	}
	if h, held := c.below.(holder); held {
		h.SetNetConn(tcp)
	} else {
		c.Conn = tcp
	}
	return nil
}

// cut closes the connection, whoever is busy with it: that finds out.
func (c *conn) cut() error {
	if c.sock != nil {
		return c.below.Close()
	}
	return c.Close()
}

// What is to be done with a connection.
type next int

const (
	answerNext next = iota // the next request
	wait                   // for the next request
	leave                  // alone: it is no longer this server's
)

// serve answers the requests of the connection until it ends, is handed on, or its loop waits for the next one.
func (c *conn) serve() {
	for i := 1; ; i++ {
		switch c.serveOne() {
		case leave:
			return
		case wait:
			if c.n == 0 && c.buf != nil {
				readBuffers.Put((*[readBuffer]byte)(c.buf))
				c.buf = nil
			}
			if c.sock.Park() {
				return
			}
		}
		if i%burst == 0 && c.sock != nil {
			c.sock.Leave()
		}
	}
}

// serveOne answers one request.
func (c *conn) serveOne() next {
	s := c.server
	if c.state.Load() == closing && !c.lastRequest() {
		return c.end()
	}
	h, size, v := parse(c.buf[:c.n])
	for ; v == incomplete && c.n < readBuffer; h, size, v = parse(c.buf[:c.n]) {
		began := c.n > 0
		if began {
			c.hurry()
		}
		if c.buf == nil {
			c.buf = readBuffers.Get().(*[readBuffer]byte)[:]
		}
		n, err := c.Read(c.buf[c.n:])
		if c.n += n; n == 0 && errors.Is(err, poll.ErrNotYet) {
			return wait
		} else if n == 0 && err == io.EOF && began {
			v = other // its viewer may still wait for an answer
			break
		} else if n == 0 && err != nil {
			return c.end()
		}
		if c.state.Swap(active) == closing && c.sock == nil {
			return c.end() // it is closed already
		}
		if !began && s.State != nil {
			s.State(c.Conn, http.StateActive)
		}
	}
	if v != simple {
		s.remove(c)
		if c.thaw() != nil {
			return c.end()
		}
		s.HandOn(c.Conn, c.buf[:c.n])
		return leave
	}
	again := c.answer(&h)
	if !c.context.handled() || !again {
		return c.end()
	}
	c.hurried = false
	copy(c.buf[:], c.buf[size:c.n])
	if c.n -= size; c.n > 0 {
		return answerNext
	}
	if s.stopping.Load() {
		c.state.Store(closing)
		return answerNext // what has come by now
	}
	c.rest()
	return answerNext
}

// rest makes the connection an idle one, which has IdleTimeout for its next request.
func (c *conn) rest() {
	s := c.server
	if by := time.Now().Add(s.IdleTimeout); c.readBy.Before(by.Add(-slack(s.IdleTimeout))) || c.readBy.After(by) {
		c.readBy = by
		_ = c.SetReadDeadline(by)
	}
	c.answered.Store(true)
	if s.State != nil {
		s.State(c.Conn, http.StateIdle)
	}
	c.state.Store(idle)
}

// lastRequest reports whether a request has come on a connection that is to be closed because it was idle. It is answered: its viewer
// could not know.
func (c *conn) lastRequest() bool {
	if c.sock == nil {
		return false
	}
	if c.buf == nil {
		c.buf = readBuffers.Get().(*[readBuffer]byte)[:]
	}
	c.sock.Rouse()        // what the loop has not told yet
	n, _ := c.Read(c.buf) // an error comes again
	if c.n += n; n == 0 {
		return false
	}
	c.state.Store(active)
	if s := c.server; s.State != nil {
		s.State(c.Conn, http.StateActive)
	}
	return true
}

// hurry gives the viewer HeaderTimeout for the rest of a header that has begun. It may have begun while the request before it was
// answered, which may have taken longer than the deadline was for.
func (c *conn) hurry() {
	if !c.hurried {
		c.hurried = true
		c.readBy = time.Now().Add(c.server.HeaderTimeout)
		_ = c.SetReadDeadline(c.readBy)
	}
}

// end closes the connection.
func (c *conn) end() next {
	c.context.cancel()
	c.server.remove(c)
	_ = c.Close()
	if c.sock != nil {
		c.sock.Release()
	}
	return leave
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
	if c.sock != nil && !c.server.Quick {
		c.sock.Leave()
	}
	c.server.Handler.ServeHTTP(w, &r)
	return w.finish()
}
