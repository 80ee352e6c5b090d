package front

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/front/h1"
)

// newSimple returns what answers simple requests over HTTP/1.1, and hands all others on to net/http.
func (f *Front) newSimple() *h1.Server {
	return &h1.Server{
		Handler:       http.HandlerFunc(f.serveHTTP),
		Quick:         f.opts.Quick,
		HandOn:        f.handOn,
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

// handOn hands on a connection that something has been read from.
func (f *Front) handOn(nc net.Conn, read []byte) {
	switch c := nc.(type) {
	case *tls.Conn:
		f.handedTLS.give(&tlsAgain{Conn: c, unread: slices.Clone(read)})
	case *conn:
		c.unread = slices.Clone(read)
		f.handed.give(c)
	}
}

// give has net/http serve a connection.
func (h *handed) give(nc net.Conn) {
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
