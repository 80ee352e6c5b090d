package edge

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// apiEdge is a distribution whose /api/* goes to a custom origin, uncached, and whose /cached/* goes there through the cache.
func apiEdge(t *testing.T, api http.HandlerFunc, change func(*Options)) *testEdge {
	t.Helper()
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	return newTestEdge(t, nil, func(o *Options) {
		all := []string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}
		o.Config.CustomOrigins = []CustomOrigin{customOriginAt(t, "api", srv.URL)}
		o.Config.Behaviors = append([]Behavior{
			{PathPattern: "/api/*", OriginID: "api", AllowedMethods: all, OriginRequestPolicy: &OriginRequestPolicy{
				Headers: KeyPart{Behavior: "allExcept", Items: []string{"host"}}, Cookies: KeyPart{Behavior: "all"}, QueryStrings: KeyPart{Behavior: "all"}}},
			{PathPattern: "/cached/*", OriginID: "api", Compress: true, CachePolicy: optimized},
		}, o.Config.Behaviors...)
		if change != nil {
			change(o)
		}
	})
}

func customOriginAt(t testing.TB, id, address string) CustomOrigin {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return CustomOrigin{ID: id, DomainName: u.Hostname(), ProtocolPolicy: "http-only", HTTPPort: port, Path: "/v1",
		Headers: map[string]string{"x-secret": "s3cret"}}
}

// RequestAndResponseBehaviorCustomOrigin, and controlling-origin-requests for what is forwarded.
func TestCustomOriginRequest(t *testing.T) {
	var got *http.Request
	var sent string
	te := apiEdge(t, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got, sent = r, string(data)
		w.Header().Set("Set-Cookie", "id=1")
		w.Header().Set("Connection", "X-Hop")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, "made")
	}, nil)
	r := httptest.NewRequest("POST", "/", strings.NewReader("payload"))
	r.RequestURI = "/api/a%2Fb%20c?x=1&y=%20"
	r.Header = http.Header{"Content-Type": {"text/plain"}, "Authorization": {"Bearer x"}, "Cookie": {"a=1; b=2"}, "Connection": {"keep-alive"},
		"X-Forwarded-For": {"203.0.113.9"}, "X-Secret": {"forged"}}
	w := httptest.NewRecorder()
	te.ServeHTTP(w, r)
	resp := w.Result()
	wantStatus(t, resp, http.StatusCreated, "Miss")
	wantHeader(t, resp, "Set-Cookie", "id=1")
	if b := body(t, resp); b != "made" || sent != "payload" {
		t.Errorf("answer %q, the origin got %q", b, sent)
	}
	if got.RequestURI != "/v1/api/a%2Fb%20c?x=1&y=%20" || got.Host != "127.0.0.1" {
		t.Errorf("URI %q, host %q", got.RequestURI, got.Host)
	}
	for name, want := range map[string]string{"Content-Type": "text/plain", "Authorization": "Bearer x", "Cookie": "a=1; b=2",
		"X-Forwarded-For": "203.0.113.9, 192.0.2.1", "X-Secret": "s3cret", "Connection": ""} {
		if v := got.Header.Get(name); v != want {
			t.Errorf("the origin got %s: %q, want %q", name, v, want)
		}
	}
	te.get(t, "/cached/x?x=1", "Cookie", "a=1", "Authorization", "Bearer x", "Accept-Encoding", "deflate, gzip, br;q=0.1")
	if got.RequestURI != "/v1/cached/x" || got.Header.Get("Cookie") != "" || got.Header.Get("Authorization") != "" ||
		got.Header.Get("Accept-Encoding") != "br,gzip" || got.Header.Get("User-Agent") != serverName {
		t.Errorf("without an origin request policy the origin got %s %v", got.RequestURI, got.Header)
	}
}

