package front

import (
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/front/h1"
)

// newSimple returns what answers simple requests on connections without TLS, and hands all others on to net/http.
func (f *Front) newSimple() *h1.Server {
	return &h1.Server{
		Handler:       http.HandlerFunc(f.serveHTTP),
		HandOn:        f.handed.add,
		State:         f.pool.follow,
		HeaderTimeout: f.limits.HeaderTimeout,
		IdleTimeout:   f.limits.IdleTimeout,
		StallTimeout:  f.limits.StallTimeout,
		Panicked: func(value any, r *http.Request) {
			f.opts.Log.Debug("a handler panicked", "value", value, "uri", r.RequestURI)
		},
	}
}

// handed is the listener on which net/http takes the connections that are handed on to it.
type handed struct {
	address net.Addr
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newHanded(address net.Addr) *handed {
	return &handed{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// add hands on a connection that something has been read from.
func (h *handed) add(nc net.Conn, read []byte) {
	if c, ok := nc.(*conn); ok {
		c.unread = slices.Clone(read)
	}
	select {
	case h.conns <- nc:
	case <-h.closed:
		_ = nc.Close() // its request was never begun
	}
}

// Accept implements net.Listener.
func (h *handed) Accept() (net.Conn, error) {
	select {
	case nc := <-h.conns:
		return nc, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handed) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr implements net.Listener.
func (h *handed) Addr() net.Addr { return h.address }
