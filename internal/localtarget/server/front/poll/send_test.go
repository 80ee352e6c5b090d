package poll_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/front/poll"
)

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
