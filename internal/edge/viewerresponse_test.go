package edge

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/google/go-cmp/cmp"
)

func withResponse(o *Options) {
	o.Config.Behaviors[1].ViewerResponse = &Function{Name: "response"}
	o.Config.Behaviors[1].ResponseHeadersPolicy = &ResponseHeadersPolicy{Set: []PolicyHeader{{Name: "X-Policy", Value: "1"}}}
}

// Developer Guide, functions-event-structure, "Response object" and "Status code and body".
func TestViewerResponse(t *testing.T) {
	set := func(r *cfjs.Response, name, value string) {
		r.Headers = maps.Clone(r.Headers)
		r.Headers[name] = cfjs.Value{Value: value}
	}
	tests := map[string]struct {
		change  func(*cfjs.Result)
		status  int
		body    string
		headers map[string]string
	}{
		"unchanged": {func(*cfjs.Result) {}, 200, "one", map[string]string{"X-Policy": "1", "Content-Length": "3"}},
		"headers": {func(r *cfjs.Result) {
			set(r.Response, "x-mine", "2")
			delete(r.Response.Headers, "x-policy")
			r.Changed.Headers = true
		}, 200, "one", map[string]string{"X-Mine": "2", "X-Policy": "", "Content-Length": "3", "Content-Type": "text/html", "Server": serverName, "X-Amz-Cf-Pop": popName}},
		"cookies": {func(r *cfjs.Result) {
			r.Response.Cookies = map[string]cfjs.Value{"a": {Value: "1", Attributes: "Secure"}}
			r.Changed.Cookies = true
		}, 200, "one", map[string]string{"Set-Cookie": "a=1; Secure", "X-Policy": "1"}},
		"status": {func(r *cfjs.Result) { r.Response.StatusCode, r.Changed.Status = 404, true }, 404, "one", nil},
		"body": {func(r *cfjs.Result) {
			r.Response.Body, r.Changed.Body = &cfjs.Body{Encoding: "base64", Data: "aGVsbG8="}, true
		}, 200, "hello", map[string]string{"Content-Length": "5"}},
		"no body": {func(r *cfjs.Result) { r.Response.Body, r.Changed.Body = nil, true }, 200, "", map[string]string{"Content-Length": "0"}},
		"nothing": {func(r *cfjs.Result) { r.Response = nil }, 502, "", nil},
		"broken body": {func(r *cfjs.Result) {
			r.Response.Body, r.Changed.Body = &cfjs.Body{Encoding: "base64", Data: "%"}, true
		}, 502, "", nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			te := newTestEdge(t, nil, withResponse)
			te.response = func(ev *cfjs.Event, _ cfjs.KV) (*cfjs.Result, error) {
				resp := *ev.Response
				res := &cfjs.Result{Response: &resp}
				tc.change(res)
				return res, nil
			}
			te.origin.put("r1/index.html", "one", "text/html", htmlControl)
			resp := te.get(t, "/")
			wantStatus(t, resp, tc.status, "")
			if got := body(t, resp); tc.status < 500 && got != tc.body {
				t.Errorf("body %q, want %q", got, tc.body)
			}
			for name, value := range tc.headers {
				wantHeader(t, resp, name, value)
			}
			if resp.Header.Get("X-Cache") == "" {
				t.Error("X-Cache is missing")
			}
		})
	}
}

func TestViewerResponseEvent(t *testing.T) {
	te := newTestEdge(t, nil, withResponse)
	var got *cfjs.Event
	te.response = func(ev *cfjs.Event, _ cfjs.KV) (*cfjs.Result, error) {
		got = ev
		return &cfjs.Result{Response: ev.Response}, nil
	}
	te.origin.put("r1/index.html", "one", "text/html", htmlControl)
	te.get(t, "/", "Range", "bytes=0-1")
	if got.Type != cfjs.ViewerResponse || got.Response.StatusCode != 206 || got.Request.URI != "/r1/index.html" {
		t.Errorf("event %+v", got)
	}
	want := []string{"accept-ranges", "cache-control", "content-length", "content-range", "content-type", "etag",
		"last-modified", "server", "x-policy"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got.Response.Headers))); diff != "" {
		t.Error(diff)
	}
	if v := got.Response.Headers["content-length"].Value; v != "2" {
		t.Errorf("content-length %q", v)
	}
}

// edge-function-restrictions-all: not for a status of 400 and more, and not for what the viewer-request function made.
func TestViewerResponseDoesNotRun(t *testing.T) {
	ran := false
	te := newTestEdge(t, func(ev *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error) {
		if strings.HasPrefix(ev.Request.URI, "/made") {
			return &cfjs.Result{Response: &cfjs.Response{StatusCode: 200}}, nil
		}
		return releaseFunction(ev, kv)
	}, func(o *Options) {
		withResponse(o)
		o.Config.ErrorPages[0].ResponseStatus = 200
	})
	te.response = func(ev *cfjs.Event, _ cfjs.KV) (*cfjs.Result, error) {
		ran = true
		return &cfjs.Result{Response: ev.Response}, nil
	}
	te.origin.put("_errors/404.html", "page", "text/html", "")
	for _, uri := range []string{"/missing", "/made", "/%zz"} {
		te.get(t, uri)
	}
	te.do(t, "POST", "/")
	if ran {
		t.Error("the viewer-response function ran")
	}
}

func TestAddCookie(t *testing.T) {
	cookies := map[string]cfjs.Value{}
	addCookie(cookies, "ID=id1234; Expires=Wed, 05 Apr 2021 07:28:00 GMT")
	addCookie(cookies, "Cookie1=val1; Secure; Path=/")
	addCookie(cookies, "Cookie1=val2")
	want := map[string]cfjs.Value{
		"ID": {Value: "id1234", Attributes: "Expires=Wed, 05 Apr 2021 07:28:00 GMT"},
		"Cookie1": {Value: "val1", Attributes: "Secure; Path=/",
			Multi: []cfjs.MultiValue{{Value: "val1", Attributes: "Secure; Path=/"}, {Value: "val2"}}},
	}
	if diff := cmp.Diff(want, cookies); diff != "" {
		t.Error(diff)
	}
}
