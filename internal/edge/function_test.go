package edge

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/google/go-cmp/cmp"
)

// The shapes are those of the Developer Guide, functions-event-structure.
func TestEvent(t *testing.T) {
	var got *cfjs.Event
	te := newTestEdge(t, func(ev *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error) {
		got = ev
		return releaseFunction(ev, kv)
	}, nil)
	te.get(t, "/media/%C3%BC%20x.html?ID=42&NoValue&q=a%20b&querymv=val1&querymv=val2,val3&x=y=z",
		"Accept", "application/json", "Accept", "text/html", "User-Agent", "curl", "Connection", "keep-alive",
		"Cookie", "Cookie1=value1; cookiemv=value3; cookiemv=value4; x=a=b", "X-Custom-Header", "1")
	want := cfjs.Request{
		Method: "GET",
		URI:    "/media/%C3%BC%20x.html",
		Querystring: map[string]cfjs.Value{
			"ID": {Value: "42"}, "NoValue": {Value: ""}, "q": {Value: "a%20b"}, "x": {Value: "y=z"},
			"querymv": {Value: "val1", Multi: []cfjs.MultiValue{{Value: "val1"}, {Value: "val2,val3"}}},
		},
		Headers: map[string]cfjs.Value{
			"host": {Value: "site.localhost:8080"}, "user-agent": {Value: "curl"}, "x-custom-header": {Value: "1"},
			"accept": {Value: "application/json", Multi: []cfjs.MultiValue{{Value: "application/json"}, {Value: "text/html"}}},
		},
		Cookies: map[string]cfjs.Value{
			"Cookie1": {Value: "value1"}, "x": {Value: "a=b"},
			"cookiemv": {Value: "value3", Multi: []cfjs.MultiValue{{Value: "value3"}, {Value: "value4"}}},
		},
	}
	raw := "ID=42&NoValue&q=a%20b&querymv=val1&querymv=val2,val3&x=y=z"
	want.RawQuery = &raw
	if diff := cmp.Diff(want, got.Request); diff != "" {
		t.Error(diff)
	}
	if got.Type != cfjs.ViewerRequest || got.DistributionID != "EDGE" || got.DistributionDomainName != "site.localhost" ||
		got.RequestID == "" || got.ViewerIP != "192.0.2.1" {
		t.Errorf("context %+v", got)
	}
	te.get(t, "/x?")
	if got.Request.RawQuery == nil || *got.Request.RawQuery != "" {
		t.Error("a bare ? is not an empty query string")
	}
	te.get(t, "/x")
	if got.Request.RawQuery != nil {
		t.Error("no ? is not undefined")
	}
}

