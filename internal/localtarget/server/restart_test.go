//go:build unix

package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
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

// TestMain lets the test binary stand in for the server that a service manager starts.
func TestMain(m *testing.M) {
	dir := os.Getenv("TEST_AS_SERVER")
	if dir == "" {
		os.Exit(m.Run())
	}
	if os.Remove(filepath.Join(dir, "refuse")) == nil {
		os.Exit(1) // a program that does not start
	}
	sockets, err := server.InheritSockets()
	if err == nil {
		err = server.Run(context.Background(), server.Options{StateDir: dir, Sockets: sockets, Version: "test",
			Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Ready: func(state.Holder) { fmt.Println("ready") }})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// manager does what systemd does: it holds the sockets and starts the server, again and again.
type manager struct {
	t                *testing.T
	dir              string
	files            []*os.File
	http, https, udp net.Addr
	process          *exec.Cmd
	// said is what the server and its successors print.
	said    *bufio.Reader
	printer *os.File
}

func newManager(t *testing.T, dir string) *manager {
	t.Helper()
	m := &manager{t: t, dir: dir}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp", secure.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	m.http, m.https, m.udp = plain.Addr(), secure.Addr(), packets.LocalAddr()
	for _, s := range []interface{ File() (*os.File, error) }{plain.(*net.TCPListener), secure.(*net.TCPListener), packets.(*net.UDPConn)} {
		f, err := s.File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		m.files = append(m.files, f)
	}
	for _, c := range []io.Closer{plain, secure, packets} {
		c.Close() // the files stay
	}
	t.Cleanup(m.stop)
	return m
}

func (m *manager) start() {
	m.t.Helper()
	cmd := exec.Command("/bin/sh", "-c", fmt.Sprintf(`LISTEN_PID=$$ LISTEN_FDS=%d exec "$0"`, len(m.files)), os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_AS_SERVER="+m.dir)
	cmd.ExtraFiles = m.files
	cmd.Stderr = os.Stderr
	if m.said == nil {
		from, to, err := os.Pipe()
		if err != nil {
			m.t.Fatal(err)
		}
		m.t.Cleanup(func() { from.Close(); to.Close() })
		m.said, m.printer = bufio.NewReader(from), to
	}
	cmd.Stdout = m.printer
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.process = cmd
	if line, err := m.said.ReadString('\n'); err != nil || line != "ready\n" {
		m.t.Fatalf("the server said %q, %v", line, err)
	}
}

// forget waits for the end of the server that m has started and that has handed over.
func (m *manager) forget() {
	if m.process != nil {
		if err := m.process.Wait(); err != nil {
			m.t.Errorf("the server that handed over ended with %v", err)
		}
		m.process = nil
	}
}

func (m *manager) stop() {
	if m.process == nil {
		return
	}
	_ = m.process.Process.Signal(syscall.SIGTERM)
	if err := m.process.Wait(); err != nil {
		m.t.Errorf("the server ended with %v", err)
	}
	m.process = nil
}

// strict is a viewer over HTTP/1.1 that tries nothing twice: it uses a connection until it is told not to, and counts
// whatever goes wrong.
func strict(t *testing.T, address, host string, stop *atomic.Bool, asked *atomic.Int64) {
	for !stop.Load() {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Errorf("connect: %v", err)
			return
		}
		r := bufio.NewReader(c)
		for again := true; again; {
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Errorf("request %d: %v", asked.Load(), err)
				break
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != http.StatusMovedPermanently && string(body) != "the site" {
				t.Errorf("request %d: %d %q %v", asked.Load(), res.StatusCode, body, err)
			}
			asked.Add(1)
			again = !res.Close && !stop.Load()
		}
		c.Close()
	}
}

// The server is restarted while it is busy, and while a download is on its way: no viewer gets an error, whatever it speaks.
func TestRestartDropsNothing(t *testing.T) {
	dir := state.Dir(t.TempDir())
	s := deploy(t, dir, site.Config{}, "one")
	big := strings.Repeat("0123456789abcdef", 4<<20) // 64 MB: more than the kernel holds
	folder := map[string]string{"index.html": "the site", "big.bin": big}
	releaseFiles(t, s, "r1", folder)
	m := newManager(t, string(dir))
	m.start()
	var stop atomic.Bool
	var asked atomic.Int64
	var viewers sync.WaitGroup
	for range 4 {
		viewers.Go(func() { strict(t, m.http.String(), s.Name()+".localhost", &stop, &asked) })
	}
	url := state.Holder{HTTPS: m.https.String()}.SiteURL(s.Name(), "")
	config := &tls.Config{RootCAs: roots(t, string(dir))}
	protocols := clients(t, m.https.String(), config)
	for _, name := range []string{"HTTP/1.1", "HTTP/2.0"} {
		viewers.Go(func() {
			for !stop.Load() {
				res, err := protocols[name].Get(url)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || string(body) != "the site" {
					t.Errorf("%s: %q %v", name, body, err)
				}
				asked.Add(1)
			}
		})
	}
	for range 3 {
		download := clients(t, m.https.String(), config)["HTTP/2.0"]
		res, err := download.Get(url + "big.bin")
		if err != nil {
			t.Fatal(err)
		}
		whole := make(chan string, 1)
		go func() {
			defer res.Body.Close()
			time.Sleep(100 * time.Millisecond) // the server is stopping by then
			n, err := io.Copy(io.Discard, res.Body)
			whole <- fmt.Sprint(n, err)
		}()
		before := asked.Load()
		m.stop()
		m.start()
		if got := <-whole; got != fmt.Sprint(len(big), nil) {
			t.Errorf("the download: %s", got)
		}
		deadline := time.Now().Add(time.Minute)
		for asked.Load() < before+200 && time.Now().Before(deadline) && !t.Failed() {
			time.Sleep(5 * time.Millisecond)
		}
	}
	stop.Store(true)
	viewers.Wait()
	// HTTP/3 is there again; connections of before are not, which viewers are told.
	if res, body := fetch(t, clients(t, m.udp.String(), config)["HTTP/3.0"], url); res.StatusCode != 200 || body != "the site" {
		t.Errorf("HTTP/3 after the restarts: %d %q", res.StatusCode, body)
	}
	t.Logf("%d requests over 3 restarts", asked.Load())
}
