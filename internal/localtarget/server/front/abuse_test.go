package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// large is an answer that does not fit into the kernel's buffers.
var large = bytes.Repeat([]byte("x"), 1<<20)

// endless writes until the viewer has been given up, and counts how often that was.
func endless(given *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/endless" {
			return
		}
		for {
			if _, err := w.Write(large); err != nil {
				given.Add(1)
				panic(http.ErrAbortHandler)
			}
		}
	}
}

// Whoever sends its header too slowly is cut off, over whatever it has connected by.
func TestSlowHeader(t *testing.T) {
	t.Parallel()
	b := start(t, quick, func(http.ResponseWriter, *http.Request) {})
	for name, connect := range map[string]func() net.Conn{
		"nothing at all": func() net.Conn { return b.dial(t, "") },
		"a byte at a time": func() net.Conn {
			c := b.dial(t, "")
			go func() {
				for _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX: "); err == nil; _, err = io.WriteString(c, "x") {
					time.Sleep(10 * time.Millisecond)
				}
			}()
			return c
		},
		"no TLS handshake": func() net.Conn {
			c, err := net.Dial("tcp", b.https)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connect()
			_ = c.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.Copy(io.Discard, c); isTimeout(err) {
				t.Error("not cut off")
			}
			if err := b.get(); err != nil {
				t.Errorf("another viewer: %v", err)
			}
		})
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func TestHugeHeader(t *testing.T) {
	t.Parallel()
	var reached atomic.Int64
	b := start(t, Limits{}, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/well" {
			reached.Add(1)
		}
	})
	for name, rt := range b.transports(t) {
		for size, allowed := range map[int]bool{20 << 10: true, 80 << 10: false} {
			t.Run(fmt.Sprintf("%s, %d KB", name, size>>10), func(t *testing.T) {
				reached.Store(0)
				req, err := http.NewRequest(http.MethodGet, "https://"+b.https+"/", nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("X-Long", strings.Repeat("x", size))
				res, err := rt.RoundTrip(req)
				status := 0
				if err == nil {
					status = res.StatusCode
					res.Body.Close()
				}
				if (reached.Load() > 0) != allowed || allowed && status != 200 || !allowed && err == nil && status != http.StatusRequestHeaderFieldsTooLarge {
					t.Errorf("reached the handler: %d, status %d, %v", reached.Load(), status, err)
				}
			})
		}
	}
}

// A viewer that asks for much and reads nothing costs a moment, not a connection for ever.
func TestViewerThatNeverReads(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, b *bed){
		"HTTP/1.1":          func(t *testing.T, b *bed) { askRaw(t, b.dial(t, "")) },
		"HTTP/1.1 over TLS": func(t *testing.T, b *bed) { askRaw(t, b.dial(t, "http/1.1")) },
		"HTTP/2, a closed window": func(t *testing.T, b *bed) {
			f := framer(t, b, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
			open(t, f, 1, "/endless")
			go drainFrames(f) // the connection is read, but the window stays closed
		},
		"HTTP/2, an open window": func(t *testing.T, b *bed) {
			f := framer(t, b, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
			if err := f.WriteWindowUpdate(0, 1<<30); err != nil {
				t.Fatal(err)
			}
			open(t, f, 1, "/endless") // and nothing is read from now on
		},
		"HTTP/3": func(t *testing.T, b *bed) {
			c, err := quic.DialAddr(t.Context(), b.https, &tls.Config{RootCAs: b.pool, NextProtos: []string{http3.NextProtoH3}}, &quic.Config{KeepAlivePeriod: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.CloseWithError(0, "") })
			stream, err := (&http3.Transport{}).NewClientConn(c).OpenRequestStream(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			req, _ := http.NewRequest(http.MethodGet, "https://"+b.https+"/endless", nil)
			if err := stream.SendRequestHeader(req); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, misbehave := range tests {
		t.Run(name, func(t *testing.T) {
			var given atomic.Int64
			b := start(t, quick, endless(&given))
			misbehave(t, b)
			await(t, func() bool { return given.Load() == 1 })
			await(t, func() bool { return b.Stats().Requests == 0 })
			if err := b.get(); err != nil {
				t.Errorf("another viewer: %v", err)
			}
		})
	}
}

func askRaw(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.WriteString(c, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

// A viewer that reads slowly, but does, gets everything, however long it takes, from whichever server it gets it.
func TestViewerThatReadsSlowly(t *testing.T) {
	t.Parallel()
	tests := map[string]string{"our own loop": "", "net/http": "Connection: close\r\n"}
	for name, header := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const size = 40 << 20 // more than the kernel holds back
			limits := quick
			limits.StallTimeout = time.Second // a busy machine makes even those slow who are not
			b := start(t, limits, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/well" {
					return
				}
				for range size / len(large) {
					if _, err := w.Write(large); err != nil {
						t.Errorf("given up: %v", err)
						return
					}
				}
			})
			c := b.dial(t, "")
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetReadBuffer(64 << 10)
			}
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n"+header+"\r\n"); err != nil {
				t.Fatal(err)
			}
			readSlowly(t, c, size, limits.StallTimeout)
		})
	}
}

