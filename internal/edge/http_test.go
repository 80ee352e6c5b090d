package edge

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAccessLog(t *testing.T) {
	var buf bytes.Buffer
	te := newTestEdge(t, nil, func(o *Options) { o.AccessLog = slog.New(slog.NewJSONHandler(&buf, nil)) })
	te.origin.put("r1/a b.txt", "content", "text/plain", assetControl)
	resp := te.get(t, "/a%20b.txt?x=1", "Referer", "https://example.com/", "User-Agent", "curl")
	var got map[string]any
	if err := json.Unmarshal(buf.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	want := map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "host": "site.localhost:8080", "uri": "/a%20b.txt?x=1",
		"status": 200.0, "bytes": 7.0, "duration": 0.0, "result": "Miss", "key": "r1/a b.txt", "ip": "192.0.2.1",
		"referer": "https://example.com/", "user_agent": "curl", "request_id": resp.Header.Get("X-Amz-Cf-Id"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// fileOrigin serves files, as the local target's disk store does.
type fileOrigin struct{ dir string }

func (o fileOrigin) Get(_ context.Context, key string) (*Object, error) {
	f, err := os.Open(filepath.Join(o.dir, filepath.FromSlash(key)))
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Object{Body: f, Size: fi.Size(), ContentType: "video/mp4", CacheControl: assetControl,
		ETag: fmt.Sprintf(`"%x"`, fi.Size()), Modified: fi.ModTime()}, nil
}

// fetchURL gets a path of a server, and the whole body. headers are name, value pairs.
func fetchURL(t *testing.T, srv *httptest.Server, path string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest("GET", srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, data
}

// Objects that are not held in memory are streamed, whole, in ranges, and again after they have changed.
func TestLargeObject(t *testing.T) {
	dir := t.TempDir()
	content := bytes.Repeat([]byte("0123456789abcdef"), maxHeld/16+1000)
	file := filepath.Join(dir, "r1", "film.mp4")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	te := newTestEdge(t, nil, func(o *Options) { o.Origins["bucket"] = fileOrigin{dir} })
	srv := httptest.NewServer(te)
	defer srv.Close()
	get := func(headers ...string) (*http.Response, []byte) {
		t.Helper()
		return fetchURL(t, srv, "/film.mp4", headers...)
	}
	for range 2 {
		resp, data := get("Accept-Encoding", "br")
		wantStatus(t, resp, 200, "Miss")
		if !bytes.Equal(data, content) {
			t.Errorf("content differs: %d bytes", len(data))
		}
	}
	if te.cache.size > 2*overhead {
		t.Errorf("the cache holds %d bytes", te.cache.size)
	}
	resp, data := get("Range", "bytes=16-31")
	wantStatus(t, resp, 206, "")
	if string(data) != "0123456789abcdef" {
		t.Errorf("range %q", data)
	}
	resp, data = get("Range", "bytes=0-1,32-33")
	wantStatus(t, resp, 206, "")
	if int64(len(data)) != resp.ContentLength || strings.Count(string(data), "01\r\n") != 2 {
		t.Errorf("ranges %q", data)
	}
	resp, _ = get("If-None-Match", resp.Header.Get("ETag"))
	wantStatus(t, resp, 304, "Hit")
	if err := os.WriteFile(file, content[:maxHeld+16], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, data = get(); len(data) != maxHeld+16 {
		t.Errorf("after a change %d bytes", len(data))
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	resp, _ = get()
	wantStatus(t, resp, 404, "Error")
}

// A body that can't be read to its end must not look complete.
func TestBrokenStreamCutsTheConnection(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/film", strings.Repeat("x", maxHeld+1), "video/mp4", assetControl)
	te.origin.change("r1/film", func(o *fakeObject) { o.broken = true })
	srv := httptest.NewUnstartedServer(te)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.Start()
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL + "/film")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("the viewer sees no error")
	}
}

// What only a raw connection can send.
func TestRawRequests(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/index.html", strings.Repeat("one ", 1000), "text/html", htmlControl)
	srv := httptest.NewServer(te)
	defer srv.Close()
	tests := map[string]struct {
		request string
		status  int
		header  map[string]string
	}{
		"HTTP/1.0 is not compressed": {"GET / HTTP/1.0\r\nAccept-Encoding: br\r\n\r\n", 200, map[string]string{"Content-Encoding": ""}},
		"HTTP/1.1 is":                {"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n\r\n", 200, map[string]string{"Content-Encoding": "br"}},
		"absolute form":              {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 200, nil},
		"dots":                       {"GET /../../secret HTTP/1.1\r\nHost: a\r\n\r\n", 404, nil},
		"body":                       {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", 403, nil},
		"asterisk":                   {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 200, nil}, // net/http's own answer
		"control character":          {"GET /a\x01b HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			if _, err := io.WriteString(conn, tc.request); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			wantStatus(t, resp, tc.status, "")
			for name, value := range tc.header {
				wantHeader(t, resp, name, value)
			}
		})
	}
}

// Flips under load: each request that begins after a flip has returned gets the new release, in every form.
func TestFlipsUnderLoad(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	const releases = 20
	name := func(i int) string { return fmt.Sprintf("r%03d", i) }
	for i := range releases {
		te.origin.put(name(i)+"/index.html", strings.Repeat(name(i)+" ", 500), "text/html", htmlControl)
	}
	te.kv.swap(name(0))
	var mu sync.Mutex
	live := 0
	done := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		encoding := []string{"", "gzip", "br", "br"}[w]
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				mu.Lock()
				oldest := live
				mu.Unlock()
				got := body(t, te.get(t, "/", "Accept-Encoding", encoding))
				if len(got) != 2500 || strings.Count(got, got[:5]) != 500 || got[:4] < name(oldest) {
					t.Errorf("after the flip to %s: %d bytes of %q", name(oldest), len(got), got[:min(len(got), 20)])
					return
				}
			}
		})
	}
	for i := 1; i < releases; i++ {
		te.kv.swap(name(i))
		mu.Lock()
		live = i
		mu.Unlock()
		te.get(t, "/")
	}
	close(done)
	wg.Wait()
}
