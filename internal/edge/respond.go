package edge

import (
	"context"
	"net/http"
	"strconv"
	"strings"
)

// respond makes the answer to r from what the cache or the origin holds.
func (e *Edge) respond(ctx context.Context, r *request, t *target, en *entry, res result) *answer {
	if en.status != http.StatusOK && en.total == 0 {
		return e.respondStatus(ctx, r, en, res)
	}
	enc := identity
	ranged := r.method == http.MethodGet && r.get(hdrRange) != ""
	if en.unranged && res == resultMiss {
		ranged = false // Developer Guide, RangeGETs: whoever makes such an origin send all gets all
	}
	if en.compressible && !ranged {
		enc = t.owner.negotiate(r)
	}
	f := e.form(r, en, enc)
	switch precondition(r, f.etag, en.modified) {
	case http.StatusNotModified:
		a := &answer{status: http.StatusNotModified, result: res, static: f.notModified, head: f.notModifiedHead}
		a.age(r, en)
		return a
	case http.StatusPreconditionFailed:
		return e.originError(ctx, r, http.StatusPreconditionFailed)
	}
	if en.large && r.wantsBody() {
		return e.stream(ctx, r, t, en, ranged)
	}
	a := &answer{status: http.StatusOK, result: res, static: f.ok, head: f.okHead, body: f.body, length: int64(len(f.body))}
	a.extra = a.space[:0]
	if en.large {
		a.length = en.size
	}
	a.age(r, en)
	if ranged {
		return e.cut(ctx, r, en, a)
	}
	return a
}

// respondStatus answers with what has another status than 200: an error, with its custom page if there is one, or a custom
// origin's redirect.
func (e *Edge) respondStatus(ctx context.Context, r *request, en *entry, res result) *answer {
	f := en.forms[identity].form
	if page := e.errorPages[en.status]; f == nil || page.PagePath != "" && en.status >= 400 {
		return e.originError(ctx, r, en.status)
	}
	if en.status >= 400 {
		res = resultError
	}
	if en.compressible {
		f = e.form(r, en, r.behavior.negotiate(r))
	}
	a := &answer{status: en.status, result: res, static: f.ok, head: f.okHead, body: f.body, length: int64(len(f.body))}
	a.age(r, en)
	return a
}

// stream answers with an object that is not held in memory. What the cache knows of it may be out of date by now; the
// headers are those of the object that is sent.
func (e *Edge) stream(ctx context.Context, r *request, t *target, en *entry, ranged bool) *answer {
	if t.source.custom != nil {
		return e.orErrorPage(ctx, r, e.pass(ctx, r, t.source.custom, t.uri))
	}
	r.takesLong()
	obj, err := t.source.bucket.Get(ctx, t.uri)
	if err != nil {
		e.cache.remove(en)
		en, _ = e.loadError(r, t, nil, err)
		return e.originError(ctx, r, en.status)
	}
	if !en.sameAs(obj) {
		en = t.newEntry(obj, nil, true)
		control := parseCacheControl(obj.CacheControl)
		en.freshness.Store(e.freshness(r, control.ttl(&t.via.CachePolicy)))
		e.cache.put(en)
	}
	f := en.forms[identity].form
	a := &answer{status: http.StatusOK, result: resultMiss, static: f.ok, head: f.okHead, object: obj, length: obj.Size}
	if ranged {
		return e.cut(ctx, r, en, a)
	}
	return a
}

// cut reduces an answer with the whole content to the ranges that the viewer asks for.
func (e *Edge) cut(ctx context.Context, r *request, en *entry, a *answer) *answer {
	if !rangeApplies(r.get(hdrIfRange), en.etag, en.modified) {
		return a
	}
	ranges, ok := parseRanges(r.get(hdrRange), en.object())
	switch {
	case !ok:
		return a
	case len(ranges) == 0:
		a.close()
		a = e.originError(ctx, r, http.StatusRequestedRangeNotSatisfiable)
		if a.status == http.StatusRequestedRangeNotSatisfiable {
			a.set("Content-Range", "bytes */"+strconv.FormatInt(en.object(), 10), FromEdge)
		}
		return a
	case len(ranges) == 1:
		a.parts = []part{{byteRange: ranges[0].after(en.off)}}
		a.length = ranges[0].n
		a.set("Content-Range", ranges[0].contentRange(en.object()), FromEdge)
	default:
		a.multipart(ranges, en, r.id)
	}
	a.status = http.StatusPartialContent
	a.set("Content-Length", strconv.FormatInt(a.length, 10), FromEdge)
	return a
}

