package edge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// Source says who a header of an answer is from.
type Source uint8

// The sources of headers.
const (
	// FromEdge is CloudFront itself.
	FromEdge Source = iota
	// FromOrigin is the object's metadata, or what a custom origin sent.
	FromOrigin
	// FromBehavior is the cache behaviour: what compression changes, the methods that it allows, its redirect to HTTPS.
	FromBehavior
	// FromPolicy is the behaviour's response headers policy.
	FromPolicy
	// FromFunction is a viewer-request or viewer-response function.
	FromFunction
)

var sourceNames = [...]string{"edge", "origin", "behaviour", "policy", "function"}

// String is the source's name, as JSON has it.
func (s Source) String() string { return sourceNames[s] }

// Trace is what happened to one request on its way through the edge.
type Trace struct {
	// Behavior is the one that matched the viewer's URI, and Index its place among the distribution's.
	Behavior *Behavior
	Index    int
	// Refused is true if the behaviour does not serve such a request: no function ran and no origin was asked.
	Refused bool
	// Functions are the runs of functions, in order.
	Functions []FunctionRun
	// Fetches are the objects that were looked up, in the cache or at the origin, in order. The last one answers.
	Fetches []Fetch
	// OriginErr is why an origin could not be asked, nil if all could.
	OriginErr error
	// Key is the key of the object, or the path at a custom origin, that the request came to; "" if it came to none.
	Key string
	// Status, Result (as X-Cache begins), Headers and the body are what the viewer gets. Headers are sorted by name.
	Status  int
	Result  string
	Headers []TracedHeader
	// Bytes and SHA256 describe the body, as it is sent.
	Bytes  int64
	SHA256 string

	// errorFor is the status that the next fetch is made for.
	errorFor int
}

// FunctionRun is one run of a function.
type FunctionRun struct {
	Name string
	Type cfjs.EventType
	// Result is nil if the run failed; Err says why, and Status is what the viewer gets for it.
	Result *cfjs.Result
	Err    error
	Status int
}

// Fetch is one object that was looked up.
type Fetch struct {
	// OriginID is the origin's; Custom is true if it is an HTTP server, whose Key is the path that it was asked for.
	OriginID string
	Custom   bool
	Key      string
	// ErrorFor is the status for which this is the custom error page, or 0.
	ErrorFor int
	// KeyParts is what else is in the cache key beside the URI.
	KeyParts string
	// Range is what part of the object a custom origin is asked for, "" for the whole one, or where the viewer's own Range was
	// passed on.
	Range string
	// Uncached is true for a request that was passed on without the cache.
	Uncached bool
	// Status is the origin's; Result says whether the cache had it.
	Status int
	Result string
	// TTL is how long the edge keeps it.
	TTL time.Duration
	// Headers are those of the origin, before the behaviour and its policy change them.
	Headers []TracedHeader
}

// TracedHeader is one line of an answer's head.
type TracedHeader struct {
	Name, Value string
	Source      Source
}

// explainedID is the id of every request that is explained, so that the same answer is the same twice.
const explainedID = "explained-00000000000000000000000000000000000000000000=="

// Explain answers a request as ServeHTTP does, by the very same code, and returns what happened instead of writing the
// answer. It is not for requests of viewers: it takes the time to keep and hash everything.
func (e *Edge) Explain(ctx context.Context, hr *http.Request) (*Trace, error) {
	r := e.newRequest(hr)
	t := &Trace{}
	r.trace, r.id = t, explainedID
	a := e.serve(ctx, r)
	defer a.close()
	t.Behavior, t.Index = r.behavior.Behavior, r.behavior.index
	t.Key, t.Status, t.Result = r.key, a.status, a.result.String()
	if n := len(t.Fetches); n > 0 && t.Fetches[n-1].Custom && t.Fetches[n-1].ErrorFor == 0 {
		t.Key = t.Fetches[n-1].Key
	}
	t.Headers = answerHeaders(a)
	digest := sha256.New()
	if r.wantsBody() && bodyAllowed(a.status) {
		var err error
		if t.Bytes, err = a.writeBody(digest); err != nil {
			return nil, fmt.Errorf("read the answer to %s: %w", r.uri, err)
		}
	}
	t.SHA256 = hex.EncodeToString(digest.Sum(nil))
	return t, nil
}

// answerHeaders returns the head of an answer as ServeHTTP writes it.
func answerHeaders(a *answer) []TracedHeader {
	fields := slices.Clone(a.extra)
	for _, f := range a.static {
		if fieldIndex(a.extra, f.name) < 0 {
			fields = append(fields, f)
		}
	}
	return traced(fields)
}

func traced(fields []field) []TracedHeader {
	var out []TracedHeader
	for _, f := range fields {
		for _, v := range f.value {
			out = append(out, TracedHeader{f.name, v, f.by})
		}
	}
	slices.SortStableFunc(out, func(a, b TracedHeader) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// The rest is called on the way of every request; without a trace, nothing happens.

func (t *Trace) refused() {
	if t != nil {
		t.Refused = true
	}
}

func (t *Trace) unreachable(err error) {
	if t != nil {
		t.OriginErr = err
	}
}

func (t *Trace) errorPageFor(status int) {
	if t != nil {
		t.errorFor = status
	}
}

func (t *Trace) ran(name string, typ cfjs.EventType, res *cfjs.Result, err error, status int) {
	if t != nil {
		t.addRun(FunctionRun{name, typ, res, err, status})
	}
}

func (t *Trace) fetched(g *target, en *entry, res result) {
	if t != nil {
		t.addFetch(g, en, res)
	}
}

func (t *Trace) passed(o *customOrigin, uri string, resp *http.Response) {
	if t != nil {
		t.Fetches = append(t.Fetches, Fetch{OriginID: o.ID, Custom: true, Key: o.Path + uri, Uncached: true, Status: resp.StatusCode,
			Result: resultMiss.String(), Headers: traced(responseFields(resp.Header))})
	}
}

func (t *Trace) keepSources(fields []field, before [2][]field) {
	if t != nil {
		keepSources(fields, before)
	}
}

// addRun adds a run, or why the result of the last one can't be used.
func (t *Trace) addRun(run FunctionRun) {
	if n := len(t.Functions); n > 0 && run.Result == nil && t.Functions[n-1].Err == nil && t.Functions[n-1].Type == run.Type {
		t.Functions[n-1].Err, t.Functions[n-1].Status = run.Err, run.Status
		return
	}
	t.Functions = append(t.Functions, run)
}

func (t *Trace) addFetch(g *target, en *entry, res result) {
	f := Fetch{OriginID: g.source.id, Custom: g.source.custom != nil, Key: g.uri, ErrorFor: t.errorFor, Status: en.status,
		Result: res.String(), Headers: traced(en.base)}
	if f.Custom {
		f.Key = g.source.custom.Path + g.uri
	}
	if f.Range = g.block; g.whole != nil {
		g = g.whole
	}
	if g.parts != "error page" {
		f.KeyParts = strings.TrimPrefix(g.parts, g.source.id+" ")
	}
	if kept := en.freshness.Load(); kept != nil {
		f.TTL = kept.expires.Sub(kept.stored)
	}
	t.errorFor = 0
	t.Fetches = append(t.Fetches, f)
}

// keepSources gives the headers that a viewer-response function has left as they were the source that they had.
func keepSources(fields []field, before [2][]field) {
	for i, f := range fields {
		for _, old := range before {
			if at := fieldIndex(old, f.name); at >= 0 && slices.Equal(old[at].value, f.value) {
				fields[i].by = old[at].by
			}
		}
	}
}
