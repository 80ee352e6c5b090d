// Package explain tells why a URL answers as it does: it puts one request through the very edge that serves it, and makes
// of the trace what a person, or a script, wants to know. It is given what an edge is made of (a compiled template, a view
// of the key-value store, a reader of objects) and does not care which target that comes from.
package explain

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// Query is what to explain.
type Query struct {
	// URL is absolute, or a path of the site with its query string.
	URL string
	// Method is GET if it is empty.
	Method string
	// Header are the viewer's. Without an Accept-Encoding the viewer takes what browsers take; an empty one takes nothing.
	Header http.Header
	// Release is answered with in place of the live one; "" for the live one.
	Release string
}

// Explanation is why a URL answers as it does. Its JSON is the answer of `explain --json`.
type Explanation struct {
	URL    string `json:"url"`
	Method string `json:"method"`
	// Release is the one that is asked, Live whether it is the one that viewers get.
	Release   string     `json:"release"`
	Live      bool       `json:"live"`
	Behavior  Behavior   `json:"behaviour"`
	Functions []Function `json:"functions"`
	Fetches   []Fetch    `json:"fetches"`
	// Key is the object, or the path at a custom origin, that the URL came to; "" if it came to none.
	Key    string `json:"key"`
	Status int    `json:"status"`
	// Cache is the beginning of X-Cache.
	Cache   string   `json:"cache"`
	Headers []Header `json:"headers"`
	// Dropped are the origin's headers that the viewer does not get.
	Dropped []Header `json:"dropped"`
	Body    Body     `json:"body"`
	// Notes say what a reader may not expect.
	Notes []string `json:"notes"`
}

// Behavior is the cache behaviour that the URL matched.
type Behavior struct {
	// PathPattern is "Default (*)" for the default one. Number counts from 1, among Of.
	PathPattern           string `json:"pathPattern"`
	Number                int    `json:"number"`
	Of                    int    `json:"of"`
	Origin                string `json:"origin"`
	CachePolicy           string `json:"cachePolicy"`
	OriginRequestPolicy   string `json:"originRequestPolicy,omitempty"`
	ResponseHeadersPolicy string `json:"responseHeadersPolicy,omitempty"`
	Compress              bool   `json:"compress"`
	ViewerProtocolPolicy  string `json:"viewerProtocolPolicy"`
}

// Function is one run of a function.
type Function struct {
	Name  string `json:"name"`
	Event string `json:"event"`
	// Outcome is request, response or error.
	Outcome string `json:"outcome"`
	// From is the viewer's URI, and To the one that a viewer-request function made of it.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Changed are the parts that the function changed: uri, querystring, headers, cookies, status, body, origin.
	Changed     []string `json:"changed"`
	Reads       []Read   `json:"reads"`
	Logs        []string `json:"logs"`
	Utilization int      `json:"utilization"`
	Status      int      `json:"status,omitempty"`
	Error       string   `json:"error,omitempty"`
}

// Read is a key that a function read from the key-value store.
type Read struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Found bool   `json:"found"`
}

// Fetch is an object that was looked up.
type Fetch struct {
	Origin string `json:"origin"`
	Key    string `json:"key"`
	Status int    `json:"status"`
	// ErrorPageFor is the status for which this is the custom error page.
	ErrorPageFor int `json:"errorPageFor,omitempty"`
	// CacheKey is what tells cached answers apart beside the URI.
	CacheKey string `json:"cacheKey"`
	// Range is the part of the object that a custom origin is asked for, for a viewer who wants less; not there for the whole.
	Range string `json:"range,omitempty"`
	// TTL is how long the edge keeps it, in seconds, and Why says for what reason.
	TTL int64  `json:"ttl"`
	Why string `json:"why"`
}

// Header is one line of an answer's head. Source is edge, origin, behaviour, policy or function; From says it in words.
type Header struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
	From   string `json:"from"`
}

