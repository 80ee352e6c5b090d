package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// transports are one for each protocol.
func (b *bed) transports(t *testing.T) map[string]http.RoundTripper {
	t.Helper()
	config := &tls.Config{RootCAs: b.pool}
	one := &http.Transport{TLSClientConfig: config.Clone(), TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	two := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true}
	three := &http3.Transport{TLSClientConfig: config.Clone()}
	t.Cleanup(func() {
		one.CloseIdleConnections()
		two.CloseIdleConnections()
		_ = three.Close()
	})
	return map[string]http.RoundTripper{"HTTP/1.1": one, "HTTP/2.0": two, "HTTP/3.0": three}
}

func TestBodiesArriveWhole(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("0123456789abcdef"), 40<<10) // 640 KB
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, want, 0o600); err != nil {
		t.Fatal(err)
	}
	var seen atomic.Pointer[Writer]
	b := start(t, Limits{}, func(w http.ResponseWriter, r *http.Request) {
		defer seen.Store(w.(*Writer))
		f, err := os.Open(file)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		switch r.URL.Path {
		case "/write":
			_, _ = w.Write(want)
		case "/file":
			_, _ = io.Copy(w, f)
		case "/part":
			_, _ = io.Copy(w, io.LimitReader(f, 100_000))
		case "/echo":
			sent, _ := io.ReadAll(r.Body)
			_, _ = w.Write(sent)
		}
	})
	for name, rt := range b.transports(t) {
		for path, size := range map[string]int{"/write": len(want), "/file": len(want), "/part": 100_000, "/echo": len(want)} {
			t.Run(name+path, func(t *testing.T) {
				method, body := http.MethodGet, io.Reader(nil)
				if path == "/echo" {
					method, body = http.MethodPost, bytes.NewReader(want)
				}
				req, err := http.NewRequest(method, "https://"+b.https+path, body)
				if err != nil {
					t.Fatal(err)
				}
				res, err := rt.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				got, err := io.ReadAll(res.Body)
				if err != nil || !bytes.Equal(got, want[:size]) || res.Proto != name {
					t.Errorf("%s: %d bytes, %v; want %d", res.Proto, len(got), err, size)
				}
				await(t, func() bool { w := seen.Load(); return w.Status() == 200 && w.Written() == int64(size) })
			})
		}
	}
}

func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	limits := quick
	limits.Requests = 2
	limits.StallTimeout = 10 * time.Second
	release := make(chan struct{})
	b := start(t, limits, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-release
		}
	})
	for range 2 {
		go func() {
			if res, err := http.Get("http://" + b.http + "/slow"); err == nil {
				res.Body.Close()
			}
		}()
	}
	await(t, func() bool { return b.Stats().Requests == 2 })
	res, err := http.Get("http://" + b.http + "/")
	if err != nil || res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("third request: %v, %v", res, err)
	}
	close(release)
	await(t, func() bool { return b.Stats().Requests == 0 })
	if err := b.get(); err != nil || b.Stats().TurnedAway != 1 {
		t.Errorf("after that: %v, %d turned away", err, b.Stats().TurnedAway)
	}
}

