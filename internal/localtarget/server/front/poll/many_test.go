package poll_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/front/poll"
)

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
