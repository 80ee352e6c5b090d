package edge

import (
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

func TestServeObject(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/index.html", "<h1>one</h1>", "text/html; charset=utf-8", htmlControl)

	resp := te.get(t, "/")
	wantStatus(t, resp, 200, "Miss")
	wantHeader(t, resp, "Content-Type", "text/html; charset=utf-8")
	wantHeader(t, resp, "Cache-Control", htmlControl)
	wantHeader(t, resp, "Last-Modified", "Sun, 01 Nov 2026 10:00:00 GMT")
	wantHeader(t, resp, "Content-Length", "12")
	wantHeader(t, resp, "Accept-Ranges", "bytes")
	wantHeader(t, resp, "X-Amz-Cf-Pop", "LOCAL")
	wantHeader(t, resp, "Age", "")
	if resp.Header.Get("ETag") == "" || resp.Header.Get("X-Amz-Cf-Id") == "" || !strings.HasPrefix(resp.Header.Get("Via"), "1.1 ") {
		t.Errorf("headers are missing: %v", resp.Header)
	}
	if got := body(t, resp); got != "<h1>one</h1>" {
		t.Errorf("body %q", got)
	}

	te.advance(90 * time.Second)
	resp = te.get(t, "/")
	wantStatus(t, resp, 200, "Hit")
	wantHeader(t, resp, "Age", "90")
	if n := te.origin.count("r1/index.html"); n != 1 {
		t.Errorf("the origin was asked %d times, want 1", n)
	}

	resp = te.do(t, http.MethodHead, "/")
	wantStatus(t, resp, 200, "Hit")
	wantHeader(t, resp, "Content-Length", "12")
	if got := body(t, resp); got != "" {
		t.Errorf("HEAD has the body %q", got)
	}
}

// The viewer's URI, not the rewritten one, chooses the behaviour; the functionless one does not run the function.
func TestBehaviorIsTheViewersURI(t *testing.T) {
	te := newTestEdge(t, func(ev *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error) {
		req := ev.Request
		req.URI = "/_errors" + req.URI
		return &cfjs.Result{Request: &req, Changed: cfjs.Changed{URI: true}}, nil
	}, func(o *Options) {
		o.Config.Behaviors[0].ResponseHeadersPolicy = &ResponseHeadersPolicy{Set: []PolicyHeader{{Name: "x-from", Value: "errors"}}}
	})
	te.origin.put("_errors/404.html", "gone", "text/html", "")
	resp := te.get(t, "/404.html")
	wantStatus(t, resp, 200, "Miss")
	wantHeader(t, resp, "X-From", "")
	wantHeader(t, te.get(t, "/_errors/404.html"), "X-From", "errors")
}

// UPSTREAM defects 10 and 11: a missing file is a real 404 with the release's own page, not S3's 403 XML.
func TestDefect11_MissingFileIsARealNotFound(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	page := "<h1>lost</h1>" + strings.Repeat(" page", 500)
	te.origin.put("_errors/404.html", page, "text/html; charset=utf-8", htmlControl)
	for range 2 {
		resp := te.get(t, "/users/42", "If-None-Match", "*", "Range", "bytes=0-1")
		wantStatus(t, resp, 404, "Error")
		wantHeader(t, resp, "Content-Type", "text/html; charset=utf-8")
		if got := body(t, resp); got != page {
			t.Errorf("body %q", got)
		}
	}
	if n := te.origin.count("r1/users/42"); n != 1 {
		t.Errorf("the missing key was asked for %d times, want once in the error caching minimum TTL", n)
	}
	resp := te.get(t, "/users/42", "Accept-Encoding", "br")
	wantHeader(t, resp, "Content-Encoding", "br")
	if got := body(t, resp); got != page {
		t.Errorf("compressed page %q", got)
	}
	te.advance(11 * time.Second)
	te.get(t, "/users/42")
	if n := te.origin.count("r1/users/42"); n != 2 {
		t.Errorf("after the TTL the missing key was asked for %d times, want 2", n)
	}
}

func TestErrorPageStatusAndPolicy(t *testing.T) {
	te := newTestEdge(t, nil, func(o *Options) {
		o.Config.ErrorPages[0].ResponseStatus = 200
		o.Config.Behaviors[1].ResponseHeadersPolicy = &ResponseHeadersPolicy{Set: []PolicyHeader{{Name: "X-Frame-Options", Value: "SAMEORIGIN"}}}
	})
	te.origin.put("_errors/404.html", "app", "text/html", "")
	resp := te.get(t, "/nothing")
	wantStatus(t, resp, 200, "Error")
	wantHeader(t, resp, "X-Frame-Options", "SAMEORIGIN")
}

// After a flip has returned, no answer shows the old release, its 404 page included.
func TestFlip(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/index.html", "one", "text/html", htmlControl)
	te.origin.put("r2/index.html", "two", "text/html", htmlControl)
	te.origin.put("_errors/404.html", "lost in one", "text/html", htmlControl)
	check := func(index, missing string) {
		t.Helper()
		if got := body(t, te.get(t, "/")); got != index {
			t.Errorf("index %q, want %q", got, index)
		}
		if got := body(t, te.get(t, "/missing")); got != missing {
			t.Errorf("404 page %q, want %q", got, missing)
		}
	}
	check("one", "lost in one")
	te.origin.put("_errors/404.html", "lost in two", "text/html", htmlControl)
	te.kv.swap("r2")
	check("two", "lost in two")
	te.origin.put("_errors/404.html", "lost in one", "text/html", htmlControl)
	te.kv.swap("r1")
	check("one", "lost in one")
}

// A pruned release's id may be used again for other files: what the cache holds of the first is checked after each flip.
func TestReusedReleaseID(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/index.html", "one", "text/html", htmlControl)
	te.origin.put("r1/app.js", "same", "text/javascript", assetControl)
	body(t, te.get(t, "/"))
	body(t, te.get(t, "/app.js"))
	te.kv.swap("r2")
	te.origin.put("r1/index.html", "another one", "text/html", htmlControl)
	te.kv.swap("r1")
	resp := te.get(t, "/")
	wantStatus(t, resp, 200, "Miss")
	if got := body(t, resp); got != "another one" {
		t.Errorf("body %q", got)
	}
	wantStatus(t, te.get(t, "/app.js"), 200, "RefreshHit")
	wantStatus(t, te.get(t, "/app.js"), 200, "Hit")
}

// UPSTREAM defect 13: files keep the Cache-Control of their class, and Date and Age are there.
func TestDefect13_CacheHeaders(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/index.html", "one", "text/html", htmlControl)
	te.origin.put("r1/app.123.js", "js", "text/javascript", assetControl)
	wantHeader(t, te.get(t, "/"), "Cache-Control", htmlControl)
	wantHeader(t, te.get(t, "/app.123.js"), "Cache-Control", assetControl)
	wantHeader(t, te.get(t, "/"), "Age", "0")
}

func TestPathsStayInTheRelease(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/a b+ü.html", "found", "text/html", "")
	te.origin.put("secret", "secret", "text/plain", "")
	te.origin.put("_releases/r1.json", "{}", "application/json", "")
	te.origin.put("r1/../secret", "secret", "text/plain", "")
	tests := map[string]struct {
		uri    string
		status int
	}{
		"plus is a space":         {"/a%20b+%C3%BC.html", 404},
		"encoded plus":            {"/a%20b%2B%C3%BC.html", 200},
		"dots":                    {"/../secret", 404},
		"encoded dots":            {"/%2e%2e/secret", 404},
		"encoded slash":           {"/..%2fsecret", 404},
		"double-encoded":          {"/%252e%252e/secret", 404},
		"backslash":               {"/..%5csecret", 404},
		"functionless behaviour":  {"/_errors/..%2fsecret", 404},
		"dots around a behaviour": {"/_errors/../secret", 404},
		"manifest":                {"/_releases/r1.json", 404},
		"NUL":                     {"/a%00", 404},
		"malformed":               {"/%zz", 400},
		"not UTF-8":               {"/%ff", 400},
		"absolute form":           {"http://site.localhost/nothing", 404},
		"too long":                {"/" + strings.Repeat("a", 8192), 413},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			resp := te.get(t, tc.uri)
			wantStatus(t, resp, tc.status, "")
			if got := body(t, resp); strings.Contains(got, "secret") || tc.status == 200 && got != "found" {
				t.Errorf("body %q", got)
			}
		})
	}
}

