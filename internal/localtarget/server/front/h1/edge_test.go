package h1

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
)

// shelf is a bucket in memory.
type shelf map[string]string

type opened struct{ *bytes.Reader }

func (opened) Close() error { return nil }

// Get implements edge.Origin.
func (s shelf) Get(_ context.Context, key string) (*edge.Object, error) {
	text, ok := s[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &edge.Object{Body: opened{bytes.NewReader([]byte(text))}, Size: int64(len(text)), ContentType: "text/html; charset=utf-8",
		CacheControl: "public, s-maxage=60", ETag: `"tag"`, Modified: time.Unix(1_000_000_000, 0)}, nil
}

// The edge's answers are the same over this server and over net/http, to requests of every kind.
func TestEdgeOverBothServers(t *testing.T) {
	e, err := edge.New(edge.Options{
		Origins: map[string]edge.Origin{"bucket": shelf{"page.html": strings.Repeat("<p>text</p>", 400), "small.html": "hi", "empty.html": "",
			"big.bin": strings.Repeat("0123456789", 1_200_000), "errors/404.html": "<h1>lost</h1>"}},
		Config: edge.Config{
			ErrorPages: []edge.ErrorPage{{Status: 404, ResponseStatus: 404, PagePath: "/errors/404.html"}},
			Behaviors: []edge.Behavior{{OriginID: "bucket", Compress: true,
				CachePolicy: edge.CachePolicy{MaxTTL: time.Hour, AcceptGzip: true, AcceptBrotli: true},
				ResponseHeadersPolicy: &edge.ResponseHeadersPolicy{Set: []edge.PolicyHeader{{Name: "x-frame-options", Value: "DENY"}},
					Remove: []string{"last-modified"}, CORS: &edge.CORS{AllowOrigins: []string{"https://a.example"}, AllowMethods: []string{"GET"}}},
				ViewerRequest: &edge.Function{Name: "f", Code: `function handler(event) {
					if (event.request.uri === '/made') { return { statusCode: 302, headers: { location: { value: '/small.html' } }, body: 'moved' }; }
					return event.request; }`}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	theirs := httptest.NewServer(e)
	defer theirs.Close()
	address, _ := serveOn(t, e.ServeHTTP, true, func(l net.Listener) net.Listener { return l })
	ours, oursIn := dial(t, address)
	std, stdIn := dial(t, theirs.Listener.Addr().String())
	paths := []string{"/page.html", "/small.html", "/empty.html", "/big.bin", "/none.html", "/made", "/page.html?x=1", "/../page.html", "/%70age.html"}
	headers := []string{"", "Accept-Encoding: gzip\r\n", "Accept-Encoding: br, gzip\r\n", "If-None-Match: \"tag\"\r\n", "If-Match: \"other\"\r\n",
		"If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n", "Range: bytes=0-1\r\n", "Range: bytes=1-2,4-5\r\n", "Range: bytes=99999999-\r\n",
		"Origin: https://a.example\r\n", "Origin: https://b.example\r\n", "Connection: keep-alive\r\nUser-Agent: test\r\n"}
	for _, method := range []string{"GET", "HEAD"} {
		for _, path := range paths {
			for _, header := range headers {
				request := method + " " + path + " HTTP/1.1\r\nHost: site.example\r\n" + header + "\r\n"
				for range 2 { // from the origin, from the cache
					got, want := ask(t, ours, oursIn, method, request), ask(t, std, stdIn, method, request)
					if got != want {
						t.Errorf("%q\ngot  %.400s\nwant %.400s", request, got, want)
					}
				}
			}
		}
	}
}

// ask returns the answer but for what no two answers have in common.
func ask(t *testing.T, c net.Conn, in *bufio.Reader, method, request string) string {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	id := strings.Trim(res.Header.Get("X-Amz-Cf-Id"), "=")
	for _, name := range []string{"Date", "Age", "X-Cache", "X-Amz-Cf-Id"} {
		res.Header.Del(name)
	}
	text := fmt.Sprint(res.Status, res.Header, res.ContentLength, res.TransferEncoding, res.Close, string(body))
	return strings.ReplaceAll(text, id, "ID")
}

// stuck is a bucket that does not answer for the time being.
type stuck struct{ asked, release chan struct{} }

// Get implements edge.Origin.
func (s stuck) Get(context.Context, string) (*edge.Object, error) {
	s.asked <- struct{}{}
	<-s.release
	return nil, fs.ErrNotExist
}

// Whatever takes long in the edge takes none of the others' time, though it is a quick handler.
func TestEdgeHoldsUpNobody(t *testing.T) {
	origin := stuck{make(chan struct{}, 100), make(chan struct{})}
	custom := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		origin.asked <- struct{}{}
		<-origin.release
	}))
	defer custom.Close()
	e, err := edge.New(edge.Options{
		Origins: map[string]edge.Origin{"bucket": shelf{"page.html": "here"}, "stuck": origin},
		Config: edge.Config{
			CustomOrigins: []edge.CustomOrigin{{ID: "api", DomainName: "127.0.0.1", ProtocolPolicy: "http-only",
				HTTPPort: custom.Listener.Addr().(*net.TCPAddr).Port}},
			Behaviors: []edge.Behavior{{PathPattern: "/stuck/*", OriginID: "stuck"}, {PathPattern: "/api/*", OriginID: "api"},
				{PathPattern: "/slow/*", OriginID: "bucket", ViewerRequest: &edge.Function{Name: "f", Code: `function handler(event) {
					for (let i = 0; i < 1e9; i++) {} return event.request; }`}},
				{OriginID: "bucket", CachePolicy: edge.CachePolicy{MaxTTL: time.Hour, DefaultTTL: time.Hour}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	address, _ := serveOn(t, e.ServeHTTP, true, func(l net.Listener) net.Listener { return l })
	for _, path := range []string{"/stuck/1", "/stuck/2", "/stuck/3", "/stuck/4", "/api/1", "/api/2", "/slow/1", "/slow/2"} {
		c, _ := dial(t, address)
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: site.example\r\n\r\n", path)
		if !strings.HasPrefix(path, "/slow/") {
			<-origin.asked
		}
		for range 8 {
			other, in := dial(t, address)
			if got := ask(t, other, in, "GET", "GET /page.html HTTP/1.1\r\nHost: site.example\r\n\r\n"); !strings.HasSuffix(got, "here") {
				t.Errorf("beside %s: %s", path, got)
			}
		}
	}
	close(origin.release)
}
