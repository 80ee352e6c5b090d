package edge

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// alwaysForwarded go with a request's body, whatever the policies say.
var alwaysForwarded = []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Md5"}

// forwards reports whether the policies send a header of the viewer's to the origin; its name is in canonical form.
func (b *Behavior) forwards(name string) bool {
	listed := func(items []string) bool {
		return slices.ContainsFunc(items, func(item string) bool { return strings.EqualFold(item, name) })
	}
	switch {
	case hopByHop[name] || name == "Cookie" || name == "Content-Length" || cfjs.Disallowed(strings.ToLower(name)):
		return false // RequestAndResponseBehaviorCustomOrigin, "HTTP request headers and CloudFront behavior"
	case listed(alwaysForwarded) || listed(b.CachePolicy.Headers.Items):
		return true
	case b.OriginRequestPolicy == nil:
		return false
	}
	switch list := b.OriginRequestPolicy.Headers; list.Behavior {
	case "allViewer", "allViewerAndWhitelistCloudFront":
		return true
	case partWhitelist:
		return listed(list.Items)
	case partAllExcept:
		return !listed(list.Items)
	}
	return false
}

// originHeaders returns the viewer's headers that the policies send to the origin, Host included where they name it.
func (r *request) originHeaders() http.Header {
	sent := r.behavior.forwards
	out := make(http.Header)
	if r.changed.Headers {
		for name, v := range r.rewritten.Headers {
			if canonical := http.CanonicalHeaderKey(name); sent(canonical) {
				out[canonical] = valuesOf(v)
			}
		}
		r.addViewerHeaders(out)
		return out
	}
	for name, values := range r.header {
		if sent(name) {
			out[name] = slices.Clone(values)
		}
	}
	if sent("Host") {
		out.Set("Host", r.host)
	}
	r.addViewerHeaders(out)
	return out
}

// originQuery returns the query string parameters that either policy sends.
func (r *request) originQuery() string {
	p := r.behavior.CachePolicy
	if o := r.behavior.OriginRequestPolicy; o != nil {
		p.QueryStrings = union(p.QueryStrings, o.QueryStrings)
	}
	return p.queryPart(r)
}

// originCookies returns the cookies that either policy sends, as a Cookie header.
func (r *request) originCookies() string {
	part := r.behavior.CachePolicy.Cookies
	if o := r.behavior.OriginRequestPolicy; o != nil {
		part = union(part, o.Cookies)
	}
	if part.none() {
		return ""
	}
	var out []string
	cookies := r.cookies()
	for _, name := range sortedNames(cookies) {
		if part.includes(name, false) {
			for _, v := range valuesOf(cookies[name]) {
				out = append(out, name+"="+v)
			}
		}
	}
	return strings.Join(out, "; ")
}

// union returns what either of two parts includes.
func union(a, b KeyPart) KeyPart {
	switch {
	case a.none() || b.Behavior == partAll:
		return b
	case b.none() || a.Behavior == partAll:
		return a
	case a.Behavior == partWhitelist && b.Behavior == partWhitelist:
		return KeyPart{partWhitelist, append(slices.Clone(a.Items), b.Items...)}
	case a.Behavior == partWhitelist:
		return except(b, a.Items, true)
	case b.Behavior == partWhitelist:
		return except(a, b.Items, true)
	default:
		return except(a, b.Items, false)
	}
}

// except returns an allExcept part without those of its items that are (or are not) among others.
func except(part KeyPart, others []string, among bool) KeyPart {
	return KeyPart{partAllExcept, slices.DeleteFunc(slices.Clone(part.Items), func(item string) bool {
		return slices.Contains(others, item) == among
	})}
}
