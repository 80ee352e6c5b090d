package edge

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// fakeOrigin is a bucket in memory. It counts the requests for each key.
type fakeOrigin struct {
	mu      sync.Mutex
	objects map[string]fakeObject
	gets    map[string]int
	// err, if set, is what every Get returns; gate, if set, holds every Get until it can receive.
	err  error
	gate chan struct{}
}

type fakeObject struct {
	body, contentType, cacheControl string
	etag                            string
	modified                        time.Time
	// broken makes a read of the body fail.
	broken bool
}

var fileTime = time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)

func newFakeOrigin() *fakeOrigin {
	return &fakeOrigin{objects: make(map[string]fakeObject), gets: make(map[string]int)}
}

func (o *fakeOrigin) put(key, body, contentType, cacheControl string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.objects[key] = fakeObject{body: body, contentType: contentType, cacheControl: cacheControl,
		etag: fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256([]byte(body)))[:16]), modified: fileTime}
}

func (o *fakeOrigin) change(key string, f func(*fakeObject)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	obj := o.objects[key]
	f(&obj)
	o.objects[key] = obj
}

func (o *fakeOrigin) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
}

func (o *fakeOrigin) count(key string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.gets[key]
}

func (o *fakeOrigin) Get(_ context.Context, key string) (*Object, error) {
	o.mu.Lock()
	o.gets[key]++
	obj, ok := o.objects[key]
	err, gate := o.err, o.gate
	o.mu.Unlock()
	if gate != nil {
		<-gate
	}
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("open %s: %w", key, fs.ErrNotExist)
	}
	var body io.ReadSeekCloser = readSeekNopCloser{bytes.NewReader([]byte(obj.body))}
	if obj.broken {
		body = brokenBody{body}
	}
	return &Object{Body: body, Size: int64(len(obj.body)), ContentType: obj.contentType, CacheControl: obj.cacheControl,
		ETag: obj.etag, Modified: obj.modified}, nil
}

type readSeekNopCloser struct{ *bytes.Reader }

func (readSeekNopCloser) Close() error { return nil }

type brokenBody struct{ io.ReadSeekCloser }

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

// fakeFunction is a viewer function written in Go.
type fakeFunction func(ev *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error)

func (f fakeFunction) Run(_ context.Context, ev *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error) {
	return f(ev, kv)
}

// fakeKV is a key-value store whose pointer the tests move.
type fakeKV struct {
	mu      sync.Mutex
	release string
	updated time.Time
}

func (k *fakeKV) swap(release string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.release, k.updated = release, k.updated.Add(time.Second)
}

func (k *fakeKV) view() (cfjs.KV, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return kvView{k.release, k.updated}, nil
}

type kvView struct {
	release string
	updated time.Time
}

func (v kvView) Get(key string) (string, bool) { return v.release, key == "path" }
func (v kvView) Meta() cfjs.KVMeta             { return cfjs.KVMeta{Updated: v.updated, Keys: 1} }

// releaseFunction does what the toolkit's functions do: it prefixes the URI with the release, and "/" finds index.html.
func releaseFunction(ev *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error) {
	release, _ := kv.Get("path")
	req := ev.Request
	if req.URI == "/" {
		req.URI = "/index.html"
	}
	req.URI = "/" + release + req.URI
	return &cfjs.Result{Request: &req, Changed: cfjs.Changed{URI: true}}, nil
}

const (
	htmlControl  = "public, max-age=0, s-maxage=31536000, must-revalidate"
	assetControl = "public, max-age=31536000, immutable"
)

// optimized is the managed cache policy CachingOptimized.
var optimized = CachePolicy{Name: "CachingOptimized", MinTTL: time.Second, DefaultTTL: 24 * time.Hour,
	MaxTTL: 365 * 24 * time.Hour, AcceptGzip: true, AcceptBrotli: true}

// testEdge is an edge over a fake bucket, with the distribution that the toolkit's template makes.
type testEdge struct {
	*Edge
	origin *fakeOrigin
	kv     *fakeKV
	mu     sync.Mutex
	clock  time.Time
	events []FunctionEvent
	// response is the viewer-response function, of a behaviour that names one.
	response fakeFunction
}

func (te *testEdge) onResponse(ev *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error) {
	return te.response(ev, kv)
}

func (te *testEdge) now() time.Time {
	te.mu.Lock()
	defer te.mu.Unlock()
	return te.clock
}

func (te *testEdge) advance(d time.Duration) {
	te.mu.Lock()
	defer te.mu.Unlock()
	te.clock = te.clock.Add(d)
}

func (te *testEdge) log(ev FunctionEvent) {
	te.mu.Lock()
	defer te.mu.Unlock()
	te.events = append(te.events, ev)
}

// newTestEdge returns an edge whose default behaviour runs fn (releaseFunction if nil), after change has had its way.
func newTestEdge(t testing.TB, fn fakeFunction, change func(*Options)) *testEdge {
	t.Helper()
	te := &testEdge{origin: newFakeOrigin(), clock: fileTime.Add(time.Hour), kv: &fakeKV{release: "r1", updated: fileTime}}
	if fn == nil {
		fn = releaseFunction
	}
	opts := Options{
		Config: Config{
			ID: "EDGE", DomainName: "site.localhost",
			Behaviors: []Behavior{
				{PathPattern: "/_errors/*", OriginID: "bucket", Compress: true, CachePolicy: optimized},
				{OriginID: "bucket", Compress: true, CachePolicy: optimized, ViewerRequest: &Function{Name: "request"}},
			},
			ErrorPages: []ErrorPage{{Status: 404, ResponseStatus: 404, PagePath: "/_errors/404.html", MinTTL: 10 * time.Second}},
		},
		Origins:     map[string]Origin{"bucket": te.origin},
		KV:          te.kv.view,
		FunctionLog: te.log,
		Now:         te.now,
	}
	if change != nil {
		change(&opts)
	}
	e, err := newEdge(opts, func(f *Function) (viewerFunction, error) {
		if f.Name == "response" {
			return fakeFunction(te.onResponse), nil
		}
		return fn, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	te.Edge = e
	return te
}

// do sends a request. headers are name, value pairs.
func (te *testEdge) do(t testing.TB, method, target string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "/", nil)
	r.RequestURI = target
	r.Host = "site.localhost:8080"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	te.ServeHTTP(w, r)
	return w.Result()
}

func (te *testEdge) get(t testing.TB, target string, headers ...string) *http.Response {
	t.Helper()
	return te.do(t, http.MethodGet, target, headers...)
}

// body returns the content of an answer, decoded.
func body(t testing.TB, resp *http.Response) string {
	t.Helper()
	var r io.Reader = resp.Body
	switch resp.Header.Get("Content-Encoding") {
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		zr, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = zr
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func wantStatus(t testing.TB, resp *http.Response, status int, xcache string) {
	t.Helper()
	if resp.StatusCode != status {
		t.Errorf("status %d, want %d", resp.StatusCode, status)
	}
	if got := resp.Header.Get("X-Cache"); xcache != "" && got != xcache+" from cloudfront" {
		t.Errorf("X-Cache %q, want %q", got, xcache+" from cloudfront")
	}
}

func wantHeader(t testing.TB, resp *http.Response, name, want string) {
	t.Helper()
	if got := resp.Header.Get(name); got != want {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
}
