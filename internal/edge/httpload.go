package edge

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// loadHTTP asks a custom origin for the entry of a target.
func (e *Edge) loadHTTP(ctx context.Context, r *request, t *target, old *entry) (*entry, result) {
	req, err := t.source.custom.request(ctx, r, t.uri)
	if err != nil {
		en := &entry{key: t.key(), status: http.StatusBadRequest}
		en.freshness.Store(e.freshness(r, 0))
		return en, resultError
	}
	if t.options {
		req.Method = http.MethodOptions
	} else if old != nil && (old.status == http.StatusOK || old.total > 0) && !varyAny(old.base) {
		if old.etag != "" {
			req.Header.Set("If-None-Match", old.etag)
		}
		if !old.modified.IsZero() {
			req.Header.Set("If-Modified-Since", old.modified.UTC().Format(http.TimeFormat))
		}
	}
	all := t
	if t.whole != nil {
		req.Header.Set("Range", t.block)
		all = t.whole // only a part is kept as such
	}
	resp, err := e.send(r, t.source.custom, req)
	if err != nil {
		return e.loadHTTPError(r, all, old, gatewayStatus(err), err)
	}
	defer resp.Body.Close()
	cleanResponse(r, resp.Header)
	switch {
	case resp.StatusCode == http.StatusNotModified && old != nil:
		return e.refreshed(r, t, old, resp.Header), resultRefreshHit
	case resp.StatusCode >= 500 && old != nil && old.staleIfError(r.start, &t.via.CachePolicy):
		return old, resultHit
	case resp.StatusCode == http.StatusPartialContent && t.whole != nil:
		return e.loadPart(ctx, r, t, resp)
	}
	body, large, err := e.readHTTP(ctx, resp)
	if err != nil {
		return e.loadHTTPError(r, all, old, http.StatusBadGateway, err)
	}
	en := all.newHTTPEntry(resp, body, large)
	en.unranged = t.whole != nil
	if e.httpFreshness(r, t, en, resp.Header) {
		e.cache.put(en)
	}
	return en, resultMiss
}

// notUpdated are the headers of a 304 answer that say nothing of the answer that is kept (RFC 9111, section 3.2).
var notUpdated = map[string]bool{"Content-Encoding": true, "Content-Length": true, "Content-Md5": true, "Content-Range": true,
	"Etag": true, "Age": true}

// refreshed returns the entry of an answer that its origin has confirmed, with the headers that came with it.
func (e *Edge) refreshed(r *request, t *target, old *entry, confirmed http.Header) *entry {
	h := make(http.Header, len(old.base))
	for _, f := range old.base {
		h[f.name] = f.value
	}
	for name, values := range confirmed {
		if !notUpdated[name] && !hopByHop[name] {
			h[name] = values
		}
	}
	body := []byte(nil)
	if f := old.forms[identity].form; f != nil {
		body = f.body
	}
	en := t.newHTTPEntry(&http.Response{StatusCode: old.status, Header: h, ContentLength: old.size}, body, old.large)
	en.off, en.total = old.off, old.total
	if age := confirmed.Values("Age"); age != nil {
		h["Age"] = age
	}
	if e.httpFreshness(r, t, en, h) {
		e.cache.put(en)
	}
	return en
}

func (e *Edge) loadHTTPError(r *request, t *target, old *entry, status int, err error) (*entry, result) {
	r.trace.unreachable(err)
	e.logError(r, fmt.Errorf("fetch %s from origin %s: %w", t.uri, t.source.id, err))
	if old != nil && old.staleIfError(r.start, &t.via.CachePolicy) {
		return old, resultHit
	}
	en := &entry{key: t.key(), status: status, unreached: true}
	en.freshness.Store(e.freshness(r, e.errorTTL(status)))
	e.cache.put(en)
	return en, resultError
}

// readHTTP returns the body of an answer, unless it is too large to be held.
func (e *Edge) readHTTP(ctx context.Context, resp *http.Response) (body []byte, large bool, err error) {
	if resp.ContentLength > e.maxHeld {
		return nil, true, nil
	}
	reserve := resp.ContentLength
	if reserve < 0 {
		reserve = e.maxHeld
	}
	if err := e.loads.Acquire(ctx, reserve); err != nil {
		return nil, false, err
	}
	defer e.loads.Release(reserve)
	body, err = io.ReadAll(io.LimitReader(resp.Body, e.maxHeld+1))
	if int64(len(body)) > e.maxHeld {
		return nil, true, nil
	}
	return body, false, err
}

