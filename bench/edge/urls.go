package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// compareURLs asks a fresh edge for n URLs that nobody has asked for before: pages with a query, pages that are not there, and
// over http, which redirects to https. It prints what memory the edge has then, for each kind.
func (b *bed) compareURLs(ctx context.Context, binary string, n int) error {
	fmt.Printf("\n| %d distinct URLs | answers | before | after | %v later | took |\n|---|---|---|---|---|---|\n", n, settle)
	for _, kind := range []struct {
		name, path string
		status     int
		plain      bool
	}{
		{"a page, with a query each", "/?q=%d", http.StatusOK, false},
		{"no such page", "/missing/%d", http.StatusNotFound, false},
		{"http, redirected", "/moved/%d", http.StatusMovedPermanently, true},
	} {
		protocol := "HTTP/1.1 over TLS"
		if kind.plain {
			protocol = "HTTP/1.1"
		}
		s, err := b.fresh(ctx, binary, protocol, kind.name)
		if err != nil {
			return err
		}
		before, began := s.resident(), time.Now()
		err = askAll(ctx, s.url, kind.path, kind.status, n, !kind.plain)
		took, after := time.Since(began), s.resident()
		if err == nil {
			time.Sleep(settle)
			fmt.Printf("| %s | %d | %d MB | %d MB | %d MB | %.0f s |\n", kind.name, kind.status, before>>10, after>>10, s.resident()>>10, took.Seconds())
		}
		_ = s.process.Process.Signal(syscall.SIGTERM)
		_ = s.process.Wait()
		if err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
	}
	return nil
}

// askAll asks for n URLs over a few connections, and minds the status of each.
func askAll(ctx context.Context, address, path string, status, n int, secure bool) error {
	const viewers = 8
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{MaxIdleConnsPerHost: viewers, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			}},
	}
	defer client.CloseIdleConnections()
	base := "http://localhost"
	if secure {
		base = "https://localhost"
	}
	var asking sync.WaitGroup
	failed := make(chan error, viewers)
	for v := range viewers {
		asking.Go(func() {
			for i := v; i < n && ctx.Err() == nil; i += viewers {
				res, err := client.Get(base + strings.Replace(path, "%d", fmt.Sprint(i), 1))
				if err == nil {
					_, err = io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
				if err == nil && res.StatusCode != status {
					err = fmt.Errorf("status %d", res.StatusCode)
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	asking.Wait()
	close(failed)
	return <-failed
}