// multipart lays out an answer with several ranges (RFC 9110, section 14.6).
func (a *answer) multipart(ranges []byteRange, en *entry, id string) {
	boundary := strings.Trim(id, "=")
	a.length = 0
	for _, br := range ranges {
		head := "\r\n--" + boundary + "\r\n"
		if en.contentType != "" {
			head += "Content-Type: " + en.contentType + "\r\n"
		}
		head += "Content-Range: " + br.contentRange(en.object()) + "\r\n\r\n"
		a.parts = append(a.parts, part{head, br.after(en.off)})
		a.length += int64(len(head)) + br.n
	}
	a.tail = "\r\n--" + boundary + "--\r\n"
	a.length += int64(len(a.tail))
	a.set("Content-Type", "multipart/byteranges; boundary="+boundary, FromEdge)
}

// age adds the Age header: how long ago the origin was last asked, and how old its answer was then. An answer that was just
// made has none.
func (a *answer) age(r *request, en *entry) {
	f := en.freshness.Load()
	if a.result != resultHit && !f.aged {
		return
	}
	if seconds := int64(r.start.Sub(f.stored).Seconds()); seconds >= 0 {
		a.set("Age", strconv.FormatInt(seconds, 10), FromEdge)
	}
}

// originError answers for an origin's error, with the custom error response of its status if there is one.
//
// The page is fetched by its own path through the behaviour that matches it, without a function; the viewer's behaviour
// compresses it and adds its headers. If the page can't be had, the viewer gets the status of the attempt to fetch it
// (Developer Guide, GeneratingCustomErrorResponses).
//
// The page is checked with its origin on each request, where CloudFront caches it for the error caching minimum TTL: it
// changes when a release goes live, and from then on no answer shows the release before.
func (e *Edge) originError(ctx context.Context, r *request, status int) *answer {
	page, ok := e.errorPages[status]
	if !ok || page.PagePath == "" {
		return e.errorAnswer(r, status)
	}
	via := e.behaviorFor(page.PagePath)
	t := &target{via: via, owner: r.behavior, source: via.source, uri: page.PagePath, parts: "error page"}
	if via.source.custom == nil {
		var refused int
		if t.uri, refused = objectKey(page.PagePath); refused != 0 {
			return e.errorAnswer(r, refused)
		}
		t.always = true
	}
	r.trace.errorPageFor(status)
	en, _ := e.fetch(ctx, r, t)
	f := en.forms[identity].form
	if en.status != http.StatusOK || en.large && t.source.custom != nil {
		return e.errorAnswer(r, max(en.status, http.StatusBadRequest))
	}
	if en.compressible {
		f = e.form(r, en, r.behavior.negotiate(r))
	}
	a := &answer{status: page.ResponseStatus, result: resultError, static: f.ok, head: f.okHead, body: f.body, length: int64(len(f.body))}
	if a.status == 0 {
		a.status = status
	}
	if !en.large {
		return a
	}
	obj, err := t.source.bucket.Get(ctx, t.uri)
	if err != nil {
		return e.errorAnswer(r, http.StatusNotFound)
	}
	a.object, a.length = obj, obj.Size
	a.set("Content-Length", strconv.FormatInt(obj.Size, 10), FromEdge)
	return a
}

// orErrorPage puts the custom error page in the place of a custom origin's error, if its status has one.
func (e *Edge) orErrorPage(ctx context.Context, r *request, a *answer) *answer {
	page, ok := e.errorPages[a.originStatus]
	if !ok || page.PagePath == "" || a.originStatus < 400 {
		return a
	}
	a.close()
	return e.originError(ctx, r, a.originStatus)
}
