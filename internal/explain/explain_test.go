package explain_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/explain"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/routing"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// bucket is a bucket in memory.
type bucket map[string]object

type object struct{ body, contentType, cacheControl string }

func (b bucket) Get(_ context.Context, key string) (*edge.Object, error) {
	o, ok := b[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	modified := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	if strings.HasPrefix(key, "two/") {
		modified = modified.Add(time.Hour) // the release was published later
	}
	return &edge.Object{Body: reader{bytes.NewReader([]byte(o.body))}, Size: int64(len(o.body)), ContentType: o.contentType,
		CacheControl: o.cacheControl, ETag: etagOf(o.body), Modified: modified}, nil
}

func etagOf(body string) string { return fmt.Sprintf(`"%.8x"`, sha256.Sum256([]byte(body))) }

type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }

// store is a key-value store in memory.
type store map[string]string

func (s store) Get(key string) (string, bool) { v, ok := s[key]; return v, ok }
func (s store) Meta() cfjs.KVMeta             { return cfjs.KVMeta{Keys: len(s)} }

const (
	html  = "text/html; charset=utf-8"
	page  = "public, max-age=0, s-maxage=31536000, must-revalidate"
	asset = "public, max-age=31536000, immutable"
)

// deployed is a site with two releases, as the toolkit's own template makes it.
func deployed(t *testing.T) edge.Options {
	t.Helper()
	code, err := routing.Code(site.RoutingStatic)
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := template.Render(template.Input{FunctionCode: code, Parameters: template.Parameters{
		template.ParamSiteName: "hello-1a2b3c4d", template.ParamPipelineName: "hello-1a2b3c4d"}})
	if err != nil {
		t.Fatal(err)
	}
	config, err := template.Compile(rendered, nil)
	if err != nil {
		t.Fatal(err)
	}
	files := bucket{
		"_releases/one.json": {"{}", "application/json", ""}, "_releases/two.json": {"{}", "application/json", ""},
		"_errors/404.html":     {"lost in one", html, "no-store"},
		"one/index.html":       {"one", html, page},
		"one/404.html":         {"lost in one", html, page},
		"one/about/index.html": {strings.Repeat("<p>about one</p>\n", 100), html, page},
		"one/app.1.js":         {strings.Repeat("one();\n", 200), "text/javascript", asset},
		"two/index.html":       {"two", html, page},
		"two/404.html":         {"lost in two", html, page},
		"two/app.1.js":         {strings.Repeat("one();\n", 200), "text/javascript", asset},
	}
	// A run takes as long as the race detector on a busy machine wants it to.
	return edge.Options{Config: config, Origins: map[string]edge.Origin{template.OriginID: files}, FunctionTimeout: time.Minute,
		KV: func() (cfjs.KV, error) { return store{"path": "one", "previous": "zero"}, nil }}
}

func checkJSON(t *testing.T, file string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, file, string(got)+"\n")
}

// The goldens are read by people: each is the whole explanation of one kind of answer.
func TestExplain(t *testing.T) {
	tests := map[string]struct {
		query  explain.Query
		change func(*edge.Options)
	}{
		"page":               {query: explain.Query{URL: "http://hello-1a2b3c4d.localhost:8080/about?utm=1"}},
		"asset-uncompressed": {query: explain.Query{URL: "/app.1.js", Header: http.Header{"Accept-Encoding": {""}}}},
		"missing":            {query: explain.Query{URL: "https://example.com/nothing.png#top"}},
		"missing-in-other":   {query: explain.Query{URL: "/nothing", Release: "two"}},
		"post":               {query: explain.Query{URL: "/", Method: "POST"}},
		"traversal":          {query: explain.Query{URL: "/../secret.txt"}},
		"error-page-itself":  {query: explain.Query{URL: "/_errors/404.html"}},
		"not-modified":       {query: explain.Query{URL: "/", Header: http.Header{"If-None-Match": {etagOf("one")}}}},
		"no-release": {query: explain.Query{URL: "/"}, change: func(o *edge.Options) {
			o.KV = func() (cfjs.KV, error) { return store{}, nil }
		}},
		"part":       {query: explain.Query{URL: "/files/film.bin", Header: http.Header{"Range": {"bytes=300000-300009"}}}, change: withServer(t)},
		"rest":       {query: explain.Query{URL: "/files/film.bin", Header: http.Header{"Range": {"bytes=300000-"}}}, change: withServer(t)},
		"other-name": {query: explain.Query{URL: "https://example.org/"}, change: withDomain},
		"redirected": {query: explain.Query{URL: "https://www.example.com/about?utm=1"}, change: withDomain},
		"function-fails": {query: explain.Query{URL: "/"}, change: func(o *edge.Options) {
			for i := range o.Config.Behaviors {
				if f := o.Config.Behaviors[i].ViewerRequest; f != nil {
					f.Code = "import cf from 'cloudfront';\nasync function handler(event) {\n  console.log('here');\n  await cf.kvs().get('nobody');\n}\n"
				}
			}
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			opts := deployed(t)
			if tc.change != nil {
				tc.change(&opts)
			}
			x, err := explain.Explain(t.Context(), opts, tc.query)
			if err != nil {
				t.Fatal(err)
			}
			for i := range x.Functions {
				x.Functions[i].Utilization = 0 // it is measured
			}
			checkJSON(t, name+".json", x)
		})
	}
}