func (t *target) newHTTPEntry(resp *http.Response, body []byte, large bool) *entry {
	h := resp.Header
	control := strings.Join(h.Values("Cache-Control"), ", ")
	en := &entry{
		key: t.key(), status: resp.StatusCode, size: int64(len(body)), large: large,
		etag: validETag(h.Get("Etag")), contentType: h.Get("Content-Type"), cacheControl: control,
		control: parseCacheControl(control), policy: &t.owner.policy,
	}
	if large {
		en.size = max(resp.ContentLength, 0)
	}
	if m, err := http.ParseTime(h.Get("Last-Modified")); err == nil {
		en.modified = m
	}
	// ServingCompressedFiles: only 200, 403 and 404, only with a Content-Length, and nothing that is encoded already.
	compressed := en.status == http.StatusOK || en.status == http.StatusForbidden || en.status == http.StatusNotFound
	en.compressible = compressed && !large && resp.ContentLength >= 0 && h.Get("Content-Encoding") == "" &&
		t.owner.compressible(en.contentType, en.size)
	if en.etag == "" {
		h.Del("Etag")
	}
	if t.via.CachePolicy.Cookies.none() && (t.via.OriginRequestPolicy == nil || t.via.OriginRequestPolicy.Cookies.none()) {
		h.Del("Set-Cookie") // RequestAndResponseBehaviorCustomOrigin: removed where no cookies are forwarded
	}
	en.base = slices.DeleteFunc(responseFields(h), func(f field) bool { return f.name == "Age" })
	en.setBody(body)
	return en
}

// httpFreshness sets how long an answer of a custom origin stays fresh, and reports whether it is kept at all: successes
// and redirects by their headers, errors for the error caching minimum TTL or longer (Developer Guide, HTTPStatusCodes).
// Where the Developer Guide is silent, on the origin's own Age and Date, it is RFC 9111 (section 4.2).
func (e *Edge) httpFreshness(r *request, t *target, en *entry, h http.Header) (keep bool) {
	p, d := &t.via.CachePolicy, en.control
	if d.age < 0 && !d.revalidate {
		if expires, err := http.ParseTime(h.Get("Expires")); err == nil {
			d.age = max(0, expires.Sub(dateOf(h, r.start)))
		} else if h.Get("Expires") != "" {
			d.age = 0
		}
	}
	age, aged := originAge(h)
	var ttl time.Duration
	switch {
	case en.status == http.StatusPartialContent && en.total == 0 || en.status == http.StatusNotModified:
		// Nobody asked for a part, and there is nothing that could be unchanged.
	case en.status < 400:
		ttl = max(p.MinTTL, d.ttl(p)-age)
		if p.MinTTL == 0 && varyAny(en.base) {
			ttl = 0 // RequestAndResponseBehaviorCustomOrigin, "Content negotiation"
		}
		keep = ttl > 0 || !d.noStore
	case slices.Contains(alwaysCached, en.status):
		ttl, keep = max(e.errorTTL(en.status), d.age), true
	case slices.Contains(cachedIfControlled, en.status):
		ttl, keep = max(e.errorTTL(en.status), d.age), d.age >= 0
	}
	f := e.freshness(r, ttl)
	if aged && en.status < 400 {
		f.stored, f.aged = r.start.Add(-age), true
	}
	en.freshness.Store(f)
	return keep
}

// The errors that CloudFront caches: always, or if the origin says for how long (Developer Guide, HTTPStatusCodes).
var (
	alwaysCached       = []int{404, 405, 414, 500, 501, 502, 503, 504}
	cachedIfControlled = []int{400, 403, 412, 415}
)

// originAge returns how old an answer was when it came, and whether its Age is to be passed on. An Age that is not one
// makes it as old as can be.
func originAge(h http.Header) (age time.Duration, aged bool) {
	values := h.Values("Age")
	if len(values) == 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(values[0]), 10, 63)
	if err != nil || len(values) > 1 {
		return hundredYears, false
	}
	return time.Duration(min(n, uint64(hundredYears/time.Second))) * time.Second, true
}

// dateOf returns when an answer was made.
func dateOf(h http.Header, received time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return received
}

// varyAny reports whether an answer has Vary: *.
func varyAny(fields []field) bool {
	i := fieldIndex(fields, "Vary")
	return i >= 0 && slices.ContainsFunc(strings.Split(strings.Join(fields[i].value, ","), ","), func(v string) bool {
		return strings.TrimSpace(v) == "*"
	})
}

// cleanResponse removes what CloudFront does not pass on of a custom origin's headers: those of the connection, and the
// names in Vary of headers that the origin does not get (Developer Guide, RequestAndResponseBehaviorCustomOrigin, "HTTP
// response headers that CloudFront removes or replaces").
func cleanResponse(r *request, h http.Header) {
	for _, line := range h.Values("Connection") {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	vary := h.Values("Vary")
	if len(vary) == 0 {
		return
	}
	var kept []string
	for name := range strings.SplitSeq(strings.Join(vary, ","), ",") {
		name = strings.TrimSpace(name)
		if canonical := http.CanonicalHeaderKey(name); name == "*" || canonical == "Accept-Encoding" || canonical == "Cookie" ||
			name != "" && r.behavior.forwards(canonical) {
			kept = append(kept, name)
		}
	}
	if len(kept) == 0 {
		h.Del("Vary")
		return
	}
	h["Vary"] = []string{joinList(kept)}
}