func TestIdleConnectionsMakeRoom(t *testing.T) {
	t.Parallel()
	limits := quick
	limits.Connections, limits.StallTimeout, limits.HeaderTimeout = 8, 10*time.Second, 10*time.Second
	release := make(chan struct{})
	b := start(t, limits, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-release
		}
	})
	request := func(c net.Conn, path string) { _, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n") }
	var idle []net.Conn
	for range 8 {
		c := b.dial(t, "")
		request(c, "/")
		if n, err := c.Read(make([]byte, 1000)); n == 0 {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	for i := range 4 {
		if err := b.get(); err != nil {
			t.Fatalf("viewer %d beyond the limit: %v", i, err)
		}
	}
	if s := b.Stats(); s.Evicted == 0 || s.Evicted > 4 {
		t.Errorf("%+v", s)
	}
	// The one that was idle the longest is gone, and the server is whole: with all connections busy a new one waits.
	_ = idle[0].SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := idle[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection that was idle the longest: %v", err)
	}
	for i := range 8 {
		request(b.dial(t, ""), "/slow")
		await(t, func() bool { return b.Stats().Requests == i+1 })
	}
	waits := make(chan error, 1)
	go func() { waits <- b.get() }()
	select {
	case err := <-waits:
		t.Errorf("a ninth viewer did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	if err := <-waits; err != nil {
		t.Errorf("a viewer that waited: %v", err)
	}
}

// A viewer that has just connected is not taken for one that has nothing to say: those that were answered make room for it. One
// that stays silent does make room.
func TestNewcomersAreNotIdle(t *testing.T) {
	t.Parallel()
	p := newPool(Limits{Connections: 4})
	add := func() *conn {
		server, client := net.Pipe()
		t.Cleanup(func() { client.Close() })
		return p.add(server, nil)
	}
	silent, answered, young := add(), add(), add()
	silent.idleSince.Store(time.Now().Add(-2 * newcomer).UnixNano())
	p.follow(answered, http.StateActive)
	p.follow(answered, http.StateIdle)
	busy := add()
	p.follow(busy, http.StateActive)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, want := range []*conn{silent, answered} {
		got := p.longestIdle()
		if len(got) != 1 || got[0] != want {
			t.Fatalf("%v make room", got)
		}
		delete(p.conns, want)
	}
	if got := p.longestIdle(); len(got) != 0 {
		t.Errorf("%v make room, which are %p, new, and %p, busy", got, young, busy)
	}
}

// address is a connection that comes from somewhere.
type address struct {
	net.Conn
	from string
}

func (a address) RemoteAddr() net.Addr {
	tcp, err := net.ResolveTCPAddr("tcp", a.from)
	if err != nil {
		panic(err)
	}
	return tcp
}

func (a address) Close() error { return nil }

func TestConnectionsOfOneClient(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from []string
		want int
	}{
		"one address":           {[]string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3"}, 2},
		"three addresses":       {[]string{"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"}, 3},
		"one network of IPv6":   {[]string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3:4]:1"}, 2},
		"mapped and not":        {[]string{"192.0.2.1:1", "[::ffff:192.0.2.1]:2", "[::ffff:192.0.2.1]:3"}, 2},
		"the machine itself":    {[]string{"127.0.0.1:1", "127.0.0.1:2", "[::1]:3"}, 3},
		"three networks of it":  {[]string{"[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", "[2001:db8:0:3::1]:1"}, 3},
		"link-local with zones": {[]string{"[fe80::1%lo]:1", "[fe80::2%lo]:1", "[fe80::3%lo]:1"}, 2},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPool(Limits{Connections: 10, ConnectionsPerClient: 2})
			var in []*conn
			for _, from := range tc.from {
				if c := p.add(address{from: from}, nil); c != nil {
					in = append(in, c)
				}
			}
			if len(in) != tc.want {
				t.Errorf("%d connections, want %d", len(in), tc.want)
			}
			for _, c := range in {
				_ = c.Close()
				_ = c.Close() // twice does no harm
			}
			if p.len() != 0 || len(p.clients) != 0 {
				t.Errorf("%d connections and %d clients are left", p.len(), len(p.clients))
			}
		})
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"} {
		t.Run(protocol, func(t *testing.T) {
			begun, release := make(chan struct{}), make(chan struct{})
			b := start(t, Limits{DrainTimeout: 20 * time.Second}, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					close(begun)
					<-release
				}
				_, _ = io.WriteString(w, "whole")
			})
			answer := make(chan string, 1)
			rt := b.transports(t)[protocol]
			go func() {
				req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://"+b.https+"/slow", nil)
				res, err := rt.RoundTrip(req)
				if err != nil {
					answer <- err.Error()
					return
				}
				defer res.Body.Close()
				body, err := io.ReadAll(res.Body)
				if err != nil {
					answer <- err.Error()
				}
				answer <- string(body)
			}()
			<-begun
			drained := make(chan struct{})
			go func() { b.Drain(); close(drained) }()
			await(t, func() bool {
				_, err := net.Dial("tcp", b.http)
				return err != nil
			})
			select {
			case <-drained:
				t.Error("a request was not waited for")
			case <-time.After(2 * lastRequests):
			}
			close(release)
			if got := <-answer; got != "whole" {
				t.Errorf("the request on its way: %s", got)
			}
			select {
			case <-drained:
			case <-time.After(time.Minute):
				t.Error("the server waits for nobody")
			}
		})
	}
}

// A viewer that uses its connection while the server stops is told to make another, in the answer.
func TestDrainTellsKeptConnections(t *testing.T) {
	t.Parallel()
	b := start(t, Limits{}, func(http.ResponseWriter, *http.Request) {})
	c := b.dial(t, "")
	ask := func() string {
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		p := make([]byte, 1000)
		n, err := c.Read(p)
		if err != nil {
			t.Fatal(err)
		}
		return string(p[:n])
	}
	if got := ask(); strings.Contains(got, "Connection: close") {
		t.Errorf("before: %q", got)
	}
	b.draining.Store(true)
	if got := ask(); !strings.Contains(got, "Connection: close") {
		t.Errorf("while it drains: %q", got)
	}
}