func TestFunctionResponse(t *testing.T) {
	tests := map[string]struct {
		response cfjs.Response
		status   int
		body     string
		headers  map[string]string
		cookies  []string
	}{
		"redirect": {
			response: cfjs.Response{StatusCode: 301, Headers: map[string]cfjs.Value{"location": {Value: "https://example.com/"}}},
			status:   301, headers: map[string]string{"Location": "https://example.com/", "Content-Length": "0", "Content-Type": ""},
		},
		"text": {
			response: cfjs.Response{StatusCode: 200, Headers: map[string]cfjs.Value{"content-type": {Value: "text/plain"},
				"content-length": {Value: "99"}}, Body: &cfjs.Body{Encoding: "text", Data: "hello"}},
			status: 200, body: "hello", headers: map[string]string{"Content-Type": "text/plain", "Content-Length": "5"},
		},
		"base64": {
			response: cfjs.Response{StatusCode: 200, Body: &cfjs.Body{Encoding: "base64", Data: "aGVsbG8="}},
			status:   200, body: "hello",
		},
		"broken base64": {
			response: cfjs.Response{StatusCode: 200, Body: &cfjs.Body{Encoding: "base64", Data: "%"}},
			status:   502,
		},
		"cookies and repeated headers": {
			response: cfjs.Response{StatusCode: 204, Headers: map[string]cfjs.Value{
				"link": {Value: "a", Multi: []cfjs.MultiValue{{Value: "a"}, {Value: "b"}}}},
				Cookies: map[string]cfjs.Value{"id": {Value: "1", Attributes: "Secure; Path=/"}}},
			status: 204, headers: map[string]string{"Link": "a"}, cookies: []string{"id=1; Secure; Path=/"},
		},
		"not a status":            {response: cfjs.Response{StatusCode: 42}, status: 502},
		"a 404 has no error page": {response: cfjs.Response{StatusCode: 404}, status: 404, headers: map[string]string{"Content-Length": "0"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			te := newTestEdge(t, func(*cfjs.Event, cfjs.KV) (*cfjs.Result, error) {
				return &cfjs.Result{Response: &tc.response}, nil
			}, nil)
			te.origin.put("_errors/404.html", "page", "text/html", "")
			resp := te.get(t, "/")
			if tc.status == 502 {
				wantStatus(t, resp, 502, "FunctionValidationError")
				return
			}
			wantStatus(t, resp, tc.status, "FunctionGeneratedResponse")
			if got := body(t, resp); got != tc.body {
				t.Errorf("body %q, want %q", got, tc.body)
			}
			for name, value := range tc.headers {
				wantHeader(t, resp, name, value)
			}
			if diff := cmp.Diff(tc.cookies, resp.Header["Set-Cookie"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFunctionFails(t *testing.T) {
	tests := map[string]struct {
		err    error
		status int
		xcache string
	}{
		"throws":           {&cfjs.Error{Status: 503, Message: "boom", Logs: []string{"before"}}, 503, "FunctionExecutionError"},
		"forbidden header": {&cfjs.Error{Status: 502, Message: "host is read-only"}, 502, "FunctionValidationError"},
		"anything else":    {errors.New("engine gone"), 503, "FunctionExecutionError"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			fail := true
			te := newTestEdge(t, func(ev *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error) {
				if fail {
					return nil, tc.err
				}
				return releaseFunction(ev, kv)
			}, func(o *Options) {
				o.Config.ErrorPages = append(o.Config.ErrorPages, ErrorPage{Status: tc.status, ResponseStatus: 200, PagePath: "/_errors/404.html"})
			})
			te.origin.put("_errors/404.html", "page", "text/html", "")
			te.origin.put("r1/index.html", "one", "text/html", "")
			resp := te.get(t, "/")
			wantStatus(t, resp, tc.status, tc.xcache)
			if got := body(t, resp); got == "page" || !strings.Contains(got, resp.Header.Get("X-Amz-Cf-Id")) {
				t.Errorf("body %q", got)
			}
			if len(te.events) != 1 || te.events[0].Err == nil || te.events[0].Status != tc.status || te.events[0].Function != "request" {
				t.Errorf("function log %+v", te.events)
			}
			fail = false
			wantStatus(t, te.get(t, "/"), 200, "Miss") // never cached
		})
	}
}

func TestFunctionURIMustBeginWithASlash(t *testing.T) {
	te := newTestEdge(t, func(ev *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error) {
		req := ev.Request
		req.URI = "r1/index.html"
		return &cfjs.Result{Request: &req, Changed: cfjs.Changed{URI: true}}, nil
	}, nil)
	wantStatus(t, te.get(t, "/"), 502, "FunctionValidationError")
}

func TestFunctionChangesHeaders(t *testing.T) {
	te := newTestEdge(t, func(ev *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error) {
		res, err := releaseFunction(ev, kv)
		res.Request.Headers = map[string]cfjs.Value{"host": ev.Request.Headers["host"]} // no accept-encoding, no range
		res.Changed.Headers = true
		return res, err
	}, nil)
	te.origin.put("r1/index.html", strings.Repeat("one ", 1000), "text/html", htmlControl)
	resp := te.get(t, "/", "Accept-Encoding", "br", "Range", "bytes=0-1")
	wantStatus(t, resp, http.StatusOK, "Miss")
	wantHeader(t, resp, "Content-Encoding", "")
}

// UPSTREAM defect 12: a store that can't be read is the function's to answer for, not a reason to serve the bucket's root.
func TestDefect12_StoreCannotBeRead(t *testing.T) {
	te := newTestEdge(t, func(ev *cfjs.Event, kv cfjs.KV) (*cfjs.Result, error) {
		if _, ok := kv.Get("path"); !ok {
			return &cfjs.Result{Response: &cfjs.Response{StatusCode: 503, Headers: map[string]cfjs.Value{"retry-after": {Value: "5"}}}}, nil
		}
		return releaseFunction(ev, kv)
	}, func(o *Options) {
		o.KV = func() (cfjs.KV, error) { return nil, errors.New("kv.json: unexpected end") }
	})
	te.origin.put("index.html", "being deployed", "text/html", "")
	resp := te.get(t, "/")
	wantStatus(t, resp, 503, "FunctionGeneratedResponse")
	wantHeader(t, resp, "Retry-After", "5")
	if len(te.events) != 1 || te.events[0].Err == nil {
		t.Errorf("function log %+v", te.events)
	}
}

// A viewer who goes away while a function or an origin is at work is no error of either: neither log tells of it.
func TestViewerGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	leave := func() error { cancel(); return ctx.Err() }
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	address := server.Listener.Addr().(*net.TCPAddr)
	host, port := address.IP.String(), address.Port
	tests := map[string]struct {
		function fakeFunction
		change   func(*Options)
	}{
		"in the function": {func(*cfjs.Event, cfjs.KV) (*cfjs.Result, error) { return nil, leave() }, nil},
		"at a server": {releaseFunction, func(o *Options) {
			o.Config.CustomOrigins = []CustomOrigin{{ID: "api", DomainName: host, HTTPPort: port, ProtocolPolicy: "http-only"}}
			o.Config.Behaviors[1] = Behavior{OriginID: "api"}
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel = context.WithCancel(t.Context())
			var logged []FunctionEvent
			var access bytes.Buffer
			te := newTestEdge(t, tc.function, func(o *Options) {
				o.FunctionLog = func(ev FunctionEvent) { logged = append(logged, ev) }
				o.AccessLog = slog.New(slog.NewTextHandler(&access, nil))
				if tc.change != nil {
					tc.change(o)
				}
			})
			w := httptest.NewRecorder()
			te.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
			if len(logged) > 0 {
				t.Errorf("the function log has %+v", logged)
			}
			if text := access.String(); !strings.Contains(text, "status=499") || strings.Contains(text, "level=ERROR") {
				t.Errorf("the access log has %s", text)
			}
		})
	}
}

// The page of a function that failed is CloudFront's by its look and its headers, and tells the site's owner where the reason is;
// what a viewer has put into the path cannot become markup, nor a command.
func TestFunctionErrorPage(t *testing.T) {
	fail := func(*cfjs.Event, cfjs.KV) (*cfjs.Result, error) {
		return nil, &cfjs.Error{Status: http.StatusServiceUnavailable, Message: "secret reason"}
	}
	tests := map[string]struct{ target, want string }{
		"plain":   {"/a/b.html", "explain /a/b.html</code>"},
		"hostile": {"/<script>$(x)'", "explain &#39;/…&#39;</code>"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			te := newTestEdge(t, fail, nil)
			resp := te.get(t, tc.target)
			wantStatus(t, resp, 503, "")
			text := body(t, resp)
			for _, want := range []string{tc.want, "503 ERROR", "The request could not be satisfied.", "Generated by cloudfront", resp.Header.Get("X-Amz-Cf-Id")} {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in %s", want, text)
				}
			}
			if strings.Contains(text, "secret") || strings.Contains(text, "<script") || resp.Header.Get("X-Cache") != "FunctionExecutionError from cloudfront" {
				t.Errorf("%v %s", resp.Header, text)
			}
		})
	}
}
