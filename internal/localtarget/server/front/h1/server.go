// Package h1 answers simple HTTP/1.1 requests, those that a file server mostly gets: GET and HEAD, without a body, that can be
// read in one way only. They cost it about half of what they cost net/http. A connection on which anything else comes is
// handed on, with the bytes that have been read, to whoever speaks all of HTTP.
package h1

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server is what connections are served with. Its fields must not change once it serves.
type Server struct {
	Handler http.Handler
	// Quick says that the handler calls TakesLong, a method of its http.ResponseWriter, before it does anything that takes
	// longer than a few microseconds, as waiting does. Until then it is run by the goroutine that many connections wait for.
	Quick bool
	// HandOn is given a connection that something other than a simple request has come on, with the bytes that have been read
	// and not been answered. The connection is the callee's from then on.
	HandOn func(nc net.Conn, read []byte)
	// State, if it is set, is told when a connection is being worked on and when it is idle.
	State func(net.Conn, http.ConnState)
	// HeaderTimeout is how long a viewer may take for a request's header, IdleTimeout how long there may be none, and
	// StallTimeout how long a write may take; a handler can move that on with http.ResponseController. The times are kept
	// to within an eighth.
	HeaderTimeout, IdleTimeout, StallTimeout time.Duration
	// Panicked, if it is set, is told of a handler's panic other than http.ErrAbortHandler.
	Panicked func(value any, r *http.Request)

	mu       sync.Mutex
	conns    map[*conn]struct{}
	stopping atomic.Bool
}

// slack is how exact a deadline is: setting one for each request would cost as much as reading the request.
func slack(timeout time.Duration) time.Duration { return min(timeout/8, time.Second/2) }

// startup is how long a connection on which nothing has come yet counts as one with a request on its way.
const startup = 5 * time.Second

// Serve takes connections until the listener fails, and returns its error.
func (s *Server) Serve(l net.Listener) error {
	for delay := time.Millisecond; ; {
		nc, err := l.Accept()
		if err == nil {
			delay = time.Millisecond
			s.Take(nc)
			continue
		}
		if t, ok := err.(interface{ Temporary() bool }); !ok || !t.Temporary() || s.stopping.Load() {
			return err
		}
		time.Sleep(delay) // as when there are no more file descriptors
		delay = min(2*delay, time.Second)
	}
}

// Take serves one connection in the background, or closes it if the server is stopping. It may be a *tls.Conn whose handshake
// is over.
func (s *Server) Take(nc net.Conn) {
	c := &conn{Conn: nc, server: s, began: time.Now()}
	c.context.c = c
	c.state.Store(idle)
	c.start()
	if !s.add(c) {
		c.end()
		return
	}
	if c.sock == nil || !c.sock.Park() {
		go c.serve()
	}
}

// add takes in a connection, unless the server is stopping.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return false
	}
	if s.conns == nil {
		s.conns = map[*conn]struct{}{}
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Shutdown closes idle connections and waits until what is being worked on has been answered, or ctx ends, whose error it
// returns then. The listeners are not its business.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopping.Store(true)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.closeIdle() == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// closeIdle returns how many connections are left.
func (s *Server) closeIdle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if (c.answered.Load() || time.Since(c.began) > startup) && c.state.CompareAndSwap(idle, closing) {
			if c.sock != nil {
				c.sock.Rouse()
			} else {
				_ = c.Close()
			}
		}
	}
	return len(s.conns)
}

// Close closes all connections.
func (s *Server) Close() error {
	s.stopping.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for c := range s.conns {
		errs = append(errs, c.cut())
	}
	return errors.Join(errs...)
}
