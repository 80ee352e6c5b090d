//go:build unix

package server_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

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

// terminate asks the server to stop.
func (m *manager) terminate() { _ = m.process.Process.Signal(syscall.SIGTERM) }

// stop asks the server to stop, and returns when it has.
func (m *manager) stop() {
	if m.process == nil {
		return
	}
	m.terminate()
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

// busy is a server of one site that viewers of every protocol over TCP ask without a pause.
type busy struct {
	*manager
	dir     state.Dir
	site    state.Site
	big     int64 // bytes of /big.bin
	url     string
	config  *tls.Config
	asked   atomic.Int64 // requests that were answered
	over    atomic.Bool
	viewers sync.WaitGroup
}

// newBusy starts a server with a file of so many megabytes, and viewers, of which so many do without https.
func newBusy(t *testing.T, megabytes, plain int) *busy {
	t.Helper()
	dir := state.Dir(t.TempDir())
	b := &busy{dir: dir, site: deploy(t, dir, site.Config{}, "one"), big: int64(megabytes) << 20}
	releaseFiles(t, b.site, "r1", map[string]string{"index.html": "the site", "big.bin": strings.Repeat("0123456789abcdef", megabytes<<16)})
	b.manager = newManager(t, string(dir))
	b.start()
	b.url = state.Holder{HTTPS: b.https.String()}.SiteURL(b.site.Name(), "")
	b.config = &tls.Config{RootCAs: roots(t, string(dir))}
	t.Cleanup(b.rest)
	for range plain {
		b.viewers.Go(func() { strict(t, b.http.String(), b.site.Name()+".localhost", &b.over, &b.asked) })
	}
	for name, client := range clients(t, b.https.String(), b.config) {
		if name == "HTTP/3.0" {
			continue // its connections end with the process, which viewers are told
		}
		b.viewers.Go(func() {
			for !b.over.Load() {
				res, err := client.Get(b.url)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != http.StatusOK || string(body) != "the site" {
					t.Errorf("%s: %d %q %v", name, res.StatusCode, body, err)
				}
				b.asked.Add(1)
			}
		})
	}
	return b
}

// download asks for the large file, and reads nothing of it.
func (b *busy) download() io.ReadCloser {
	b.t.Helper()
	res, err := clients(b.t, b.https.String(), b.config)["HTTP/2.0"].Get(b.url + "big.bin")
	if err != nil {
		b.t.Fatal(err)
	}
	return res.Body
}

// whole reads a download to its end.
func (b *busy) whole(body io.ReadCloser) {
	defer body.Close()
	if n, err := io.Copy(io.Discard, body); err != nil || n != b.big {
		b.t.Errorf("the download: %d bytes, %v", n, err)
	}
}

// rest sends the viewers home.
func (b *busy) rest() {
	b.over.Store(true)
	b.viewers.Wait()
}

// http3 asks over HTTP/3, on a new connection.
func (b *busy) http3() {
	b.t.Helper()
	if res, body := fetch(b.t, clients(b.t, b.udp.String(), b.config)["HTTP/3.0"], b.url); res.StatusCode != 200 || body != "the site" {
		b.t.Errorf("HTTP/3 afterwards: %d %q", res.StatusCode, body)
	}
}
