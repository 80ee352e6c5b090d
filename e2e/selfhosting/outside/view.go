package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"
)

// viewers ask for a site's pages until they are told to go, and try nothing twice.
type viewers struct {
	host, machine string
	tls           *tls.Config

	mu       sync.Mutex
	requests int
	slowest  time.Duration
	errors   []string
}

// view runs viewers until ctx ends: over http, over HTTP/1.1 and HTTP/2 with TLS, and one that downloads slowly. It prints how many
// requests were answered and how long the slowest waited for its answer's first bytes, and returns an error if one was not.
func view(ctx context.Context, args []string) error {
	v := &viewers{}
	f := flag.NewFlagSet("view", flag.ExitOnError)
	f.StringVar(&v.machine, "machine", "", "address of the machine")
	f.StringVar(&v.host, "host", "shop.example.com", "the site")
	dir := f.String("dir", "", "folder with acme.crt")
	download := f.String("download", "", "path of a large file that is downloaded slowly, again and again")
	if err := f.Parse(args); err != nil {
		return err
	}
	pool, err := roots(filepath.Join(*dir, "acme.crt"))
	if err != nil {
		return err
	}
	v.tls = &tls.Config{RootCAs: pool, ServerName: v.host}
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { v.strict(ctx, "80", http.StatusMovedPermanently) })
		all.Go(func() { v.strict(ctx, "443", http.StatusOK) })
		all.Go(func() { v.http2(ctx) })
	}
	if *download != "" {
		all.Go(func() { v.slow(ctx, *download) })
	}
	all.Wait()
	fmt.Printf("%d requests, %d errors, the slowest answer began after %d ms\n", v.requests, len(v.errors), v.slowest.Milliseconds())
	for i, e := range v.errors {
		if i == 5 {
			break
		}
		fmt.Println("  " + e)
	}
	if len(v.errors) > 0 || v.requests == 0 {
		return fmt.Errorf("%d of %d requests were not answered", len(v.errors), v.requests)
	}
	return nil
}

// count notes one request.
func (v *viewers) count(began time.Time, what string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.requests++
	v.slowest = max(v.slowest, time.Since(began))
	if err != nil {
		v.errors = append(v.errors, time.Now().Format("15:04:05.000 ")+what+": "+err.Error())
	}
}

func (v *viewers) dial(port string) (net.Conn, error) {
	address := net.JoinHostPort(v.machine, port)
	if port == "80" {
		return net.Dial("tcp", address)
	}
	return tls.Dial("tcp", address, v.tls)
}

// strict uses a connection of HTTP/1.1 until the server says that it is the last answer on it.
func (v *viewers) strict(ctx context.Context, port string, want int) {
	for ctx.Err() == nil {
		began := time.Now()
		c, err := v.dial(port)
		if err != nil {
			v.count(began, "connect to "+port, err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		r := bufio.NewReader(c)
		for again := true; again && ctx.Err() == nil; began = time.Now() {
			again, err = v.ask(c, r, want)
			v.count(began, "port "+port, err)
		}
		c.Close()
	}
}

func (v *viewers) ask(c net.Conn, r *bufio.Reader, want int) (again bool, err error) {
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", v.host) // an error shows below
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return false, err
	}
	if res.StatusCode != want {
		return false, fmt.Errorf("%s", res.Status)
	}
	return !res.Close, nil
}

// client speaks HTTP/2.
func (v *viewers) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: v.tls.Clone(),
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, net.JoinHostPort(v.machine, "443"))
		},
	}}
}

func (v *viewers) http2(ctx context.Context) {
	c := v.client()
	for ctx.Err() == nil {
		began := time.Now()
		res, err := c.Get("https://" + v.host + "/")
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if err == nil && (res.StatusCode != http.StatusOK || res.ProtoMajor != 2) {
				err = fmt.Errorf("%s over %s", res.Status, res.Proto)
			}
		}
		v.count(began, "HTTP/2", err)
	}
}

// slow reads a file at about 8 MB/s, so that a download is on its way whenever something happens.
func (v *viewers) slow(ctx context.Context, path string) {
	for ctx.Err() == nil {
		began := time.Now()
		res, err := v.client().Get("https://" + v.host + path)
		waited := time.Since(began)
		if err == nil {
			err = slowly(res)
		}
		v.count(time.Now().Add(-waited), "download", err)
	}
}

func slowly(res *http.Response) error {
	defer res.Body.Close()
	var n int64
	for {
		m, err := io.CopyN(io.Discard, res.Body, 256<<10)
		if n += m; err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", n, err)
		}
		time.Sleep(32 * time.Millisecond)
	}
	if n != res.ContentLength {
		return fmt.Errorf("%d bytes of %d", n, res.ContentLength)
	}
	return nil
}
