package poll_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
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

// A viewer that reads slowly gets all of it, and does not hold up others.
func TestSendToASlowViewer(t *testing.T) {
	want := make([]byte, 5<<20)
	_, _ = rand.Read(want)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, want, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(c *poll.Conn) (int64, error){
		"two pieces": func(c *poll.Conn) (int64, error) {
			n, err := c.Send(want[:100_000], want[100_000:], func() { _ = c.SetWriteDeadline(time.Now().Add(time.Minute)) })
			return int64(n), err
		},
		"one": func(c *poll.Conn) (int64, error) { n, err := c.Write(want); return int64(n), err },
		"file": func(c *poll.Conn) (int64, error) {
			f, err := os.Open(file)
			if err != nil {
				return 0, err
			}
			defer f.Close()
			return c.ReadFrom(io.LimitReader(f, int64(len(want))))
		},
		"other reader": func(c *poll.Conn) (int64, error) { return c.ReadFrom(bytes.NewReader(want)) },
	}
	for name, send := range tests {
		t.Run(name, func(t *testing.T) {
			var c *poll.Conn
			sent := make(chan error, 1)
			c, viewer := connect(t, func() {
				n, err := send(c)
				if err == nil && n != int64(len(want)) {
					err = fmt.Errorf("%d bytes of %d", n, len(want))
				}
				sent <- err
			}, func() {})
			if !c.Park() {
				t.Fatal("cannot be parked")
			}
			_, _ = io.WriteString(viewer, "go")
			first := make([]byte, 1000)
			if _, err := io.ReadFull(viewer, first); err != nil {
				t.Fatal(err)
			}
			// The answer is on its way, and the kernel has no room for the rest. All other connections, which have the same loops, go on.
			for range 8 {
				other := adopt(t)
				_, _ = io.WriteString(other.viewer, "x")
				other.awaitWake(t)
			}
			rest := make([]byte, len(want)-len(first))
			if _, err := io.ReadFull(viewer, rest); err != nil {
				t.Fatal(err)
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
			if !bytes.Equal(append(first, rest...), want) {
				t.Error("the viewer got something else")
			}
		})
	}
}

func TestSendEnds(t *testing.T) {
	tests := map[string]struct {
		end  func(p *pair)
		want error
	}{
		"deadline": {func(p *pair) {}, os.ErrDeadlineExceeded},
		"closed":   {func(p *pair) { p.Close() }, nil},
		"reset":    {func(p *pair) { _ = p.viewer.SetLinger(0); p.viewer.Close() }, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p := adopt(t)
			_, _ = io.WriteString(p.viewer, "x")
			p.awaitWake(t)
			waits, sent := make(chan struct{}), make(chan error, 1)
			var once sync.Once
			go func() {
				_, err := p.Send(make([]byte, 32<<20), nil, func() {
					if name == "deadline" {
						_ = p.SetWriteDeadline(time.Now())
					}
					once.Do(func() { close(waits) })
				})
				sent <- err
			}()
			await(t, waits, "32 MB found room somewhere")
			tc.end(p)
			if err := <-sent; err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("Send = %v, want %v", err, tc.want)
			}
		})
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

// A viewer that reads as fast as is written to it holds up nobody, however small the pieces are.
func TestSendOfManyPieces(t *testing.T) {
	reached := make(chan struct{})
	sent := make(chan struct{})
	var c *poll.Conn
	c, viewer := connect(t, func() {
		defer close(sent)
		for range 300 {
			if _, err := c.Write(make([]byte, 1<<10)); err != nil {
				t.Error(err)
			}
		}
		await(t, reached, "the others wait for one viewer")
	}, func() {})
	if !c.Park() {
		t.Fatal("cannot be parked")
	}
	_, _ = io.WriteString(viewer, "go")
	if _, err := io.ReadFull(viewer, make([]byte, 300<<10)); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		other := adopt(t)
		_, _ = io.WriteString(other.viewer, "x")
		other.awaitWake(t)
	}
	close(reached)
	<-sent
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

// Many connections that come and go, that wait in the loop's stead or not, and that somebody closes: every viewer gets its echo, or
// its end, and no other's.
func TestManyAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	var unsupported atomic.Bool
	serving.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			if !echo(&serving, nc.(*net.TCPConn)) {
				unsupported.Store(true)
				nc.Close()
			}
		}
	})
	var viewers sync.WaitGroup
	for v := range 16 {
		viewers.Go(func() {
			for range 20 {
				if !visit(t, l.Addr().String(), v, &unsupported) {
					return
				}
			}
		})
	}
	viewers.Wait()
	l.Close()
	serving.Wait()
	if unsupported.Load() {
		t.Skip("this system has no loops: each connection has a goroutine")
	}
}

// echo sends back what comes. Of what begins with 'c', somebody closes the connection meanwhile.
func echo(serving *sync.WaitGroup, tcp *net.TCPConn) bool {
	var c *poll.Conn
	var count int
	serving.Add(1)
	end := func() { c.Release(); serving.Done() }
	wake := func() {
		for {
			buf := make([]byte, 64)
			n, err := c.Read(buf)
			switch {
			case errors.Is(err, poll.ErrNotYet):
				if c.Park() {
					return
				}
				continue
			case err != nil:
				end()
				return
			}
			if count++; count%3 == 0 {
				c.Leave()
				time.Sleep(time.Microsecond)
			}
			if buf[0] == 'c' {
				go c.Close()
			}
			if _, err := c.Write(buf[:n]); err != nil {
				end()
				return
			}
		}
	}
	c, err := poll.Adopt(tcp, wake, func() {})
	if err != nil {
		serving.Done()
		return false
	}
	if !c.Park() {
		go wake()
	}
	return true
}

func visit(t *testing.T, address string, v int, unsupported *atomic.Bool) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	for i := range 50 {
		text := fmt.Sprintf("viewer %d, %d", v, i)
		if i == 49 && v%2 == 0 {
			text = "c" + text
		}
		if _, err := io.WriteString(c, text); err != nil {
			t.Error(err)
			return false
		}
		got := make([]byte, len(text))
		_, err := io.ReadFull(c, got)
		if unsupported.Load() {
			return false
		}
		if err != nil && text[0] != 'c' || err == nil && string(got) != text {
			t.Errorf("got %q, %v, want %q", got, err, text)
			return false
		}
	}
	return true
}
