package poll_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/front/poll"
)

// pair is an adopted connection and its viewer's end of it.
type pair struct {
	*poll.Conn
	viewer *net.TCPConn
	woken  chan struct{} // wake has been called: the connection is the test's
	gone   chan struct{} // closed by gone
}

// adopt makes a pair whose connection is parked, unless the system has no loops.
func adopt(t *testing.T) *pair {
	t.Helper()
	p := &pair{woken: make(chan struct{}, 1), gone: make(chan struct{})}
	p.Conn, p.viewer = connect(t, func() { p.Leave(); p.woken <- struct{}{} }, func() { close(p.gone) })
	if !p.Park() {
		t.Fatal("a new connection cannot be parked")
	}
	return p
}

// connect makes a connection that is the caller's.
func connect(t *testing.T, wake, gone func()) (*poll.Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	viewer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { viewer.Close() })
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, err := poll.Adopt(server.(*net.TCPConn), wake, gone)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system has no loops: each connection has a goroutine")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Release)
	// The first look finds nothing, and from then on events tell.
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, poll.ErrNotYet) {
		t.Fatalf("Read of a new connection = %d, %v", n, err)
	}
	return c, viewer.(*net.TCPConn)
}

func (p *pair) awaitWake(t *testing.T) {
	t.Helper()
	await(t, p.woken, "the connection was not woken")
}

func await(t *testing.T, c <-chan struct{}, message string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatal(message)
	}
}

func TestRead(t *testing.T) {
	p := adopt(t)
	buf := make([]byte, 100)
	for i := range 100 {
		text := fmt.Sprintf("request %d", i)
		if _, err := io.WriteString(p.viewer, text); err != nil {
			t.Fatal(err)
		}
		p.awaitWake(t)
		if n, err := p.Read(buf); err != nil || string(buf[:n]) != text {
			t.Fatalf("Read = %q, %v, want %q", buf[:n], err, text)
		}
		if n, err := p.Read(buf); n != 0 || !errors.Is(err, poll.ErrNotYet) {
			t.Fatalf("Read with nothing there = %d, %v", n, err)
		}
		if !p.Park() {
			t.Fatal("Park = false with nothing to read")
		}
	}
}

// What does not fit into one read is there for the next.
func TestReadInPieces(t *testing.T) {
	p := adopt(t)
	if _, err := io.WriteString(p.viewer, "0123456789"); err != nil {
		t.Fatal(err)
	}
	p.awaitWake(t)
	var got []byte
	for len(got) < 10 {
		if p.Park() {
			p.awaitWake(t)
		}
		buf := make([]byte, 4)
		n, err := p.Read(buf)
		if err != nil && !errors.Is(err, poll.ErrNotYet) {
			t.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
	if string(got) != "0123456789" {
		t.Errorf("read %q", got)
	}
}

func TestEnd(t *testing.T) {
	tests := map[string]struct {
		end  func(p *pair) error
		gone bool
		want string // is read before the end
	}{
		"the viewer closes":                {end: func(p *pair) error { return p.viewer.Close() }, gone: true},
		"the viewer closes one side":       {end: func(p *pair) error { return p.viewer.CloseWrite() }, gone: true},
		"the viewer asks and closes":       {end: func(p *pair) error { io.WriteString(p.viewer, "last"); return p.viewer.Close() }, gone: true, want: "last"},
		"somebody closes":                  {end: func(p *pair) error { return p.Close() }},
		"the viewer's connection is reset": {end: func(p *pair) error { _ = p.viewer.SetLinger(0); return p.viewer.Close() }, gone: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p := adopt(t)
			if err := tc.end(p); err != nil {
				t.Fatal(err)
			}
			p.awaitWake(t)
			var got []byte
			for {
				buf := make([]byte, 10)
				n, err := p.Read(buf)
				got = append(got, buf[:n]...)
				if errors.Is(err, poll.ErrNotYet) {
					if p.Park() {
						p.awaitWake(t)
					}
				} else if err != nil {
					break
				}
			}
			if string(got) != tc.want {
				t.Errorf("read %q, want %q", got, tc.want)
			}
			if _, err := p.Read(make([]byte, 1)); err == nil || errors.Is(err, poll.ErrNotYet) {
				t.Errorf("Read once more = %v, want the end", err)
			}
			if tc.gone {
				await(t, p.gone, "nobody was told that the viewer has gone")
			}
		})
	}
}

func TestReadDeadline(t *testing.T) {
	p := adopt(t)
	_, _ = io.WriteString(p.viewer, "x")
	p.awaitWake(t)
	_, _ = p.Read(make([]byte, 10))
	_ = p.SetReadDeadline(time.Now().Add(-time.Second))
	if p.Park() {
		p.awaitWake(t)
	}
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read = %v", err)
	}
	_ = p.SetReadDeadline(time.Time{})
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, poll.ErrNotYet) {
		t.Errorf("Read without a deadline = %v", err)
	}
}

func TestRouse(t *testing.T) {
	p := adopt(t)
	p.Rouse()
	p.awaitWake(t)
	p.Rouse() // it is not parked
	if p.Park() {
		t.Error("a connection that was roused can be parked at once")
	}
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, poll.ErrNotYet) {
		t.Errorf("Read = %v", err)
	}
	if !p.Park() {
		t.Error("it cannot be parked ever after")
	}
}

// Whoever leaves the loop may wait as long as he likes, many times over.
func TestLeave(t *testing.T) {
	release := make(chan struct{})
	var left sync.WaitGroup
	for range 50 {
		var c *poll.Conn
		entered := make(chan struct{})
		left.Add(1)
		c, viewer := connect(t, func() {
			defer left.Done()
			c.Leave()
			c.Leave() // does nothing
			close(entered)
			<-release
		}, func() {})
		if !c.Park() {
			t.Fatal("cannot be parked")
		}
		_, _ = io.WriteString(viewer, "x")
		await(t, entered, "the loop waits for one that has left it")
	}
	close(release)
	left.Wait()
}

func TestThaw(t *testing.T) {
	p := adopt(t)
	_, _ = io.WriteString(p.viewer, "x")
	p.awaitWake(t)
	_, _ = p.Read(make([]byte, 10))
	nc, err := p.Thaw()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, ok := nc.(*net.TCPConn); !ok {
		t.Errorf("it is a %T", nc)
	}
	go io.WriteString(p.viewer, "later")
	buf := make([]byte, 5)
	if _, err := io.ReadFull(nc, buf); err != nil || string(buf) != "later" {
		t.Errorf("%q, %v", buf, err)
	}
	p.Release() // is not nc's business
	if _, err := nc.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if err := p.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Close = %v", err)
	}
	if _, err := p.Thaw(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Thaw again = %v", err)
	}
}
