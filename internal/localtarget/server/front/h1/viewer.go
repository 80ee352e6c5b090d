package h1

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"
)

// viewer is the context of a connection's requests: it ends with the connection. A loop tells when the viewer has gone. Without
// one, whether it is still there is only looked after if someone asks for Done, as one does who waits for something: a request
// that is answered from memory does not.
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
	if v.c.sock == nil && v.busy && v.looking == nil && !v.gone && v.c.n < len(v.c.buf) {
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
