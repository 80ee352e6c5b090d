package edge

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// loadHTTP asks a custom origin for the entry of a target.
func (e *Edge) loadHTTP(ctx context.Context, r *request, t *target, old *entry) (*entry, result) {
	ctx, cancel := context.WithTimeout(ctx, t.source.custom.ReadTimeout+fetchTimeout)
	defer cancel()
	req, err := t.source.custom.request(ctx, r, t.uri)
	if err != nil {
		en := &entry{key: t.key(), status: http.StatusBadRequest}
		en.freshness.Store(e.freshness(r, 0))
		return en, resultError
	}
	if old != nil && old.status == http.StatusOK {
		if old.etag != "" {
			req.Header.Set("If-None-Match", old.etag)
		}
		if !old.modified.IsZero() {
			req.Header.Set("If-Modified-Since", old.modified.UTC().Format(http.TimeFormat))
		}
	}
	resp, err := e.send(r, t.source.custom, req)
	if err != nil {
		return e.loadHTTPError(r, t, old, gatewayStatus(err), err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && old != nil:
		old.freshness.Store(e.freshness(r, old.control.ttl(&t.via.CachePolicy)))
		return old, resultRefreshHit
	case resp.StatusCode >= 500 && old != nil && old.staleIfError(r.start, &t.via.CachePolicy):
		return old, resultHit
	}
	body, large, err := e.readHTTP(ctx, resp)
	if err != nil {
		return e.loadHTTPError(r, t, old, http.StatusBadGateway, err)
	}
	en := t.newHTTPEntry(resp, body, large)
	ttl, keep := e.httpTTL(en, &t.via.CachePolicy, resp.Header, r.start)
	en.freshness.Store(e.freshness(r, ttl))
	if keep {
		e.cache.put(en)
	}
	return en, resultMiss
}

func (e *Edge) loadHTTPError(r *request, t *target, old *entry, status int, err error) (*entry, result) {
	e.logError(r, fmt.Errorf("fetch %s from origin %s: %w", t.uri, t.source.id, err))
	if old != nil && old.staleIfError(r.start, &t.via.CachePolicy) {
		return old, resultHit
	}
	en := &entry{key: t.key(), status: status}
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
	en := &entry{
		key: t.key(), status: resp.StatusCode, size: int64(len(body)), large: large,
		etag: validETag(h.Get("Etag")), contentType: h.Get("Content-Type"), cacheControl: h.Get("Cache-Control"),
		control: parseCacheControl(h.Get("Cache-Control")), policy: &t.owner.policy,
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
	h.Del("Age")
	if en.etag == "" {
		h.Del("Etag")
	}
	if t.via.CachePolicy.Cookies.none() && (t.via.OriginRequestPolicy == nil || t.via.OriginRequestPolicy.Cookies.none()) {
		h.Del("Set-Cookie") // RequestAndResponseBehaviorCustomOrigin: removed where no cookies are forwarded
	}
	en.base = responseFields(h)
	en.setBody(body)
	return en
}

// httpTTL returns how long an answer of a custom origin stays fresh, and whether it is kept at all: successes and
// redirects by their headers, errors for the error caching minimum TTL or longer (Developer Guide, HTTPStatusCodes).
func (e *Edge) httpTTL(en *entry, p *CachePolicy, h http.Header, now time.Time) (time.Duration, bool) {
	d := en.control
	if d.age < 0 && !d.revalidate {
		if expires, err := http.ParseTime(h.Get("Expires")); err == nil {
			d.age = max(0, expires.Sub(now))
		}
	}
	if en.status < 400 {
		ttl := d.ttl(p)
		return ttl, ttl > 0 || !d.noStore
	}
	switch en.status {
	case 404, 405, 414, 500, 501, 502, 503, 504:
		return max(e.errorTTL(en.status), d.age), true
	case 400, 403, 412, 415:
		return max(e.errorTTL(en.status), d.age), d.age >= 0
	}
	return 0, false
}