func TestCustomOriginCached(t *testing.T) {
	var asked, notModified atomic.Int64
	te := apiEdge(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("ETag", `"e1"`)
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Set-Cookie", "id=1")
		switch {
		case strings.HasSuffix(r.URL.Path, "/missing"):
			http.NotFound(w, r)
		case strings.HasSuffix(r.URL.Path, "/moved"):
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case r.Header.Get("If-None-Match") == `"e1"`:
			notModified.Add(1)
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "4000")
			fmt.Fprint(w, strings.Repeat("json", 1000))
		}
	}, nil)
	resp := te.get(t, "/cached/x", "Accept-Encoding", "br")
	wantStatus(t, resp, 200, "Miss")
	wantHeader(t, resp, "Content-Encoding", "br")
	wantHeader(t, resp, "ETag", `W/"e1"`)
	wantHeader(t, resp, "Set-Cookie", "")
	if b := body(t, resp); b != strings.Repeat("json", 1000) {
		t.Errorf("body of %d bytes", len(b))
	}
	wantStatus(t, te.get(t, "/cached/x", "Accept-Encoding", "br"), 200, "Hit")
	wantStatus(t, te.get(t, "/cached/x", "Accept-Encoding", "br", "If-None-Match", `W/"e1"`), 304, "Hit")
	resp = te.get(t, "/cached/x", "Accept-Encoding", "br", "Range", "bytes=4-7")
	wantStatus(t, resp, 206, "Hit")
	if b := body(t, resp); b != "json" {
		t.Errorf("range %q", b)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
	te.advance(61 * time.Second)
	wantStatus(t, te.get(t, "/cached/x", "Accept-Encoding", "br"), 200, "RefreshHit")
	if notModified.Load() != 1 {
		t.Error("the origin was not asked conditionally")
	}
	for _, want := range []string{"Miss", "Hit"} {
		resp = te.get(t, "/cached/moved")
		wantStatus(t, resp, 302, want)
		wantHeader(t, resp, "Location", "/elsewhere")
	}
	te.origin.put("_errors/404.html", "our page", "text/html", "")
	resp = te.get(t, "/cached/missing")
	wantStatus(t, resp, 404, "Error")
	if b := body(t, resp); b != "our page" {
		t.Errorf("body %q", b)
	}
}

// DownloadDistValuesCacheBehavior, "Cached HTTP methods": answers to OPTIONS are kept apart from those to GET and HEAD.
func TestCachedOptions(t *testing.T) {
	tests := map[string]struct {
		caches bool
		asked  []string
		want   []string // the results of OPTIONS, GET, OPTIONS, GET
	}{
		"kept":     {true, []string{"OPTIONS", "GET"}, []string{"Miss", "Miss", "Hit", "Hit"}},
		"not kept": {false, []string{"OPTIONS", "GET", "OPTIONS"}, []string{"Miss", "Miss", "Miss", "Hit"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var asked []string
			te := apiEdge(t, func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.Method)
				w.Header().Set("Cache-Control", "max-age=60")
				fmt.Fprint(w, r.Method)
			}, func(o *Options) {
				o.Config.Behaviors = append([]Behavior{{PathPattern: "/kept/*", OriginID: "api", CachePolicy: optimized, CachesOptions: tc.caches,
					AllowedMethods: []string{"GET", "HEAD", "OPTIONS"}}}, o.Config.Behaviors...)
			})
			for i, method := range []string{"OPTIONS", "GET", "OPTIONS", "GET"} {
				w := httptest.NewRecorder()
				te.ServeHTTP(w, httptest.NewRequest(method, "/kept/a", nil))
				resp := w.Result()
				wantStatus(t, resp, 200, tc.want[i])
				if b := body(t, resp); b != method {
					t.Errorf("%s is answered %q", method, b)
				}
			}
			if !slices.Equal(asked, tc.asked) {
				t.Errorf("the origin was asked %v, want %v", asked, tc.asked)
			}
		})
	}
}

