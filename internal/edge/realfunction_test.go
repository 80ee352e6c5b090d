package edge

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// upstreamFunction has the shape of those that the upstream toolkit's users have.
const upstreamFunction = `import cf from 'cloudfront';
const kvsId = '__KVS_ID__';
const kvs = cf.kvs(kvsId);
async function handler(event) {
  const request = event.request;
  if (request.uri === '/teapot') { return { statusCode: 418, body: { encoding: 'text', data: 'short' } }; }
  if (request.uri === '/throw') { console.log('about to throw'); throw new Error('boom'); }
  if (request.uri === '/forbidden') { request.headers['x-cache'] = { value: 'mine' }; return request; }
  const path = await kvs.get('path');
  if (request.uri.endsWith('/')) { request.uri += 'index.html'; }
  request.uri = '/' + path + request.uri;
  return request;
}
`

// newRealEdge is an edge with the function runtime itself.
func newRealEdge(t testing.TB, code string) *testEdge {
	t.Helper()
	te := &testEdge{origin: newFakeOrigin(), clock: fileTime, kv: &fakeKV{release: "r1", updated: fileTime}}
	e, err := New(Options{
		Config: Config{ID: "EDGE", DomainName: "site.localhost", Behaviors: []Behavior{{OriginID: "bucket", Compress: true,
			CachePolicy: optimized, ViewerRequest: &Function{Name: "request", Code: code, Runtime: "cloudfront-js-2.0"}}}},
		Origins:         map[string]Origin{"bucket": te.origin},
		KV:              te.kv.view,
		FunctionLog:     te.log,
		FunctionTimeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	te.Edge = e
	te.origin.put("r1/index.html", "one", "text/html", htmlControl)
	te.origin.put("r2/index.html", "two", "text/html", htmlControl)
	return te
}

func TestUpstreamFunction(t *testing.T) {
	te := newRealEdge(t, upstreamFunction)
	if got := body(t, te.get(t, "/")); got != "one" {
		t.Errorf("body %q", got)
	}
	te.kv.swap("r2")
	if got := body(t, te.get(t, "/")); got != "two" {
		t.Errorf("after the swap: body %q", got)
	}
	resp := te.get(t, "/teapot")
	wantStatus(t, resp, 418, "FunctionGeneratedResponse")
	if got := body(t, resp); got != "short" {
		t.Errorf("body %q", got)
	}
	wantStatus(t, te.get(t, "/throw"), 503, "FunctionExecutionError")
	if len(te.events) != 1 || te.events[0].Err == nil || strings.Join(te.events[0].Logs, "\n") == "" {
		t.Errorf("function log %+v", te.events)
	}
	wantStatus(t, te.get(t, "/forbidden"), 502, "FunctionValidationError")
	wantStatus(t, te.get(t, "/", "Connection", "close", "X-Forwarded-For", "1.2.3.4", "Te", "trailers"), 200, "")
}

func TestFunctionThatDoesNotCompile(t *testing.T) {
	_, err := New(Options{
		Config: Config{Behaviors: []Behavior{{OriginID: "bucket",
			ViewerRequest: &Function{Name: "cff.js", Code: "async function handler(event) {\n  return event?.request;\n"}}}},
		Origins: map[string]Origin{"bucket": newFakeOrigin()},
	})
	if err == nil || fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "cff.js") {
		t.Errorf("error %v", err)
	}
}

// BenchmarkEdgeRealFunction is BenchmarkEdge/hit-function with the JavaScript engine.
func BenchmarkEdgeRealFunction(b *testing.B) {
	te := newRealEdge(b, upstreamFunction)
	te.origin.put("r1/index.html", strings.Repeat("<p>0123456789</p>", 600), "text/html; charset=utf-8", htmlControl)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept-Encoding", "gzip, deflate, br")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		w := &nullWriter{header: make(http.Header)}
		for pb.Next() {
			clear(w.header)
			te.ServeHTTP(w, r)
		}
	})
}