// Body is the body of the answer as it is sent.
type Body struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Explain puts a request through an edge made of opts, with an empty cache: what is explained is what the first viewer
// gets. It fails if the query is not one (fault.Usage), or if there is no such release.
func Explain(ctx context.Context, opts edge.Options, q Query) (*Explanation, error) {
	req, err := request(ctx, opts, q)
	if err != nil {
		return nil, err
	}
	live := liveRelease(opts)
	release := live
	if q.Release != "" && q.Release != live {
		release = q.Release
		if opts, err = withRelease(ctx, opts, q.Release); err != nil {
			return nil, err
		}
	}
	opts.CacheBytes, opts.AccessLog, opts.FunctionLog, opts.MeasureFunctions = -1, nil, nil, true
	e, err := edge.New(opts)
	if err != nil {
		return nil, err
	}
	trace, err := e.Explain(ctx, req)
	if err != nil {
		return nil, err
	}
	if fault.HintOf(trace.OriginErr) != "" {
		return nil, trace.OriginErr // about whoever asks, not about the site
	}
	x := newExplanation(trace, opts.Config)
	x.URL, x.Method, x.Release, x.Live = req.URL.Scheme+"://"+req.Host+req.RequestURI, req.Method, release, release == live
	if len(x.Functions) > 0 {
		x.Functions[0].From, _, _ = strings.Cut(req.RequestURI, "?")
	}
	x.Notes = notes(x, trace, req, opts)
	return x, nil
}

// request makes the viewer's request. The path stays as it was typed: net/url would lose what a viewer may send.
func request(ctx context.Context, opts edge.Options, q Query) (*http.Request, error) {
	const hint = "give a URL of the site, or a path such as /about"
	scheme, rest, ok := strings.Cut(q.URL, "://")
	if !ok {
		if !strings.HasPrefix(q.URL, "/") {
			return nil, fault.New(fault.Usage, hint, "%q is neither a URL nor a path", q.URL)
		}
		scheme, rest = "http", opts.Config.DomainName+q.URL
		if opts.HTTPS {
			scheme = "https"
		}
	}
	host, path := rest, "/"
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		host, path = rest[:at], rest[at:]
	}
	if path, _, _ = strings.Cut(path, "#"); !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	_, host, _ = strings.Cut("@"+host, "@")
	if scheme != "http" && scheme != "https" || host == "" || strings.ContainsFunc(path, notInRequestLine) {
		return nil, fault.New(fault.Usage, hint, "%q is not the URL of a page", q.URL)
	}
	method := q.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, scheme+"://"+host+"/", nil)
	if err != nil {
		return nil, fault.New(fault.Usage, hint, "explain %q: %w", q.URL, err)
	}
	req.RequestURI, req.RemoteAddr = path, "127.0.0.1:1"
	if scheme == "https" {
		req.TLS = &tls.ConnectionState{}
	}
	if q.Header != nil {
		req.Header = q.Header.Clone()
	}
	if _, ok := req.Header["Accept-Encoding"]; !ok {
		req.Header.Set("Accept-Encoding", "gzip, deflate, br")
	}
	return req, nil
}

// notInRequestLine is true for what no client can send in a path.
func notInRequestLine(r rune) bool { return r <= ' ' || r == 0x7f }

// liveRelease is what viewers get now, "" if nothing is live.
func liveRelease(opts edge.Options) string {
	if opts.KV == nil {
		return ""
	}
	kv, err := opts.KV()
	if err != nil || kv == nil {
		return ""
	}
	release, _ := kv.Get(publish.PathKey)
	return release
}

// exists reports whether the bucket holds a release: its manifest is written last.
func exists(ctx context.Context, bucket edge.Origin, release string) (bool, error) {
	obj, err := bucket.Get(ctx, "_releases/"+release+".json")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for release %s: %w", release, err)
	}
	return true, obj.Body.Close()
}
