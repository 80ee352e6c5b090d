package edge

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/google/go-cmp/cmp"
)

// explain traces a request. headers are name, value pairs.
func (te *testEdge) explain(t *testing.T, method, target string, headers ...string) *Trace {
	t.Helper()
	r := httptest.NewRequest(method, "/", nil)
	r.RequestURI, r.Host = target, "site.localhost:8080"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	trace, err := te.Explain(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

func sources(trace *Trace) map[string]string {
	m := make(map[string]string)
	for _, h := range trace.Headers {
		m[h.Name] = h.Source.String()
	}
	return m
}

func TestExplainNamesTheSourceOfEveryHeader(t *testing.T) {
	te := newTestEdge(t, nil, func(o *Options) {
		o.Config.Behaviors[1].ResponseHeadersPolicy = &ResponseHeadersPolicy{
			Set:  []PolicyHeader{{Name: "X-Frame-Options", Value: "DENY"}, {Name: "Cache-Control", Value: "no-cache", Override: true}},
			CORS: &CORS{AllowOrigins: []string{"*"}},
		}
	})
	te.origin.put("r1/index.html", string(make([]byte, 5000)), "text/html", htmlControl)
	trace := te.explain(t, "GET", "/", "Accept-Encoding", "br", "Origin", "https://a.example")
	want := map[string]string{
		"Accept-Ranges": "", "Access-Control-Allow-Origin": "policy", "Cache-Control": "policy", "Content-Encoding": "behaviour",
		"Content-Length": "behaviour", "Content-Type": "origin", "Etag": "behaviour", "Last-Modified": "origin", "Server": "edge",
		"Vary": "behaviour", "Via": "edge", "X-Amz-Cf-Id": "edge", "X-Amz-Cf-Pop": "edge", "X-Cache": "edge", "X-Frame-Options": "policy",
	}
	delete(want, "Accept-Ranges") // not sent with what was compressed
	if diff := cmp.Diff(want, sources(trace)); diff != "" {
		t.Error(diff)
	}
	if trace.Index != 1 || trace.Key != "r1/index.html" || trace.Status != 200 || trace.Result != "Miss" || trace.Bytes == 0 {
		t.Errorf("trace %+v", trace)
	}
	if f := trace.Fetches[0]; f.Key != "r1/index.html" || f.TTL.Hours() != 365*24 || len(f.Headers) != 5 {
		t.Errorf("fetch %+v", f)
	}
}

// What is explained is what is served: the same status, headers and length, for all kinds of answers.
func TestExplainIsWhatIsServed(t *testing.T) {
	tests := map[string]struct {
		method, target string
		headers        []string
	}{
		"object":       {"GET", "/", nil},
		"head":         {"HEAD", "/", nil},
		"compressed":   {"GET", "/", []string{"Accept-Encoding", "gzip"}},
		"range":        {"GET", "/", []string{"Range", "bytes=0-9"}},
		"not modified": {"GET", "/", []string{"If-None-Match", "*"}},
		"missing":      {"GET", "/nothing", nil},
		"refused":      {"POST", "/", nil},
		"malformed":    {"GET", "/%zz", nil},
		"unfetchable":  {"GET", "/../x", nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			te := newTestEdge(t, nil, func(o *Options) { o.CacheBytes = -1 })
			te.origin.put("r1/index.html", string(make([]byte, 5000)), "text/html", htmlControl)
			te.origin.put("_errors/404.html", "lost", "text/html", "")
			trace := te.explain(t, tc.method, tc.target, tc.headers...)
			resp := te.do(t, tc.method, tc.target, tc.headers...)
			got := make(http.Header)
			for _, h := range trace.Headers {
				got.Add(h.Name, h.Value)
			}
			got.Del("X-Amz-Cf-Id")
			resp.Header.Del("X-Amz-Cf-Id")
			if len(resp.Header["Content-Type"]) == 0 {
				resp.Header.Del("Content-Type")
			}
			if diff := cmp.Diff(resp.Header, got); diff != "" {
				t.Error(diff)
			}
			if trace.Status != resp.StatusCode || resp.StatusCode == 405 != trace.Refused {
				t.Errorf("status %d, refused %v; served %d", trace.Status, trace.Refused, resp.StatusCode)
			}
		})
	}
}

func TestExplainErrorPageAndFunctionFailure(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("_errors/404.html", "lost", "text/html", "")
	trace := te.explain(t, "GET", "/nothing")
	if len(trace.Fetches) != 2 || trace.Fetches[0].Status != 404 || trace.Fetches[1].ErrorFor != 404 || trace.Fetches[1].Key != "_errors/404.html" {
		t.Errorf("fetches %+v", trace.Fetches)
	}
	te = newTestEdge(t, func(*cfjs.Event, cfjs.KV) (*cfjs.Result, error) { return nil, errors.New("boom") }, nil)
	trace = te.explain(t, "GET", "/")
	if len(trace.Functions) != 1 || trace.Functions[0].Status != 503 || trace.Status != 503 || len(trace.Fetches) != 0 {
		t.Errorf("trace %+v", trace)
	}
	te = newTestEdge(t, func(ev *cfjs.Event, _ cfjs.KV) (*cfjs.Result, error) {
		return &cfjs.Result{Request: &ev.Request, Origin: &cfjs.Origin{ID: "nowhere"}}, nil
	}, nil)
	trace = te.explain(t, "GET", "/")
	if len(trace.Functions) != 1 || trace.Functions[0].Status != 502 || trace.Functions[0].Err == nil {
		t.Errorf("trace %+v", trace)
	}
}

// A viewer-response function that adds one header leaves the others to whom they are from.
func TestExplainViewerResponse(t *testing.T) {
	te := newTestEdge(t, nil, func(o *Options) { o.Config.Behaviors[1].ViewerResponse = &Function{Name: "response"} })
	te.response = func(ev *cfjs.Event, _ cfjs.KV) (*cfjs.Result, error) {
		resp := *ev.Response
		resp.Headers["x-mine"] = cfjs.Value{Value: "1"}
		return &cfjs.Result{Response: &resp, Changed: cfjs.Changed{Headers: true}}, nil
	}
	te.origin.put("r1/index.html", "one", "text/html", htmlControl)
	got := sources(te.explain(t, "GET", "/"))
	if got["X-Mine"] != "function" || got["Cache-Control"] != "origin" {
		t.Errorf("sources %v", got)
	}
}
