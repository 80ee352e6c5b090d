package edge

import (
	"net/http"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// hopByHop are the headers of a connection; functions do not see them and origins do not get them.
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Proxy-Connection": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Expect": true,
}

// event makes the event of a viewer-request function (Developer Guide, functions-event-structure): header names in lower
// case, cookies apart from the headers, query string parameters and cookies by name with their case kept and their
// values percent-encoded as sent, and repeated entries in multiValue.
func (e *Edge) event(r *request, t cfjs.EventType) *cfjs.Event {
	ev := &cfjs.Event{
		Type:                   t,
		DistributionID:         e.config.ID,
		DistributionDomainName: e.config.DomainName,
		RequestID:              r.id,
		ViewerIP:               r.ip,
	}
	if r.rewritten != nil {
		ev.Request = *r.rewritten
		return ev
	}
	ev.Request = cfjs.Request{
		Method:      r.method,
		URI:         r.uri,
		Querystring: parseQuery(r.query),
		Headers:     eventHeaders(r.header, r.host),
		Cookies:     parseCookies(r.header["Cookie"]),
	}
	if r.hasQuery {
		raw := r.query
		ev.Request.RawQuery = &raw
	}
	return ev
}

func eventHeaders(h http.Header, host string) map[string]cfjs.Value {
	out := make(map[string]cfjs.Value, len(h)+1)
	for name, values := range h {
		lower, common := commonNames[name]
		if !common {
			lower = strings.ToLower(name)
		}
		// edge-function-restrictions-all, "Disallowed headers": functions do not see them.
		if name == "Cookie" || hopByHop[name] || len(values) == 0 || !common && cfjs.Disallowed(lower) {
			continue
		}
		v := cfjs.Value{Value: values[0]}
		if len(values) > 1 {
			for _, s := range values {
				v.Multi = append(v.Multi, cfjs.MultiValue{Value: s})
			}
		}
		out[lower] = v
	}
	if host != "" {
		out["host"] = cfjs.Value{Value: host}
	}
	return out
}

func parseQuery(query string) map[string]cfjs.Value {
	out := make(map[string]cfjs.Value)
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		addValue(out, name, value)
	}
	return out
}

func parseCookies(lines []string) map[string]cfjs.Value {
	out := make(map[string]cfjs.Value)
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if name = strings.TrimSpace(name); name != "" {
				addValue(out, name, strings.TrimSpace(value))
			}
		}
	}
	return out
}

func addValue(m map[string]cfjs.Value, name, value string) {
	v, seen := m[name]
	if !seen {
		m[name] = cfjs.Value{Value: value}
		return
	}
	if v.Multi == nil {
		v.Multi = []cfjs.MultiValue{{Value: v.Value}}
	}
	v.Multi = append(v.Multi, cfjs.MultiValue{Value: value})
	m[name] = v
}

// lowerName returns the lower-case form of a header name, without an allocation for those that browsers send.
func lowerName(name string) string {
	if lower, ok := commonNames[name]; ok {
		return lower
	}
	return strings.ToLower(name)
}

var commonNames = func() map[string]string {
	m := make(map[string]string)
	for _, n := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Cookie", "Dnt", "Host",
		"If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Origin", "Pragma",
		"Priority", "Range", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest",
		"Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc", "Upgrade-Insecure-Requests", "User-Agent",
		"X-Forwarded-For", "X-Requested-With",
	} {
		m[n] = strings.ToLower(n)
	}
	return m
}()

// RequestEvent is the event that the viewer-request function of a distribution is called with for a request.
func RequestEvent(c *Config, hr *http.Request) *cfjs.Event {
	e := &Edge{config: *c, now: time.Now}
	return e.event(e.newRequest(hr), cfjs.ViewerRequest)
}
