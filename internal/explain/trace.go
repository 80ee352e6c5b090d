package explain

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
)

const defaultPattern = "Default (*)"

func newExplanation(t *edge.Trace, config edge.Config) *Explanation {
	b := t.Behavior
	x := &Explanation{
		Key: t.Key, Status: t.Status, Cache: t.Result, Body: Body{t.Bytes, t.SHA256},
		Functions: []Function{}, Fetches: []Fetch{}, Headers: []Header{}, Dropped: []Header{}, Notes: []string{},
		Behavior: Behavior{
			PathPattern: b.PathPattern, Number: t.Index + 1, Of: len(config.Behaviors), Origin: b.OriginID,
			CachePolicy: b.CachePolicy.Name, Compress: b.Compress, ViewerProtocolPolicy: b.ViewerProtocolPolicy,
		},
	}
	if b.PathPattern == "" {
		x.Behavior.PathPattern = defaultPattern
	}
	if p := b.OriginRequestPolicy; p != nil {
		x.Behavior.OriginRequestPolicy = p.Name
	}
	if p := b.ResponseHeadersPolicy; p != nil {
		x.Behavior.ResponseHeadersPolicy = p.Name
	}
	for _, run := range t.Functions {
		x.Functions = append(x.Functions, newFunction(run))
	}
	for _, f := range t.Fetches {
		x.Fetches = append(x.Fetches, newFetch(f, t, config))
	}
	x.headers(t)
	return x
}

func newFunction(run edge.FunctionRun) Function {
	f := Function{Name: run.Name, Event: string(run.Type), Changed: []string{}, Reads: []Read{}, Logs: []string{}}
	var failed *cfjs.Error
	switch res := run.Result; {
	case run.Err != nil:
		f.Outcome, f.Error, f.Status = "error", run.Err.Error(), run.Status
		if e, ok := run.Err.(*cfjs.Error); ok {
			failed = e
		}
	case res.Response != nil:
		f.Outcome, f.Status = "response", res.Response.StatusCode
	default:
		f.Outcome, f.To = "request", res.Request.URI
	}
	switch {
	case failed != nil:
		f.read(failed.Reads, failed.Logs, failed.Utilization)
	case run.Result != nil:
		f.read(run.Result.Reads, run.Result.Logs, run.Result.Utilization)
		f.changes(run)
	}
	return f
}

func (f *Function) read(reads []cfjs.Read, logs []string, utilization int) {
	for _, r := range reads {
		f.Reads = append(f.Reads, Read{r.Key, r.Value, r.OK})
	}
	f.Logs = append(f.Logs, logs...)
	f.Utilization = utilization
}

func (f *Function) changes(run edge.FunctionRun) {
	if run.Type == cfjs.ViewerRequest && run.Result.Response != nil {
		return // a response of the function's own is not a change of anything
	}
	c := run.Result.Changed
	for _, part := range []struct {
		name    string
		changed bool
	}{{"uri", c.URI}, {"querystring", c.Querystring}, {"headers", c.Headers}, {"cookies", c.Cookies}, {"status", c.Status},
		{"body", c.Body}, {"origin", run.Result.Origin != nil}} {
		if part.changed {
			f.Changed = append(f.Changed, part.name)
		}
	}
}

func newFetch(f edge.Fetch, t *edge.Trace, config edge.Config) Fetch {
	return Fetch{Origin: f.OriginID, Key: f.Key, Status: f.Status, ErrorPageFor: f.ErrorFor, CacheKey: strings.TrimSpace(f.KeyParts),
		Range: f.Range, TTL: int64(f.TTL / time.Second), Why: why(f, t, config)}
}

// why says in words for how long an answer of an origin is kept.
func why(f edge.Fetch, t *edge.Trace, config edge.Config) string {
	p := t.Behavior.CachePolicy
	switch {
	case f.Uncached:
		if t.Behavior.CachePolicy.MaxTTL > 0 && value(f.Headers, "Content-Range") != "" {
			return "not cached: more of a large object is asked for than the edge keeps, or the origin sends no part that can be cut"
		}
		return "not cached: the cache policy allows no caching, the method is neither GET nor HEAD, or the answer is too large"
	case f.ErrorFor != 0:
		return "checked with the origin for each answer, since it changes with the release; CloudFront keeps it by its own headers"
	case f.Status >= 400:
		for _, page := range config.ErrorPages {
			if page.Status == f.Status {
				return "the error caching minimum TTL of the custom error response for " + strconv.Itoa(f.Status)
			}
		}
		return "the error caching minimum TTL where no custom error response says otherwise"
	}
	control := value(f.Headers, "Cache-Control")
	if control == "" {
		control = "the origin sends no Cache-Control"
	} else {
		control = "Cache-Control: " + control
	}
	return fmt.Sprintf("%s; cache policy %s: minimum %s, default %s, maximum %s", control, p.Name, span(p.MinTTL), span(p.DefaultTTL), span(p.MaxTTL))
}

