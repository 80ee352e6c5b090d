package edge

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// The values of KeyPart.Behavior.
const (
	partNone      = "none"
	partAll       = "all"
	partWhitelist = "whitelist"
	partAllExcept = "allExcept"
)

func (k *KeyPart) none() bool { return k.Behavior == "" || k.Behavior == partNone }

// includes reports whether an entry with this name is part of the key.
func (k *KeyPart) includes(name string, fold bool) bool {
	listed := slices.ContainsFunc(k.Items, func(item string) bool {
		return item == name || fold && strings.EqualFold(item, name)
	})
	switch k.Behavior {
	case partAll:
		return true
	case partWhitelist:
		return listed
	case partAllExcept:
		return !listed
	default:
		return false
	}
}

// keyParts returns what of a request the cache policy puts into the cache key beside the URI (Developer Guide,
// controlling-the-cache-key), as the function left the request. It is "" if the policy takes nothing.
func (p *CachePolicy) keyParts(r *request) string {
	if p.QueryStrings.none() && p.Headers.none() && p.Cookies.none() {
		return ""
	}
	var b strings.Builder
	if !p.QueryStrings.none() {
		b.WriteString("?" + p.queryPart(r))
	}
	if !p.Cookies.none() {
		cookies := r.cookies()
		for _, name := range sortedNames(cookies) {
			if p.Cookies.includes(name, false) {
				writePart(&b, ";", name, valuesOf(cookies[name]))
			}
		}
	}
	if !p.Headers.none() {
		names := slices.Clone(p.Headers.Items)
		slices.Sort(names)
		for _, name := range names {
			n := headerName{http.CanonicalHeaderKey(name), strings.ToLower(name)}
			if n.lower == "host" && !r.changed.Headers {
				writePart(&b, "\n", n.lower, []string{r.host})
				continue
			}
			value := r.get(n)
			if strings.HasPrefix(n.lower, aboutViewer) {
				value = r.viewerHeader(n.lower)
			}
			writePart(&b, "\n", n.lower, []string{value})
		}
	}
	return b.String()
}

// queryPart returns the query string parameters that the policy takes, in the order of the request.
func (p *CachePolicy) queryPart(r *request) string {
	if r.changed.Querystring {
		query := r.rewritten.Querystring
		var b strings.Builder
		for _, name := range sortedNames(query) {
			if p.QueryStrings.includes(name, false) {
				for _, v := range valuesOf(query[name]) {
					b.WriteString("&" + name + "=" + v)
				}
			}
		}
		return b.String()
	}
	if p.QueryStrings.Behavior == partAll {
		return r.query
	}
	var b strings.Builder
	for pair := range strings.SplitSeq(r.query, "&") {
		if name, _, _ := strings.Cut(pair, "="); pair != "" && p.QueryStrings.includes(name, false) {
			b.WriteString("&" + pair)
		}
	}
	return b.String()
}

func (r *request) cookies() map[string]cfjs.Value {
	if r.changed.Cookies {
		return r.rewritten.Cookies
	}
	return parseCookies(r.header["Cookie"])
}

func sortedNames(m map[string]cfjs.Value) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// writePart writes one entry of the key. Names and values can't hold the separators: no header value holds a line feed.
func writePart(b *strings.Builder, separator, name string, values []string) {
	for _, v := range values {
		b.WriteString(separator + name + "=" + v)
	}
}