func TestOriginFailure(t *testing.T) {
	tests := map[string]struct {
		err    error
		status int
	}{
		"missing":   {fs.ErrNotExist, 404},
		"forbidden": {fs.ErrPermission, 403},
		"broken":    {errors.New("disk on fire"), 502},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			te := newTestEdge(t, nil, nil)
			te.origin.fail(tc.err)
			wantStatus(t, te.get(t, "/x"), tc.status, "Error")
		})
	}
	t.Run("body", func(t *testing.T) {
		te := newTestEdge(t, nil, nil)
		te.origin.put("r1/x", "content", "text/plain", "")
		te.origin.change("r1/x", func(o *fakeObject) { o.broken = true })
		wantStatus(t, te.get(t, "/x"), 502, "Error")
		te.origin.change("r1/x", func(o *fakeObject) { o.broken = false })
		wantStatus(t, te.get(t, "/x"), 200, "Miss")
	})
}

// Concurrent misses of one object ask the origin once; the others count as hits (request-s3-traffic-spikes).
func TestCollapsedMisses(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/x", "content", "text/plain", "")
	te.origin.gate = make(chan struct{})
	const n = 8
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for range n {
		wg.Go(func() {
			resp := te.get(t, "/x")
			mu.Lock()
			defer mu.Unlock()
			got[resp.Header.Get("X-Cache")+" "+strconv.Itoa(resp.StatusCode)]++
		})
	}
	te.origin.gate <- struct{}{}
	close(te.origin.gate)
	wg.Wait()
	if got["Miss from cloudfront 200"] != te.origin.count("r1/x") || got["Miss from cloudfront 200"]+got["Hit from cloudfront 200"] != n {
		t.Errorf("answers %v, origin asked %d times", got, te.origin.count("r1/x"))
	}
}

func TestPanicIsAnAnswer(t *testing.T) {
	te := newTestEdge(t, func(*cfjs.Event, cfjs.KV) (*cfjs.Result, error) { panic("boom") }, nil)
	wantStatus(t, te.get(t, "/"), 500, "Error")
}

func TestNewRefusesConfig(t *testing.T) {
	origins := map[string]Origin{"bucket": newFakeOrigin()}
	tests := map[string]Config{
		"no behaviour":   {},
		"no default":     {Behaviors: []Behavior{{PathPattern: "/a", OriginID: "bucket"}}},
		"unknown origin": {Behaviors: []Behavior{{OriginID: "nowhere"}}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := New(Options{Config: c, Origins: origins}); err == nil {
				t.Error("no error")
			}
		})
	}
}
