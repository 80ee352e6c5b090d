package edge

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// vectors is a file of testdata/vectors: one documented rule, where it is documented, and what follows from it. Each case
// is a story of requests to an edge of its own; a path of the rule's own kind stands in Patterns, Keys or TTLs.
type vectors struct {
	Rule    string
	Sources []string
	Edge    edgeVector
	Cases   []caseVector
	// Patterns are path patterns and whether they match a URI.
	Patterns []struct {
		Name, Pattern, URI string
		Match              bool
	}
	// Keys are the keys that S3 understands of URIs, or the status with which it refuses them.
	Keys []struct {
		Name, URI, Key string
		Refused        int
	}
	// TTLs are for how many seconds an answer is kept, by its Cache-Control and the TTLs of the policy: minimum, default,
	// maximum.
	TTLs []struct {
		Name, Control string
		Policy        [3]int
		TTL           int
	}
}

// edgeVector is a distribution. What a case gives takes the place of what the file gives.
type edgeVector struct {
	// Behaviors are those before the default one.
	Behaviors []behaviorVector
	Default   *behaviorVector
	Errors    []struct {
		Status, ResponseStatus int
		PagePath               string
		MinTTL                 int
	}
	Root string
	// HTTPS edges enforce the viewer protocol policy.
	HTTPS bool
	// Objects are the bucket's.
	Objects map[string]objectVector
}

type behaviorVector struct {
	Pattern  string
	Methods  []string
	Protocol string
	// Origin is bucket or server; bucket if it is empty.
	Origin   string
	Compress *bool
	// TTL are the minimum, default and maximum of the cache policy, in seconds; those of CachingOptimized if there are none.
	TTL          []int
	Gzip, Brotli *bool
	// Headers, Cookies and Query are the cache policy's; Forward* the origin request policy's.
	Headers, Cookies, Query                      KeyPart
	ForwardHeaders, ForwardCookies, ForwardQuery *KeyPart
	Policy                                       *struct {
		Set    []PolicyHeader
		Remove []string
		CORS   *CORS
		// MaxAge is the CORS part's, in seconds.
		MaxAge int
		Timing float64
	}
}

type objectVector struct {
	Body string
	// Size repeats the body up to so many bytes.
	Size                    int
	Type, Control, ETag     string
	NoETag, NoTime, Missing bool
}

type caseVector struct {
	Name  string
	Edge  edgeVector
	Steps []stepVector
}

// stepVector is one request, and what is expected of its answer.
type stepVector struct {
	// After is how many seconds pass before.
	After float64
	// Change are objects that the bucket holds from now on; Fail breaks it.
	Change map[string]objectVector
	Fail   bool
	// Server is what the server of the origin "server" answers; without a status it closes the connection.
	Server *struct {
		Status  int
		Headers [][2]string
		Body    string
	}
	Method, URL string
	Headers     [][2]string
	Body        string

	Status int
	XCache string
	// Want are headers of the answer, null for those that must not be there, a value after "~" for a part of it. Content is the body, decoded.
	Want    map[string]*string
	Content *string
	// Asked is how many requests the origin got. Got are headers of the one that the server got, with Method and URI.
	Asked *int
	Got   map[string]*string
}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v vectors
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			if v.Rule == "" || len(v.Sources) == 0 {
				t.Error("the file does not name its rule and its source")
			}
			v.run(t)
		})
	}
}

