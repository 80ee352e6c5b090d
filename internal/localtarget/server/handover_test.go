//go:build unix

package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
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
	t.Parallel()
	b := newBusy(t, 32, 2) // more than the kernel holds of the download
	old := holder(t, b.dir, 0)
	t.Cleanup(func() { // the successors are nobody's children
		b.rest()
		if _, err := server.Stop(context.Background(), string(b.dir)); err != nil {
			t.Error(err)
		}
	})
	for range 2 {
		body := b.download()
		if err := syscall.Kill(old.PID, syscall.SIGUSR2); err != nil {
			t.Fatal(err)
		}
		next := holder(t, b.dir, old.PID)
		for range 5 { // the download has not been read: the old process is still there
			fresh := clients(t, b.https.String(), b.config)["HTTP/1.1"]
			if res, body := fetch(t, fresh, b.url); res.StatusCode != 200 || body != "the site" {
				t.Errorf("a new viewer: %d %q", res.StatusCode, body)
			}
		}
		if err := syscall.Kill(old.PID, 0); err != nil {
			t.Errorf("the old process has gone before its download was read: %v", err)
		}
		b.whole(body)
		b.forget()
		old = next
	}
	b.rest()
	b.http3()
	t.Logf("%d requests while two processes took over", b.asked.Load())
}

// A program that does not start any more takes nothing over.
func TestHandOverToAProgramThatFails(t *testing.T) {
	t.Parallel()
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