// span is a time in the largest unit that it is a whole number of.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{365 * day, "year"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if d >= u.unit && d%u.unit == 0 {
			n := strconv.FormatInt(int64(d/u.unit), 10) + " " + u.name
			if d/u.unit > 1 {
				n += "s"
			}
			return n
		}
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + " s"
}

func value(headers []edge.TracedHeader, name string) string {
	var values []string
	for _, h := range headers {
		if h.Name == name {
			values = append(values, h.Value)
		}
	}
	return strings.Join(values, ", ")
}

// volatile are the headers whose values are new for each request, and what stands for them: two explanations of the same
// answer are the same.
var volatile = map[string]string{"X-Amz-Cf-Id": "(new for each request)", "Server-Timing": "(measured for each request)"}

// headers fills in the answer's headers, each with whom it is from, and those of the origin that did not come through.
func (x *Explanation) headers(t *edge.Trace) {
	var last edge.Fetch
	if n := len(t.Fetches); n > 0 {
		last = t.Fetches[n-1]
	}
	for _, h := range t.Headers {
		if text, ok := volatile[h.Name]; ok {
			h.Value = text
		}
		x.Headers = append(x.Headers, Header{h.Name, h.Value, h.Source.String(), x.from(t, last, h)})
	}
	x.Headers = append(x.Headers, Header{"Date", "(the time of the answer)", edge.FromEdge.String(), "CloudFront"})
	slices.SortStableFunc(x.Headers, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	if t.Status == http.StatusNotModified {
		return // it has no more than what the viewer's copy needs
	}
	for _, h := range last.Headers {
		if slices.ContainsFunc(t.Headers, func(other edge.TracedHeader) bool { return other.Name == h.Name }) {
			continue
		}
		by := "CloudFront"
		switch p := t.Behavior.ResponseHeadersPolicy; {
		case p != nil && slices.ContainsFunc(p.Remove, func(name string) bool { return strings.EqualFold(name, h.Name) }):
			by = "removed by response headers policy " + p.Name
		case h.Name == "Accept-Ranges":
			by = "not sent with what is compressed"
		}
		x.Dropped = append(x.Dropped, Header{h.Name, h.Value, h.Source.String(), by})
	}
}

// from says in words whom a header is from.
func (x *Explanation) from(t *edge.Trace, last edge.Fetch, h edge.TracedHeader) string {
	text := ""
	switch h.Source {
	case edge.FromOrigin:
		if last.Custom {
			return "origin " + last.OriginID
		}
		return "metadata of " + last.Key
	case edge.FromBehavior:
		text = "behaviour " + x.Behavior.PathPattern
		if h.Name != "Allow" && h.Name != "Location" {
			text += ", compression"
		}
	case edge.FromPolicy:
		text = "response headers policy " + x.Behavior.ResponseHeadersPolicy
	case edge.FromFunction:
		if n := len(t.Functions); n > 0 {
			text = "function " + t.Functions[n-1].Name
		}
	default:
		return "CloudFront"
	}
	if was := value(last.Headers, h.Name); was != "" && was != h.Value {
		text += ", in place of the origin's " + was
	}
	return text
}

// notes are what a reader may not expect.
func notes(x *Explanation, t *edge.Trace, req *http.Request, opts edge.Options) []string {
	list := []string{}
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if x.Release == "" {
		add("no release is live")
	}
	if host := req.URL.Hostname(); len(opts.Config.Aliases) > 0 && !slices.Contains(hosts(opts.Config), strings.ToLower(host)) && !loopback(host) {
		add("%s is no name of this site, which answers to %s", host, strings.Join(hosts(opts.Config), ", "))
	}
	if !opts.HTTPS && req.URL.Scheme == "http" {
		switch t.Behavior.ViewerProtocolPolicy {
		case "redirect-to-https":
			add("on CloudFront this http URL is redirected to https; here both are answered alike")
		case "https-only":
			add("on CloudFront this http URL is refused with 403; here it is answered")
		}
	}
	if t.OriginErr != nil {
		add("the origin could not be asked: %v", t.OriginErr)
	}
	if t.Refused {
		add("the behaviour does not serve this: no function ran, and no origin was asked")
	}
	if strings.Contains(x.Key, " ") && strings.Contains(req.RequestURI, "+") {
		add(`S3 reads "+" in a path as a space; %%2B is a plus sign`)
	}
	asked := slices.ContainsFunc(t.Fetches, func(f edge.Fetch) bool { return f.ErrorFor == 0 })
	if !asked && t.Status >= 400 && !t.Refused && t.OriginErr == nil && x.Key != "" {
		add("no origin was asked: no object can have the key %q", x.Key)
	}
	return list
}

// hosts are the names that the distribution answers to, its own last.
func hosts(config edge.Config) []string {
	var names []string
	for _, name := range config.Aliases {
		names = append(names, strings.ToLower(name))
	}
	return append(names, config.DomainName)
}

// loopback reports whether a host is this machine as such: the local target answers there for its only site.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