// readSlowly reads an answer with a body of so many bytes and no declared length, for several times as long as may be a stall.
func readSlowly(t *testing.T, c net.Conn, size int, stall time.Duration) {
	t.Helper()
	began, total, p, end := time.Now(), 0, make([]byte, 256<<10), []byte("\r\n0\r\n\r\n")
	var last []byte
	for {
		n, err := c.Read(p)
		total += n
		last = append(last, p[:n]...)
		last = last[max(0, len(last)-len(end)):]
		if total > size && bytes.Equal(last, end) {
			break
		}
		if err != nil {
			t.Fatalf("after %d bytes and %s: %v", total, time.Since(began), err)
		}
		if time.Since(began) < 4*stall {
			time.Sleep(30 * time.Millisecond)
		}
	}
	if took := time.Since(began); took < 3*stall {
		t.Errorf("it took %s only, which shows nothing", took)
	}
}

// Thousands of requests that are taken back at once (CVE-2023-44487) neither pile up handlers nor disturb others.
func TestRapidReset(t *testing.T) {
	limits := quick
	limits.Streams = 10
	limits.StallTimeout = 10 * time.Second
	var busy, most atomic.Int64
	b := start(t, limits, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/reset" {
			return
		}
		n := busy.Add(1)
		defer busy.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(20 * time.Millisecond) // a handler that does not look whether its viewer is still there
	})
	before := runtime.NumGoroutine()
	f := framer(t, b)
	ended := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			_, err = f.ReadFrame()
		}
		ended <- err
	}()
	block := headers("/reset")
	var err error
	sent := 0
	for ; sent < 20000 && err == nil; sent++ {
		id := uint32(2*sent + 1)
		err = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true, EndStream: true})
		if err == nil {
			err = f.WriteRSTStream(id, http2.ErrCodeCancel)
		}
	}
	if err := b.get(); err != nil {
		t.Errorf("another viewer: %v", err)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the connection is still open")
	}
	if most.Load() > int64(limits.Streams) {
		t.Errorf("%d handlers at a time, want %d at most", most.Load(), limits.Streams)
	}
	await(t, func() bool { return runtime.NumGoroutine() < before+20 })
	t.Logf("cut off after %d resets, %d handlers at a time", sent, most.Load())
}

// The same over HTTP/3.
func TestRapidResetHTTP3(t *testing.T) {
	t.Parallel()
	limits := quick
	limits.Streams = 10
	var busy, most atomic.Int64
	b := start(t, limits, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/reset" {
			return
		}
		n := busy.Add(1)
		defer busy.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-r.Context().Done()
	})
	c, err := quic.DialAddr(t.Context(), b.https, &tls.Config{RootCAs: b.pool, NextProtos: []string{http3.NextProtoH3}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseWithError(0, "") }()
	h3 := (&http3.Transport{}).NewClientConn(c)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for range 2000 {
		stream, err := h3.OpenRequestStream(ctx)
		if err != nil {
			break
		}
		req, _ := http.NewRequest(http.MethodGet, "https://"+b.https+"/reset", nil)
		_ = stream.SendRequestHeader(req)
		stream.CancelWrite(0x10c)
		stream.CancelRead(0x10c)
	}
	if err := b.get(); err != nil {
		t.Errorf("another viewer: %v", err)
	}
	if n := most.Load(); n > 200 {
		t.Errorf("%d handlers at a time", n)
	}
	await(t, func() bool { return busy.Load() == 0 })
}

// framer opens an HTTP/2 connection.
func framer(t *testing.T, b *bed, settings ...http2.Setting) *http2.Framer {
	t.Helper()
	c := b.dial(t, "h2")
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	f := http2.NewFramer(c, c)
	if err := f.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	return f
}

func headers(path string) []byte {
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", path}} {
		_ = e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	return block.Bytes()
}

func open(t *testing.T, f *http2.Framer, id uint32, path string) {
	t.Helper()
	if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: headers(path), EndHeaders: true, EndStream: true}); err != nil {
		t.Fatal(err)
	}
}

func drainFrames(f *http2.Framer) {
	for {
		if _, err := f.ReadFrame(); err != nil {
			return
		}
	}
}
