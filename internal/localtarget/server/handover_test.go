//go:build unix

package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// holder waits until a process other than the one before serves the state folder.
func holder(t *testing.T, dir state.Dir, before int) state.Holder {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if h, running, err := dir.Holder(); err == nil && running && h.Serves() && h.PID != before {
			return h
		}
	}
	t.Fatalf("process %d has no successor", before)
	return state.Holder{}
}

// A new process takes over while a download is on its way that keeps the old one busy: nobody gets an error, and nobody waits
// for the download.
func TestHandOverMakesNobodyWait(t *testing.T) {
	dir := state.Dir(t.TempDir())
	s := deploy(t, dir, site.Config{}, "one")
	big := strings.Repeat("0123456789abcdef", 2<<20) // 32 MB: more than the kernel holds
	releaseFiles(t, s, "r1", map[string]string{"index.html": "the site", "big.bin": big})
	m := newManager(t, string(dir))
	m.start()
	old := holder(t, dir, 0)
	t.Cleanup(func() { // the successors are nobody's children
		if _, err := server.Stop(context.Background(), string(dir)); err != nil {
			t.Error(err)
		}
	})
	var stop atomic.Bool
	var asked atomic.Int64
	var viewers sync.WaitGroup
	for range 2 {
		viewers.Go(func() { strict(t, m.http.String(), s.Name()+".localhost", &stop, &asked) })
	}
	url := state.Holder{HTTPS: m.https.String()}.SiteURL(s.Name(), "")
	config := &tls.Config{RootCAs: roots(t, string(dir))}
	for _, name := range []string{"HTTP/1.1", "HTTP/2.0"} {
		client := clients(t, m.https.String(), config)[name]
		viewers.Go(func() {
			for !stop.Load() {
				if res, body := fetch(t, client, url); res.StatusCode != 200 || body != "the site" {
					t.Errorf("%s: %d %q", name, res.StatusCode, body)
				}
				asked.Add(1)
			}
		})
	}
	for range 2 {
		download := clients(t, m.https.String(), config)["HTTP/2.0"]
		res, err := download.Get(url + "big.bin")
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(old.PID, syscall.SIGUSR2); err != nil {
			t.Fatal(err)
		}
		next := holder(t, dir, old.PID)
		for range 5 { // the download has not been read: the old process is still there
			fresh := clients(t, m.https.String(), config)["HTTP/1.1"]
			if res, body := fetch(t, fresh, url); res.StatusCode != 200 || body != "the site" {
				t.Errorf("a new viewer: %d %q", res.StatusCode, body)
			}
		}
		if err := syscall.Kill(old.PID, 0); err != nil {
			t.Errorf("the old process has gone before its download was read: %v", err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err != nil || n != int64(len(big)) {
			t.Errorf("the download: %d bytes, %v", n, err)
		}
		m.forget()
		old = next
	}
	stop.Store(true)
	viewers.Wait()
	if res, body := fetch(t, clients(t, m.udp.String(), config)["HTTP/3.0"], url); res.StatusCode != 200 || body != "the site" {
		t.Errorf("HTTP/3 afterwards: %d %q", res.StatusCode, body)
	}
	t.Logf("%d requests while two processes took over", asked.Load())
}

// A program that does not start any more takes nothing over.
func TestHandOverToAProgramThatFails(t *testing.T) {
	dir := state.Dir(t.TempDir())
	s := deploy(t, dir, site.Config{}, "one")
	releaseFiles(t, s, "r1", map[string]string{"index.html": "the site"})
	m := newManager(t, string(dir))
	m.start()
	h := holder(t, dir, 0)
	refuse := filepath.Join(string(dir), "refuse")
	if err := os.WriteFile(refuse, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(h.PID, syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) { // the successor takes it away as it fails
		if _, err := os.Stat(refuse); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no successor was started")
		}
	}
	c, err := net.Dial("tcp", m.http.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "HEAD / HTTP/1.1\r\nHost: %s.localhost\r\n\r\n", s.Name())
	if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != http.StatusMovedPermanently {
		t.Errorf("%v %v", res, err)
	}
	if now, running, err := dir.Holder(); err != nil || !running || now.PID != h.PID {
		t.Errorf("%+v %t %v; want process %d still", now, running, err, h.PID)
	}
}
