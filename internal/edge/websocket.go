package edge

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// WebSocket connections (Developer Guide, "Use WebSockets with CloudFront distributions") go to custom origins over HTTP/1.1. The
// opening handshake is a request like any other: what it needs (Sec-WebSocket-Key, …) is sent if the policies send it.

// socketIdle is how long a connection may be silent (Developer Guide, "Quotas on WebSocket connections").
const socketIdle = 10 * time.Minute

// isUpgrade reports whether a viewer asks for a WebSocket.
func (r *request) isUpgrade() bool {
	return r.method == http.MethodGet && r.version == "1.1" && strings.EqualFold(strings.Join(r.header["Upgrade"], ","), "websocket") &&
		hasToken(r.header["Connection"], "upgrade")
}

func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// socket is the origin's side of a WebSocket.
type socket struct {
	io.ReadWriteCloser
	cancel context.CancelCauseFunc
}

// Close implements io.Closer.
func (s *socket) Close() error {
	err := s.ReadWriteCloser.Close()
	s.cancel(nil)
	return err
}

// upgraded returns the origin's side of a WebSocket, if this is the answer to a handshake that worked.
func (a *answer) upgraded() (io.ReadWriteCloser, bool) {
	origin, ok := a.live.(io.ReadWriteCloser)
	return origin, ok && a.status == http.StatusSwitchingProtocols
}

// switchProtocols passes the handshake's answer on, and then everything that either side sends, until one of them ends, or
// nothing moves for as long as the connection may be silent. It returns how much the viewer got.
func (a *answer) switchProtocols(w http.ResponseWriter, origin io.ReadWriteCloser, silence time.Duration) (int64, error) {
	a.writeHeader(w)
	head := w.Header().Clone()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	head.Set("Connection", "Upgrade")
	head.Set("Upgrade", "websocket")
	head.Del("Content-Length")
	// Both sides are closed, since each may wait for the other: one that sends and does not read holds up both.
	idle := &idleConn{Conn: conn, silence: silence}
	idle.end = time.AfterFunc(silence, func() {
		conn.Close()
		origin.Close()
	})
	defer idle.end.Stop()
	out := bufio.NewWriter(idle)
	_, _ = out.WriteString("HTTP/1.1 101 Switching Protocols\r\n") // an error stays for Flush
	_ = head.Write(out)
	_, _ = out.WriteString("\r\n")
	if err := out.Flush(); err != nil {
		return 0, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(origin, io.MultiReader(io.LimitReader(buffered, int64(buffered.Reader.Buffered())), idle))
		origin.Close()
	}()
	written, _ := io.Copy(idle, origin)
	conn.Close()
	<-done
	return written, nil
}

// idleConn is a connection whose end is put off by whatever comes or goes.
type idleConn struct {
	net.Conn
	silence time.Duration
	end     *time.Timer
}

// Read implements net.Conn.
func (c *idleConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.end.Reset(c.silence)
	}
	return n, err
}

// Write implements net.Conn.
func (c *idleConn) Write(p []byte) (int, error) {
	c.end.Reset(c.silence)
	return c.Conn.Write(p)
}
