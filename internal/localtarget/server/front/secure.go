package front

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"time"
)

// lastHandshakes is how long the server waits for handshakes that have begun when it drains.
const lastHandshakes = 2 * time.Second

// serveTLS takes connections for TLS until the listener fails, and returns its error. Each handshake has a goroutine that ends
// with it: its stack grows to several times what a connection needs that waits for its next request, and would be kept as long.
func (f *Front) serveTLS(l net.Listener) error {
	for delay := time.Millisecond; ; {
		nc, err := l.Accept()
		if err == nil {
			delay = time.Millisecond
			f.handshakes.Add(1)
			go f.shakeHands(nc)
			continue
		}
		if t, ok := err.(interface{ Temporary() bool }); !ok || !t.Temporary() || f.draining.Load() {
			return err
		}
		time.Sleep(delay) // as when there are no more file descriptors
		delay = min(2*delay, time.Second)
	}
}

// shakeHands gives a connection to who speaks what the viewer chose.
func (f *Front) shakeHands(nc net.Conn) {
	defer f.handshakes.Add(-1)
	c := tls.Server(nc, f.opts.TLS)
	_ = nc.SetDeadline(time.Now().Add(f.limits.HeaderTimeout)) // a closed connection says so when it is used
	if err := c.HandshakeContext(context.Background()); err != nil {
		f.opts.Log.Debug("TLS handshake", "from", nc.RemoteAddr().String(), "error", err)
		var record tls.RecordHeaderError
		if errors.As(err, &record) && record.Conn != nil && likeHTTP(record.RecordHeader) {
			_, _ = io.WriteString(nc, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n") // its viewer may be gone
		}
		_ = nc.Close()
		return
	}
	_ = nc.SetDeadline(time.Time{}) // as above
	switch c.ConnectionState().NegotiatedProtocol {
	case "", "http/1.1":
		f.simple.Take(c)
	case "h2":
		f.handedTLS.give(c)
	default: // the authority that checks a name asks nothing
		_ = c.Close()
	}
}

// likeHTTP reports whether a viewer began without TLS.
func likeHTTP(header [5]byte) bool {
	return slices.Contains([]string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH"}, string(header[:]))
}

// tlsAgain is a connection over TLS that something has been read from, which is read again first.
type tlsAgain struct {
	*tls.Conn
	unread []byte
}

// Read implements net.Conn.
func (c *tlsAgain) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}
