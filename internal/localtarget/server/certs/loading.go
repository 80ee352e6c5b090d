package certs

import (
	"context"
	"sync"
	"time"
)

// loadPatience is how long a handshake waits for a certificate that is on the disk: reading takes milliseconds, but certmagic also
// asks those authorities that answer (OCSP) whether they still stand by it.
const loadPatience = 5 * time.Second

// loading knows the certificates that are on the disk and not yet in memory: certmagic reads them in the background. Without it,
// whoever connects just after the server has started would get an error.
type loading struct {
	mu    sync.Mutex
	names map[string]chan struct{}
}

// begin notes that the certificate for a name is being read.
func (l *loading) begin(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.names == nil {
		l.names = map[string]chan struct{}{}
	}
	if l.names[name] == nil {
		l.names[name] = make(chan struct{})
	}
}

// end notes that the certificate for a name is there, or that nobody is to wait for it any more.
func (l *loading) end(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.names[name]; c != nil {
		close(c)
		delete(l.names, name)
	}
}

// wait returns when the certificate for a name is not being read any more, when ctx ends, or when it has taken too long: then
// nobody waits for it again.
func (l *loading) wait(ctx context.Context, name string) {
	l.mu.Lock()
	c := l.names[name]
	l.mu.Unlock()
	if c == nil {
		return
	}
	late := time.NewTimer(loadPatience)
	defer late.Stop()
	select {
	case <-c:
	case <-ctx.Done():
	case <-late.C:
		l.end(name)
	}
}
