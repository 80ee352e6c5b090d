package front

import (
	"cmp"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// pool holds the TCP connections of all listeners, so that their number is bounded.
type pool struct {
	max, perClient int
	refused        atomic.Int64
	evicted        atomic.Int64

	mu      sync.Mutex
	conns   map[*conn]struct{}
	clients map[netip.Prefix]int
	// freed is closed, and replaced, when a connection has gone while someone waits for one to go.
	freed chan struct{}
}

func newPool(l Limits) *pool {
	return &pool{max: l.Connections, perClient: l.ConnectionsPerClient, conns: map[*conn]struct{}{}, clients: map[netip.Prefix]int{}}
}

// conn is a viewer's connection.
type conn struct {
	net.Conn
	pool   *pool
	client netip.Prefix
	// idleSince is the time in nanoseconds since when there is no request; 0 while there is one.
	idleSince atomic.Int64
	// asked is true once a request has begun to come: until then its viewer may be about to send one.
	asked atomic.Bool
	gone  sync.Once
	// unread has been read from the connection before it was handed on; it is read again first.
	unread []byte

	// mu is held while Conn is replaced by its user, and by those who are not its user.
	mu     sync.Mutex
	closed bool
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// NetConn returns the connection below.
func (c *conn) NetConn() net.Conn { return c.Conn }

// SetNetConn replaces the connection below. Only who reads and writes may call it.
func (c *conn) SetNetConn(nc net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Conn = nc
	if c.closed {
		_ = nc.Close()
	}
}

// Close implements net.Conn. Anybody may call it.
func (c *conn) Close() error {
	c.gone.Do(func() { c.pool.remove(c) })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return c.Conn.Close()
}

// ReadFrom implements io.ReaderFrom, so that files are sent by the kernel.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if to, ok := c.Conn.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{c.Conn}, r)
}

// clientOf returns whose connection it is: an address, or the network of an IPv6 address, because a client has a whole one
// to choose from. It is the zero Prefix for the machine itself.
func clientOf(a net.Addr) netip.Prefix {
	tcp, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}
	}
	ip := tcp.Addr().Unmap().WithZone("")
	if ip.IsLoopback() {
		return netip.Prefix{}
	}
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // 32 and 64 are always possible
	return p
}

// add takes in a connection. It returns nil if its client has too many; the connection is closed then. It waits while the
// server has too many and none is idle, unless stop is closed.
func (p *pool) add(raw net.Conn, stop <-chan struct{}) *conn {
	c := &conn{Conn: raw, pool: p, client: clientOf(raw.RemoteAddr())}
	c.idleSince.Store(time.Now().UnixNano())
	for {
		p.mu.Lock()
		if p.tooMany(c.client) {
			p.mu.Unlock()
			return p.refuse(raw)
		}
		if len(p.conns) < p.max {
			p.conns[c] = struct{}{}
			p.count(c.client, 1)
			p.mu.Unlock()
			return c
		}
		if p.freed == nil {
			p.freed = make(chan struct{})
		}
		freed, oldest := p.freed, p.longestIdle()
		p.mu.Unlock()
		for _, o := range oldest {
			p.evicted.Add(1)
			_ = o.Close() // its viewer is gone, or asks again
		}
		select {
		case <-freed:
		case <-time.After(time.Second): // another connection may be idle by now
		case <-stop:
			return p.refuse(raw)
		}
	}
}

// tooMany reports whether a client may have no more connections. The caller holds the lock.
func (p *pool) tooMany(client netip.Prefix) bool {
	return p.perClient > 0 && client.IsValid() && p.clients[client] >= p.perClient
}

// count adds n to the connections of a client. The caller holds the lock.
func (p *pool) count(client netip.Prefix, n int) {
	if !client.IsValid() {
		return
	}
	if p.clients[client] += n; p.clients[client] <= 0 {
		delete(p.clients, client)
	}
}

// enter counts a connection that is not one of the pool's, such as one over QUIC; leave is called when it has ended. It
// reports false if its client has too many.
func (p *pool) enter(client netip.Prefix) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tooMany(client) {
		return nil, false
	}
	p.count(client, 1)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.count(client, -1)
	}, true
}

func (p *pool) refuse(raw net.Conn) *conn {
	p.refused.Add(1)
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // nothing of it stays in the kernel
	}
	_ = raw.Close()
	return nil
}

// newcomer is how long a connection on which nothing has come yet is not taken for idle.
const newcomer = time.Second

// longestIdle returns a hundredth of all connections, at least one if any is idle: those that have been idle the longest.
// Finding them takes a look at all, so it is done for several at a time.
func (p *pool) longestIdle() []*conn {
	type idle struct {
		c     *conn
		since int64
	}
	var found []idle
	young := time.Now().Add(-newcomer).UnixNano()
	for c := range p.conns {
		if since := c.idleSince.Load(); since != 0 && (c.asked.Load() || since < young) {
			found = append(found, idle{c, since})
		}
	}
	slices.SortFunc(found, func(a, b idle) int { return cmp.Compare(a.since, b.since) })
	var oldest []*conn
	for _, f := range found[:min(len(found), 1+p.max/100)] {
		oldest = append(oldest, f.c)
	}
	return oldest
}

func (p *pool) remove(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	p.count(c.client, -1)
	if p.freed != nil {
		close(p.freed)
		p.freed = nil
	}
}

func (p *pool) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// follow is the http.Server's ConnState: it keeps note of which connections are idle.
func (p *pool) follow(nc net.Conn, s http.ConnState) {
	c, ok := nc.(*conn)
	if t, over := nc.(interface{ NetConn() net.Conn }); !ok && over {
		c, ok = t.NetConn().(*conn)
	}
	if !ok {
		return
	}
	switch s {
	case http.StateActive:
		c.asked.Store(true)
		c.idleSince.Store(0)
	case http.StateIdle:
		c.idleSince.Store(time.Now().UnixNano())
	}
}

// listener hands out connections of the pool.
type listener struct {
	net.Listener
	pool *pool
	stop chan struct{}
	once sync.Once
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.pool.add(raw, l.stop); c != nil {
			return c, nil
		}
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.stop) })
	return l.Listener.Close()
}