func TestCustomOriginErrors(t *testing.T) {
	te := apiEdge(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/404"):
			http.NotFound(w, r)
		case strings.HasSuffix(r.URL.Path, "/500"):
			http.Error(w, "the origin's own words", http.StatusInternalServerError)
		case strings.HasSuffix(r.URL.Path, "/slow"):
			<-r.Context().Done()
		case strings.HasSuffix(r.URL.Path, "/cut"):
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("abc"))
		}
	}, func(o *Options) {
		o.Config.CustomOrigins[0].ReadTimeout = 50 * time.Millisecond
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		o.Config.CustomOrigins = append(o.Config.CustomOrigins, customOriginAt(t, "down", "http://"+closed.Addr().String()))
		closed.Close()
		o.Config.Behaviors = append([]Behavior{{PathPattern: "/down/*", OriginID: "down"}, {PathPattern: "/cdown/*", OriginID: "down", CachePolicy: optimized}}, o.Config.Behaviors...)
	})
	te.origin.put("_errors/404.html", "our page", "text/html", "")
	tests := map[string]struct {
		uri    string
		status int
		body   string
	}{
		"custom error page":      {"/api/404", 404, "our page"},
		"the origin's own error": {"/api/500", 500, "the origin's own words\n"},
		"cached error":           {"/cached/500", 500, "the origin's own words\n"},
		"timeout":                {"/api/slow", 504, ""},
		"cached timeout":         {"/cached/slow", 504, ""},
		"cut short":              {"/cached/cut", 502, ""},
		"not there":              {"/down/x", 502, ""},
		"cached not there":       {"/cdown/x", 502, ""},
		"malformed":              {"/api/%zz", 400, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			resp := te.get(t, tc.uri)
			wantStatus(t, resp, tc.status, "Error")
			if b := body(t, resp); tc.body != "" && b != tc.body {
				t.Errorf("body %q", b)
			}
		})
	}
}

// A stream arrives piece by piece, not when it is complete.
func TestCustomOriginStreams(t *testing.T) {
	next := make(chan struct{})
	te := apiEdge(t, func(w http.ResponseWriter, r *http.Request) {
		for range 3 {
			fmt.Fprintln(w, "data: tick")
			w.(http.Flusher).Flush()
			<-next
		}
	}, nil)
	srv := httptest.NewServer(te)
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 11)
	for range 3 {
		if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != "data: tick\n" {
			t.Fatalf("read %q: %v", buf, err)
		}
		next <- struct{}{}
	}
}

func TestLargeCustomObject(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), maxHeld/10+10)
	te := apiEdge(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"big"`)
		http.ServeContent(w, r, "x.bin", fileTime, bytes.NewReader(content))
	}, nil)
	if b := body(t, te.get(t, "/cached/x")); b != string(content) {
		t.Errorf("%d bytes", len(b))
	}
	resp := te.get(t, "/cached/x", "Range", "bytes=10-19")
	wantStatus(t, resp, 206, "")
	if b := body(t, resp); b != "0123456789" {
		t.Errorf("range %q", b)
	}
}

// An origin request policy that sends all of the viewer's headers sends none that makes an answer of use to that viewer only: such
// an answer was kept, and others got a 304, 412 or 416, without a body, as a hit.
func TestOneViewersConditionsReachNoOther(t *testing.T) {
	const all = "the whole content"
	tests := map[string][]string{
		"If-None-Match":       {"If-None-Match", `"e1"`},
		"If-Modified-Since":   {"If-Modified-Since", fileTime.Format(http.TimeFormat)},
		"If-Match":            {"If-Match", `"other"`},
		"If-Unmodified-Since": {"If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"},
		"Range":               {"Range", "bytes=0-3"},
		"Range past the end":  {"Range", "bytes=9999-"},
	}
	for name, headers := range tests {
		t.Run(name, func(t *testing.T) {
			te := apiEdge(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"e1"`)
				w.Header().Set("Cache-Control", "max-age=60")
				http.ServeContent(w, r, "x.txt", fileTime, strings.NewReader(all))
			}, func(o *Options) {
				o.Config.Behaviors = append([]Behavior{{PathPattern: "/all/*", OriginID: "api", CachePolicy: optimized,
					OriginRequestPolicy: &OriginRequestPolicy{Headers: KeyPart{Behavior: "allViewer"}}}}, o.Config.Behaviors...)
			})
			te.get(t, "/all/x", headers...)
			resp := te.get(t, "/all/x")
			wantStatus(t, resp, 200, "Hit")
			if b := body(t, resp); b != all {
				t.Errorf("body %q", b)
			}
		})
	}
}

