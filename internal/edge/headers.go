package edge

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The names that the edge gives itself where CloudFront says who it is. The header names are CloudFront's.
const (
	serverName = "cloudfront-hosting-toolkit"
	popName    = "LOCAL"
)

// field is one header of an answer. Its name is in canonical form; value is never changed once it is set, because many
// answers share it.
type field struct {
	name  string
	value []string
	by    Source
}

func fieldIndex(fields []field, name string) int {
	return slices.IndexFunc(fields, func(f field) bool { return f.name == name })
}

// headerPolicy is a response headers policy made ready (Developer Guide, understanding-response-headers-policies), and
// the headers that the edge itself adds to each answer.
type headerPolicy struct {
	remove map[string]bool
	set    []policyField
	cors   *corsPolicy
	own    []field
	// timing is the share of answers that get Server-Timing, 0 to 1; it is enabled at all if hasTiming.
	timing    float64
	hasTiming bool
}

type policyField struct {
	field
	override bool
}

func newHeaderPolicy(c *ResponseHeadersPolicy) headerPolicy {
	var p headerPolicy
	if c == nil {
		return p
	}
	p.remove = make(map[string]bool, len(c.Remove))
	for _, name := range c.Remove {
		p.remove[http.CanonicalHeaderKey(name)] = true
	}
	for _, h := range c.Set {
		p.set = append(p.set, policyField{field{http.CanonicalHeaderKey(h.Name), []string{h.Value}, FromPolicy}, h.Override})
	}
	p.cors = newCORSPolicy(c.CORS)
	p.timing, p.hasTiming = c.ServerTimingRate/100, c.ServerTimingRate > 0
	return p
}

// apply returns the headers of an answer: those of the origin as the policy changes them, and the edge's own. Headers
// are removed first and added then; one that the origin sent is replaced only where the policy overrides.
func (p *headerPolicy) apply(origin []field) []field {
	out := make([]field, 0, len(origin)+len(p.set)+len(p.own)+1)
	for _, f := range origin {
		if !p.remove[f.name] {
			out = append(out, f)
		}
	}
	for _, s := range p.set {
		switch i := fieldIndex(out, s.name); {
		case i < 0:
			out = append(out, s.field)
		case s.override:
			out[i] = s.field
		}
	}
	if p.cors != nil && !p.cors.any {
		out = addVary(out, "Origin", FromPolicy)
	}
	for _, f := range p.own {
		switch i := fieldIndex(out, f.name); {
		case i < 0:
			out = append(out, f)
		case f.name == "Via":
			out[i] = f
		}
	}
	return out
}

// addVary adds a name to the Vary header of fields, which it changes.
func addVary(fields []field, name string, by Source) []field {
	i := fieldIndex(fields, "Vary")
	if i < 0 {
		return append(fields, field{"Vary", []string{name}, by})
	}
	old := strings.Join(fields[i].value, ", ")
	for v := range strings.SplitSeq(old, ",") {
		if v = strings.TrimSpace(v); v == "*" || strings.EqualFold(v, name) {
			return fields
		}
	}
	fields[i] = field{"Vary", []string{old + ", " + name}, by}
	return fields
}

// corsPolicy is the CORS part of a response headers policy.
type corsPolicy struct {
	any      bool
	origins  []string
	override bool
	// simple are sent with the answer to a request with an Origin header, preflight with that to a preflight request.
	simple, preflight []field
}

func newCORSPolicy(c *CORS) *corsPolicy {
	if c == nil {
		return nil
	}
	p := &corsPolicy{any: slices.Contains(c.AllowOrigins, "*"), origins: c.AllowOrigins, override: c.Override}
	if c.AllowCredentials {
		p.simple = append(p.simple, field{"Access-Control-Allow-Credentials", []string{"true"}, FromPolicy})
	}
	p.preflight = slices.Clone(p.simple)
	if len(c.ExposeHeaders) > 0 {
		p.simple = append(p.simple, field{"Access-Control-Expose-Headers", []string{joinList(c.ExposeHeaders)}, FromPolicy})
	}
	if len(c.AllowHeaders) > 0 {
		p.preflight = append(p.preflight, field{"Access-Control-Allow-Headers", []string{joinList(c.AllowHeaders)}, FromPolicy})
	}
	methods := c.AllowMethods
	if slices.Contains(methods, "ALL") {
		methods = []string{"GET", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
	}
	if len(methods) > 0 {
		p.preflight = append(p.preflight, field{"Access-Control-Allow-Methods", []string{joinList(methods)}, FromPolicy})
	}
	if c.MaxAge > 0 {
		seconds := strconv.FormatInt(int64(c.MaxAge/time.Second), 10)
		p.preflight = append(p.preflight, field{"Access-Control-Max-Age", []string{seconds}, FromPolicy})
	}
	return p
}

// headers returns the CORS headers of the answer to r, none if it is not a CORS request or its origin is not allowed.
func (p *corsPolicy) headers(r *request, static []field) []field {
	if p == nil {
		return nil
	}
	origin := r.get(hdrOrigin)
	if origin == "" {
		return nil
	}
	allow := "*"
	if !p.any {
		if !slices.ContainsFunc(p.origins, func(o string) bool { return originMatches(o, origin) }) {
			return nil
		}
		allow = origin
	}
	add := p.simple
	if r.method == http.MethodOptions && r.get(hdrRequestMethod) != "" {
		add = p.preflight
	}
	out := make([]field, 0, len(add)+1)
	for _, f := range append([]field{{"Access-Control-Allow-Origin", []string{allow}, FromPolicy}}, add...) {
		if p.override || fieldIndex(static, f.name) < 0 {
			out = append(out, f)
		}
	}
	return out
}

// originMatches reports whether an Origin header matches an allowed origin: the same, or, where the allowed one begins
// its host with "*.", any host below it. An allowed origin without a scheme matches every scheme.
func originMatches(allowed, origin string) bool {
	scheme, host, ok := strings.Cut(origin, "://")
	wantScheme, wantHost, hasScheme := strings.Cut(allowed, "://")
	if !hasScheme {
		wantHost = allowed
	}
	if !ok || hasScheme && !strings.EqualFold(scheme, wantScheme) {
		return false
	}
	if suffix, wild := strings.CutPrefix(wantHost, "*"); wild {
		return len(host) > len(suffix) && strings.EqualFold(host[len(host)-len(suffix):], suffix)
	}
	return strings.EqualFold(host, wantHost)
}

// serverTiming returns the Server-Timing header of an answer, "" if it gets none (Developer Guide,
// server-timing-header): by the sampling rate, or because the viewer asks for it with a Pragma header.
func (p *headerPolicy) serverTiming(r *request, result result, now time.Time) string {
	if !p.hasTiming {
		return ""
	}
	if !strings.EqualFold(r.get(hdrPragma), "server-timing") && rand.Float64() >= p.timing {
		return ""
	}
	common := `,cdn-pop;desc="` + popName + `",cdn-rid;desc="` + r.id + `"`
	total := ",cdn-downstream-fbl;dur=" + strconv.FormatInt(now.Sub(r.start).Milliseconds(), 10)
	switch result {
	case resultHit:
		return "cdn-cache-hit" + common + `,cdn-hit-layer;desc="EDGE"` + total
	case resultRefreshHit:
		return "cdn-cache-refresh" + common + total
	default:
		return `cdn-upstream-layer;desc="EDGE",cdn-upstream-fbl;dur=` +
			strconv.FormatInt(r.fetchTime.Milliseconds(), 10) + ",cdn-cache-miss" + common + total
	}
}

func joinList(items []string) string { return strings.Join(items, ", ") }