func (v *vectors) run(t *testing.T) {
	for _, p := range v.Patterns {
		t.Run(p.Name, func(t *testing.T) {
			if got := matchPattern(normalizePattern(p.Pattern), normalizePath(p.URI)); got != p.Match {
				t.Errorf("pattern %q, uri %q: got %v", p.Pattern, p.URI, got)
			}
		})
	}
	for _, k := range v.Keys {
		t.Run(k.Name, func(t *testing.T) {
			key, refused := objectKey(k.URI)
			if refused != k.Refused || refused != 400 && key != k.Key {
				t.Errorf("objectKey(%q) = %q, %d, want %q, %d", k.URI, key, refused, k.Key, k.Refused)
			}
		})
	}
	for _, c := range v.TTLs {
		t.Run(c.Name, func(t *testing.T) {
			policy := cachePolicy(c.Policy[:])
			if got := parseCacheControl(c.Control).ttl(&policy); got != seconds(c.TTL) {
				t.Errorf("ttl of %q: %v, want %ds", c.Control, got, c.TTL)
			}
		})
	}
	for _, c := range v.Cases {
		t.Run(c.Name, func(t *testing.T) { c.run(t, v.Edge) })
	}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func cachePolicy(ttl []int) CachePolicy {
	return CachePolicy{Name: "policy", MinTTL: seconds(ttl[0]), DefaultTTL: seconds(ttl[1]), MaxTTL: seconds(ttl[2])}
}

func (b behaviorVector) behavior() Behavior {
	out := Behavior{PathPattern: b.Pattern, AllowedMethods: b.Methods, ViewerProtocolPolicy: b.Protocol, OriginID: cmp.Or(b.Origin, "bucket"),
		Compress: b.Compress == nil || *b.Compress, CachePolicy: optimized}
	if b.TTL != nil {
		out.CachePolicy = cachePolicy(b.TTL)
		out.CachePolicy.AcceptGzip, out.CachePolicy.AcceptBrotli = true, true
	}
	p := &out.CachePolicy
	if b.Gzip != nil {
		p.AcceptGzip = *b.Gzip
	}
	if b.Brotli != nil {
		p.AcceptBrotli = *b.Brotli
	}
	p.Headers, p.Cookies, p.QueryStrings = b.Headers, b.Cookies, b.Query
	if b.ForwardHeaders != nil || b.ForwardCookies != nil || b.ForwardQuery != nil {
		out.OriginRequestPolicy = &OriginRequestPolicy{}
		for to, from := range map[*KeyPart]*KeyPart{&out.OriginRequestPolicy.Headers: b.ForwardHeaders,
			&out.OriginRequestPolicy.Cookies: b.ForwardCookies, &out.OriginRequestPolicy.QueryStrings: b.ForwardQuery} {
			if from != nil {
				*to = *from
			}
		}
	}
	if b.Policy != nil {
		out.ResponseHeadersPolicy = &ResponseHeadersPolicy{Set: b.Policy.Set, Remove: b.Policy.Remove, CORS: b.Policy.CORS, ServerTimingRate: b.Policy.Timing}
		if b.Policy.CORS != nil {
			b.Policy.CORS.MaxAge = seconds(b.Policy.MaxAge)
		}
	}
	return out
}

// vectorServer is the origin that is an HTTP server. It answers what the step says.
type vectorServer struct {
	mu    sync.Mutex
	step  *stepVector
	asked int
	got   http.Header
}

func (s *vectorServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	s.got = r.Header.Clone()
	s.got.Set("Method", r.Method)
	s.got.Set("Uri", r.RequestURI)
	s.got.Set("Host", r.Host)
	answer := s.step.Server
	if answer == nil || answer.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	for _, h := range answer.Headers {
		w.Header().Add(h[0], h[1])
	}
	w.WriteHeader(answer.Status)
	_, _ = io.WriteString(w, answer.Body)
}

func (c *caseVector) run(t *testing.T, base edgeVector) {
	server := &vectorServer{}
	srv := httptest.NewServer(server)
	defer srv.Close()
	te := newTestEdge(t, nil, func(o *Options) {
		o.HTTPS = base.HTTPS || c.Edge.HTTPS
		o.Config.CustomOrigins = []CustomOrigin{customOriginAt(t, "server", srv.URL)}
		o.Config.DefaultRootObject = cmp.Or(c.Edge.Root, base.Root)
		o.Config.Behaviors, o.Config.ErrorPages = nil, nil
		behaviors, standard, pages := base.Behaviors, base.Default, base.Errors
		if c.Edge.Behaviors != nil {
			behaviors = c.Edge.Behaviors
		}
		if c.Edge.Default != nil {
			standard = c.Edge.Default
		}
		if c.Edge.Errors != nil {
			pages = c.Edge.Errors
		}
		if standard == nil {
			standard = &behaviorVector{}
		}
		for _, b := range append(slices.Clone(behaviors), *standard) {
			o.Config.Behaviors = append(o.Config.Behaviors, b.behavior())
		}
		for _, p := range pages {
			o.Config.ErrorPages = append(o.Config.ErrorPages, ErrorPage{p.Status, p.ResponseStatus, p.PagePath, seconds(p.MinTTL)})
		}
	})
	for _, objects := range []map[string]objectVector{base.Objects, c.Edge.Objects} {
		te.putAll(objects)
	}
	for i := range c.Steps {
		server.mu.Lock()
		server.step, server.asked, server.got = &c.Steps[i], 0, nil
		server.mu.Unlock()
		te.step(t, fmt.Sprintf("step %d", i+1), &c.Steps[i], server)
	}
}

func (te *testEdge) putAll(objects map[string]objectVector) {
	for key, o := range objects {
		if o.Size > 0 {
			if o.Body == "" {
				o.Body = "0123456789"
			}
			o.Body = strings.Repeat(o.Body, o.Size/len(o.Body)+1)[:o.Size]
		}
		te.origin.put(key, o.Body, o.Type, o.Control)
		te.origin.change(key, func(f *fakeObject) {
			f.etag = cmp.Or(o.ETag, f.etag)
			if o.NoETag {
				f.etag = ""
			}
			if o.NoTime {
				f.modified = time.Time{}
			}
		})
		if o.Missing {
			te.origin.mu.Lock()
			delete(te.origin.objects, key)
			te.origin.mu.Unlock()
		}
	}
}

func (te *testEdge) step(t *testing.T, name string, s *stepVector, server *vectorServer) {
	t.Helper()
	te.advance(time.Duration(s.After * float64(time.Second)))
	te.putAll(s.Change)
	te.origin.fail(nil)
	if s.Fail {
		te.origin.fail(io.ErrUnexpectedEOF)
	}
	before := te.origin.all()
	r := httptest.NewRequest(cmp.Or(s.Method, "GET"), "/", strings.NewReader(s.Body))
	if s.Body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.RequestURI, r.Host = s.URL, "site.localhost:8080"
	for _, h := range s.Headers {
		r.Header.Add(h[0], h[1])
	}
	w := httptest.NewRecorder()
	te.ServeHTTP(w, r)
	resp := w.Result()
	if resp.StatusCode != s.Status {
		t.Errorf("%s: status %d, want %d", name, resp.StatusCode, s.Status)
	}
	if got := resp.Header.Get("X-Cache"); s.XCache != "" && got != s.XCache+" from cloudfront" {
		t.Errorf("%s: X-Cache %q, want %q", name, got, s.XCache)
	}
	compareHeaders(t, name, resp.Header, s.Want)
	if s.Content != nil {
		if got := body(t, resp); got != *s.Content {
			t.Errorf("%s: body %q, want %q", name, got, *s.Content)
		}
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if asked := te.origin.all() - before + server.asked; s.Asked != nil && asked != *s.Asked {
		t.Errorf("%s: the origin was asked %d times, want %d", name, asked, *s.Asked)
	}
	compareHeaders(t, name+", at the origin", server.got, s.Got)
}

// all is how many requests the bucket got.
func (o *fakeOrigin) all() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, gets := range o.gets {
		n += gets
	}
	return n
}

func compareHeaders(t *testing.T, name string, got http.Header, want map[string]*string) {
	t.Helper()
	for header, value := range want {
		values := got.Values(header)
		switch {
		case value == nil && len(values) > 0:
			t.Errorf("%s: %s: %q, want none", name, header, values)
		case value != nil && strings.HasPrefix(*value, "~") && strings.Contains(strings.Join(values, ", "), (*value)[1:]):
		case value != nil && strings.Join(values, ", ") != *value:
			t.Errorf("%s: %s: %q, want %q", name, header, values, *value)
		}
	}
}