// withServer gives the site's /files/* to a server that has a large file.
func withServer(t *testing.T) func(*edge.Options) {
	content := bytes.Repeat([]byte("0123456789"), 2_000_000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		http.ServeContent(w, r, "film.bin", time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC), bytes.NewReader(content))
	}))
	t.Cleanup(srv.Close)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(srv.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *edge.Options) {
		o.Config.CustomOrigins = []edge.CustomOrigin{{ID: "server", DomainName: host, ProtocolPolicy: "http-only", HTTPPort: number}}
		o.Config.Behaviors = append([]edge.Behavior{{PathPattern: "/files/*", OriginID: "server", CachePolicy: edge.CachePolicy{Name: "CachingOptimized",
			MinTTL: time.Second, DefaultTTL: 24 * time.Hour, MaxTTL: 365 * 24 * time.Hour}}}, o.Config.Behaviors...)
	}
}

// withDomain gives the site a domain and its partner.
func withDomain(o *edge.Options) {
	names := site.Config{DomainName: "example.com"}.Names()
	for _, n := range names {
		o.Config.Aliases = append(o.Config.Aliases, n.Host)
	}
	for i := range o.Config.Behaviors {
		if f := o.Config.Behaviors[i].ViewerRequest; f != nil {
			f.Code = routing.WithRedirects(f.Code, names)
		}
	}
}

func TestCompare(t *testing.T) {
	for name, url := range map[string]string{"diff-page": "/", "diff-gone": "/about", "diff-same": "/app.1.js"} {
		t.Run(name, func(t *testing.T) {
			opts := deployed(t)
			var both [2]*explain.Explanation
			for i, release := range []string{"one", "two"} {
				var err error
				if both[i], err = explain.Explain(t.Context(), opts, explain.Query{URL: url, Release: release}); err != nil {
					t.Fatal(err)
				}
			}
			checkJSON(t, name+".json", explain.Compare(both[0], both[1]))
		})
	}
}

func TestExplainRefuses(t *testing.T) {
	tests := map[string]struct {
		query explain.Query
		want  string
	}{
		"not a path":         {explain.Query{URL: "about"}, "neither a URL nor a path"},
		"other scheme":       {explain.Query{URL: "ftp://example.com/"}, "is not the URL of a page"},
		"no host":            {explain.Query{URL: "http:///x"}, "is not the URL of a page"},
		"space":              {explain.Query{URL: "/a b"}, "is not the URL of a page"},
		"method":             {explain.Query{URL: "/", Method: "G E T"}, "invalid method"},
		"unknown release":    {explain.Query{URL: "/", Release: "three"}, `there is no release "three"`},
		"impossible release": {explain.Query{URL: "/", Release: "../one"}, "../one"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := explain.Explain(t.Context(), deployed(t), tc.query)
			if err == nil || !strings.Contains(err.Error(), tc.want) || fault.KindOf(err) != fault.Usage {
				t.Errorf("error %v (kind %v), want %q", err, fault.KindOf(err), tc.want)
			}
		})
	}
}
