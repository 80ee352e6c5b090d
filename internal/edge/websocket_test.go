package edge

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A WebSocket goes through to a custom origin: the handshake as a request, then what either side sends, until one ends.
func TestWebSocket(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Sec-Websocket-Key") == "" {
			w.WriteHeader(http.StatusUpgradeRequired)
			return
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: for %s\r\n\r\n", r.Header.Get("Sec-Websocket-Key"))
		for line := range strings.SplitSeq("hello\n", " ") {
			fmt.Fprint(conn, line)
		}
		text, err := buffered.ReadString('\n')
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(conn, "echo %s", text)
	}))
	defer srv.Close()
	te := newTestEdge(t, nil, func(o *Options) {
		o.Config.CustomOrigins = []CustomOrigin{customOriginAt(t, "api", srv.URL)}
		o.Config.Behaviors[1] = Behavior{OriginID: "api", OriginRequestPolicy: &OriginRequestPolicy{Headers: KeyPart{Behavior: "allViewer"}}}
		o.Config.Behaviors[0] = Behavior{PathPattern: "/cached", OriginID: "api", CachePolicy: optimized, OriginRequestPolicy: &OriginRequestPolicy{Headers: KeyPart{Behavior: "allViewer"}}}
	})
	front := httptest.NewServer(te)
	defer front.Close()
	dial := func(path, key string) (net.Conn, *bufio.Reader, *http.Response) {
		t.Helper()
		conn, err := net.Dial("tcp", front.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n%s\r\n", path, key)
		from := bufio.NewReader(conn)
		resp, err := http.ReadResponse(from, nil)
		if err != nil {
			t.Fatal(err)
		}
		return conn, from, resp
	}
	for _, path := range []string{"/live", "/cached"} {
		conn, from, resp := dial(path, "Sec-WebSocket-Key: abc\r\n")
		if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-Websocket-Accept") != "for abc" ||
			resp.Header.Get("Upgrade") != "websocket" || resp.Header.Get("X-Amz-Cf-Id") == "" {
			t.Fatalf("%s: %s %v", path, resp.Status, resp.Header)
		}
		if text, err := from.ReadString('\n'); err != nil || text != "hello\n" {
			t.Errorf("%q, %v", text, err)
		}
		fmt.Fprint(conn, "from the viewer\n")
		rest, err := io.ReadAll(from)
		if err != nil || string(rest) != "echo from the viewer\n" {
			t.Errorf("%q, %v", rest, err)
		}
	}
	if _, _, resp := dial("/live", ""); resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("a handshake that the origin refuses: %s", resp.Status)
	}
}

// A WebSocket on which nothing moves any more ends: here the server takes nothing, and the viewer's messages fill the way to it.
func TestStuckWebSocket(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		<-release
	}))
	defer srv.Close()
	defer close(release)
	te := newTestEdge(t, nil, func(o *Options) {
		o.Config.CustomOrigins = []CustomOrigin{customOriginAt(t, "api", srv.URL)}
		o.Config.Behaviors[1] = Behavior{OriginID: "api"}
	})
	te.socketIdle = 100 * time.Millisecond
	front := httptest.NewServer(te)
	defer front.Close()
	conn, err := net.Dial("tcp", front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	var timeout net.Error
	for block := make([]byte, 1<<20); err == nil; _, err = conn.Write(block) {
	}
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("it is still open")
	}
}

// A server that switches protocols although nobody asked it to must not get at the viewer's connection, on which others' requests
// may follow.
func TestUnwantedSwitch(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn) // until the edge hangs up
	}))
	defer srv.Close()
	te := newTestEdge(t, nil, func(o *Options) {
		o.Config.CustomOrigins = []CustomOrigin{customOriginAt(t, "api", srv.URL)}
		o.Config.Behaviors[1] = Behavior{OriginID: "api"}
		o.Config.Behaviors[0] = Behavior{PathPattern: "/cached", OriginID: "api", CachePolicy: optimized}
	})
	front := httptest.NewServer(te)
	defer front.Close()
	for _, path := range []string{"/passed", "/cached"} {
		resp, err := front.Client().Get(front.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadGateway {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}
