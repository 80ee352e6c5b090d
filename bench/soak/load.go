package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// flip publishes folders, and rolls back now and then.
func (b *bed) flip(ctx context.Context) {
	dir := filepath.Join(b.dir, "files")
	for n := 1; wait(ctx, 2*time.Second); n++ {
		id := fmt.Sprintf("f%d", n)
		_ = os.MkdirAll(filepath.Join(dir, "assets"), 0o755)
		for _, name := range []string{"index.html", "page1.html", "page2.html", "page3.html", "page4.html", "page5.html", "page6.html", "page7.html", "page8.html", "page9.html", "page10.html"} {
			_ = os.WriteFile(filepath.Join(dir, name), page(id), 0o644)
		}
		_ = os.WriteFile(filepath.Join(dir, "assets", "app.js"), bytes.Repeat([]byte(id), 60000), 0o644)
		_ = os.WriteFile(filepath.Join(dir, "big.bin"), make([]byte, 30_000_000), 0o644)
		args := []string{"publish", dir, "--release", id, "--yes"}
		if n%5 == 0 {
			args = []string{"rollback", "--yes"}
		}
		if out, err := b.tool(context.WithoutCancel(ctx), args...); err != nil {
			b.complain("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		b.flips.Add(1)
	}
}

// build commits, which the server notices, builds and publishes.
func (b *bed) build(ctx context.Context) {
	for n := 1; wait(ctx, 5*time.Second); n++ {
		if err := b.commit(fmt.Sprintf("c%d", n)); err != nil {
			b.complain("%v", err)
		}
		b.builds.Add(1)
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// behave reads pages, and minds that each is there and whole.
func (b *bed) behave(ctx context.Context) {
	want := len(page("")) // and the release's name
	for i := 0; wait(ctx, 2*time.Millisecond); i++ {
		res, err := b.get(ctx, fmt.Sprintf("/page%d", 1+i%10))
		if err != nil {
			if ctx.Err() == nil {
				b.complain("a viewer that behaves: %v", err)
			}
			continue
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if ctx.Err() != nil {
			return
		}
		if err != nil || res.StatusCode != 200 || !bytes.HasPrefix(body, []byte("<!doctype html><!-- ")) || len(body) < want || len(body) > want+10 {
			b.complain("a viewer that behaves: %d, %d bytes, %v", res.StatusCode, len(body), err)
		}
		b.good.Add(1)
	}
}

// wander asks for paths and queries that nobody has asked for before.
func (b *bed) wander(ctx context.Context) {
	for wait(ctx, 3*time.Millisecond) {
		path := fmt.Sprintf("/wander/%x.html", rand.Uint64())
		if rand.IntN(2) == 0 {
			path = fmt.Sprintf("/page1?x=%x", rand.Uint64())
		}
		if res, err := b.get(ctx, path); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			b.wandered.Add(1)
		}
	}
}

// neverRead asks for the large file and reads nothing of it.
func (b *bed) neverRead(ctx context.Context) {
	b.connections(ctx, 40, func(c net.Conn) {
		fmt.Fprintf(c, "GET /big.bin HTTP/1.1\r\nHost: %s\r\n\r\n", b.site)
		select {
		case <-ctx.Done():
		case <-time.After(15 * time.Second):
		}
	})
}

// slowHeader sends its header a byte at a time.
func (b *bed) slowHeader(ctx context.Context) {
	b.connections(ctx, 40, func(c net.Conn) {
		_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
		for err == nil && wait(ctx, 100*time.Millisecond) {
			_, err = io.WriteString(c, "x")
		}
	})
}

func (b *bed) hugeHeader(ctx context.Context) {
	huge := strings.Repeat("x", 1<<20)
	b.connections(ctx, 2, func(c net.Conn) {
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nX-Huge: %s\r\n\r\n", b.site, huge)
		_, _ = io.Copy(io.Discard, c)
	})
}

func (b *bed) manyRanges(ctx context.Context) {
	ranges := "bytes=" + strings.TrimSuffix(strings.Repeat("0-,", 1000), ",")
	for wait(ctx, 50*time.Millisecond) {
		res, err := b.get(ctx, "/big.bin", "Range", ranges)
		if err != nil {
			continue
		}
		_, _ = io.CopyN(io.Discard, res.Body, 1<<20)
		res.Body.Close()
		b.bad.Add(1)
	}
}

// connections holds n connections with a misbehaviour, each anew when it is over.
func (b *bed) connections(ctx context.Context, n int, misbehave func(net.Conn)) {
	done := make(chan struct{})
	for range n {
		go func() {
			for ctx.Err() == nil {
				c, err := tls.Dial("tcp", b.holder.HTTPS, b.tls)
				if err != nil {
					b.refused.Add(1)
					wait(ctx, 100*time.Millisecond)
					continue
				}
				misbehave(c)
				c.Close()
				b.bad.Add(1)
			}
			done <- struct{}{}
		}()
	}
	for range n {
		<-done
	}
}

// reset opens streams and takes them back at once.
func (b *bed) reset(ctx context.Context) {
	config := b.tls.Clone()
	config.NextProtos = []string{"h2"}
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", b.site}, {":path", "/assets/app.js"}} {
		_ = e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	for wait(ctx, 200*time.Millisecond) {
		c, err := tls.Dial("tcp", b.holder.HTTPS, config)
		if err != nil {
			continue
		}
		_, _ = io.WriteString(c, http2.ClientPreface)
		f := http2.NewFramer(c, bufio.NewReader(c))
		_ = f.WriteSettings()
		go func() {
			for {
				if _, err := f.ReadFrame(); err != nil {
					return
				}
			}
		}()
		for id := uint32(1); id < 2000; id += 2 {
			err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
			if err != nil || f.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
				break
			}
			b.resets.Add(1)
		}
		c.Close()
	}
}

// idle holds kept connections that ask once and then say nothing.
func (b *bed) idle(ctx context.Context) {
	for ctx.Err() == nil {
		var kept []net.Conn
		for range 500 {
			c, err := net.Dial("tcp", b.holder.Listen)
			if err != nil {
				continue
			}
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", b.site)
			if res, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
			}
			kept = append(kept, c)
		}
		wait(ctx, 15*time.Second)
		for _, c := range kept {
			c.Close()
		}
	}
}