// helper-functions-origin-modification: the function chooses the origin.
func TestFunctionChoosesOrigin(t *testing.T) {
	path := "/v9"
	tests := map[string]struct {
		origin *cfjs.Origin
		status int
		body   string
	}{
		"by id":                    {&cfjs.Origin{ID: "api"}, 200, "/v1/x host 127.0.0.1"},
		"by id with a host":        {&cfjs.Origin{ID: "api", Overrides: &cfjs.OriginOverrides{HostHeader: "h.example"}}, 200, "/v1/x host h.example"},
		"unknown id":               {&cfjs.Origin{ID: "nowhere"}, 502, ""},
		"bucket with a path":       {&cfjs.Origin{Update: &cfjs.OriginUpdate{OriginPath: &path}}, 200, "from v9"},
		"bucket to a domain":       {&cfjs.Origin{Update: &cfjs.OriginUpdate{DomainName: "b.s3.amazonaws.com"}}, 502, ""},
		"group, first answers":     {group("bucket", "api", 404), 200, "/v1/x host 127.0.0.1"},
		"group, first is good":     {group("api", "bucket", 404), 200, "/v1/x host 127.0.0.1"},
		"group, status not listed": {group("bucket", "api", 500), 404, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, "%s host %s", r.URL.Path, r.Host)
			}))
			defer srv.Close()
			te := newTestEdge(t, func(ev *cfjs.Event, _ cfjs.KV) (*cfjs.Result, error) {
				return &cfjs.Result{Request: &ev.Request, Origin: tc.origin}, nil
			}, func(o *Options) { o.Config.CustomOrigins = []CustomOrigin{customOriginAt(t, "api", srv.URL)} })
			te.origin.put("v9/x", "from v9", "text/plain", "")
			resp := te.get(t, "/x")
			wantStatus(t, resp, tc.status, "")
			if b := body(t, resp); tc.body != "" && b != tc.body {
				t.Errorf("body %q", b)
			}
		})
	}
}

func group(first, second string, statuses ...int) *cfjs.Origin {
	return &cfjs.Origin{Group: &cfjs.OriginGroup{OriginIDs: []cfjs.OriginGroupMember{{OriginID: first}, {OriginID: second}},
		FailoverCriteria: cfjs.FailoverCriteria{StatusCodes: statuses}}}
}

func TestUnion(t *testing.T) {
	part := func(behavior string, items ...string) KeyPart { return KeyPart{behavior, items} }
	tests := map[string]struct {
		a, b    KeyPart
		in, out string
	}{
		"none and all":          {part("none"), part("all"), "a", ""},
		"all and whitelist":     {part("all"), part("whitelist", "b"), "a", ""},
		"two whitelists":        {part("whitelist", "a"), part("whitelist", "b"), "b", "c"},
		"whitelist and except":  {part("whitelist", "a"), part("allExcept", "a", "b"), "a", "b"},
		"except and whitelist":  {part("allExcept", "a", "b"), part("whitelist", "a"), "a", "b"},
		"two excepts":           {part("allExcept", "a", "b"), part("allExcept", "b", "c"), "a", "b"},
		"nothing and whitelist": {part(""), part("whitelist", "a"), "a", "b"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			u := union(tc.a, tc.b)
			if !u.includes(tc.in, false) || tc.out != "" && u.includes(tc.out, false) {
				t.Errorf("union %+v", u)
			}
		})
	}
}
