package edge

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// block is what a custom origin is asked for when a viewer asks for a part of an object that the cache has not: more than was asked
// for, as the Developer Guide allows (RangeGETs), so that many small ranges come to few requests. Blocks begin at multiples of it.
const block = 256 << 10

// fetchRange returns the entry that answers a GET: the whole object if the cache has it, or if no range of it is asked for that
// could be all of what is fetched; else the block that has what the viewer asks for. It returns nil if the request is to be passed
// on as it is: the object is too large to be held, and more of it is asked for than is in one block, or what the origin sends is
// no part that could be cut.
func (e *Edge) fetchRange(ctx context.Context, r *request, t *target) (*entry, result) {
	pt := e.partOf(r, t)
	if pt == nil {
		return e.fetch(ctx, r, t)
	}
	en, res := e.fetch(ctx, r, pt)
	switch {
	case en.status != http.StatusPartialContent:
		return en, res
	case en.total > 0 && rangeApplies(r.get(hdrIfRange), en.etag, en.modified) && within(r.get(hdrRange), byteRange{en.off, en.size}, en.total):
		return en, res
	case en.total == 0 || en.total > e.maxHeld:
		return nil, resultMiss
	}
	return e.fetch(ctx, r, t)
}

// partOf returns the target of the block that the viewer's ranges begin in, or nil if the whole object is the target.
func (e *Edge) partOf(r *request, t *target) *target {
	header := r.get(hdrRange)
	if r.method != http.MethodGet || header == "" {
		return nil
	}
	asked := blockOf(header)
	if asked == "" {
		return nil
	}
	if whole := e.cache.get(t.key()); whole != nil {
		fresh := whole.fresh(r.start, r.epoch)
		if !whole.large && (fresh || whole.status == http.StatusOK) {
			return nil
		}
		have, _ := parseRanges(asked, whole.size)
		if fresh && (len(have) == 0 || !within(header, have[0], whole.size)) {
			return nil
		}
	}
	pt := *t
	pt.whole, pt.block, pt.parts = t, asked, t.parts+" "+asked
	return &pt
}

// blockOf returns the Range by which an origin is asked for the block that the first of a viewer's ranges begins in: the last block
// for one that counts from the end. It is "" for a header that is ignored, whatever the size of the object.
func blockOf(header string) string {
	ranges, ok := parseRanges(header, math.MaxInt64)
	if !ok || len(ranges) == 0 {
		return ""
	}
	if _, list, _ := strings.Cut(header, "="); strings.HasPrefix(strings.TrimLeft(list, ", \t"), "-") {
		return "bytes=-" + strconv.Itoa(block)
	}
	off := ranges[0].off - ranges[0].off%block
	return "bytes=" + strconv.FormatInt(off, 10) + "-" + strconv.FormatInt(off+block-1, 10)
}

// within reports whether a part of an object of the given size has all that a viewer's ranges ask for; ranges that are ignored
// ask for the whole.
func within(header string, have byteRange, size int64) bool {
	ranges, ok := parseRanges(header, size)
	for _, b := range ranges {
		ok = ok && b.off >= have.off && b.off+b.n <= have.off+have.n
	}
	return ok
}

// loadPart makes the entry of the part that an origin was asked for, and keeps it: as the whole object if it is that. Of an object
// that is too large to be held, it is also kept that it is. What is no such part has an entry with nothing in it.
func (e *Edge) loadPart(ctx context.Context, r *request, t *target, resp *http.Response) (*entry, result) {
	part, total, ok := parseContentRange(resp.Header.Values("Content-Range"))
	if !ok || part.n > min(block, e.maxHeld) || resp.ContentLength >= 0 && resp.ContentLength != part.n {
		en := &entry{key: t.key(), status: http.StatusPartialContent}
		en.freshness.Store(e.freshness(r, 0))
		return en, resultMiss
	}
	body, err := e.readPart(ctx, resp, part.n)
	if err != nil {
		return e.loadHTTPError(r, t.whole, nil, http.StatusBadGateway, err)
	}
	resp.Header.Del("Content-Range")
	if part.n == total {
		resp.StatusCode, t = http.StatusOK, t.whole
	}
	en := t.newHTTPEntry(resp, body, false)
	if part.n < total {
		en.off, en.total = part.off, total
	}
	if !e.httpFreshness(r, t, en, resp.Header) {
		return en, resultMiss
	}
	e.cache.put(en)
	if total > e.maxHeld {
		resp.StatusCode, resp.ContentLength = http.StatusOK, total
		whole := t.whole.newHTTPEntry(resp, nil, true)
		whole.freshness.Store(en.freshness.Load())
		e.cache.put(whole)
	}
	return en, resultMiss
}

// readPart returns the body of an answer, which has to be of n bytes.
func (e *Edge) readPart(ctx context.Context, resp *http.Response, n int64) ([]byte, error) {
	if err := e.loads.Acquire(ctx, n); err != nil {
		return nil, fmt.Errorf("read part: %w", err)
	}
	defer e.loads.Release(n)
	body, err := io.ReadAll(io.LimitReader(resp.Body, n+1))
	if err == nil && int64(len(body)) != n {
		err = fmt.Errorf("its length is not the %d bytes of Content-Range", n)
	}
	if err != nil {
		return nil, fmt.Errorf("read part: %w", err)
	}
	return body, nil
}

// parseContentRange reads the Content-Range of an answer: a part with at least one byte, and the size of the object.
func parseContentRange(values []string) (part byteRange, total int64, ok bool) {
	if len(values) != 1 {
		return part, 0, false
	}
	unit, rest, _ := strings.Cut(values[0], " ")
	span, size, _ := strings.Cut(rest, "/")
	first, last, _ := strings.Cut(span, "-")
	off, okOff := parseDigits(first)
	end, okEnd := parseDigits(last)
	total, okSize := parseDigits(size)
	ok = strings.EqualFold(unit, "bytes") && okOff && okEnd && okSize && off <= end && end < total
	return byteRange{off, end - off + 1}, total, ok
}
