package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"time"
)

const (
	// maxHeld is the largest object that is held in memory. Larger ones are streamed from the origin. It is no smaller
	// than the largest object that is compressed.
	maxHeld = maxCompress
	// errorTTL is how long an error is cached that no custom error response covers (Developer Guide, HTTPStatusCodes).
	errorTTL = 10 * time.Second
	// fetchTimeout bounds the reading of an object.
	fetchTimeout = 30 * time.Second
)

// target is what to fetch, and for whom.
type target struct {
	// via is the behaviour whose origin and cache policy apply; owner is the one whose compression and response headers
	// policy make the answer.
	via, owner *behavior
	// source is where the object comes from: via's origin, or the one that the function chose.
	source *source
	// uri is the object's key, or, for a custom origin, the URI; parts is what else is in the cache key.
	uri, parts string
	// always checks with the origin on every request.
	always bool
	// options asks by OPTIONS, where else it is GET.
	options bool
	// block is the Range that the origin is asked for, and whole the target of the object that it is a part of; "" and nil for
	// whole objects.
	block string
	whole *target
}

func (t *target) key() cacheKey {
	return cacheKey{edge: t.via.edge, via: t.via.index, owner: t.owner.index, uri: t.uri, parts: t.parts}
}

// loaded is what concurrent misses share.
type loaded struct {
	en     *entry
	result result
}

// fetch returns the entry of a target, from the cache if it is fresh, else from the origin. It never fails: what goes
// wrong is an entry with an error status.
func (e *Edge) fetch(ctx context.Context, r *request, t *target) (*entry, result) {
	en, res := e.find(ctx, r, t)
	r.trace.fetched(t, en, res)
	return en, res
}

func (e *Edge) find(ctx context.Context, r *request, t *target) (*entry, result) {
	en := e.cache.get(t.key())
	if en != nil && !t.always && en.fresh(r.start, r.epoch) {
		return en, resultHit
	}
	if en != nil && !t.always && en.staleWhileRevalidate(r, &t.via.CachePolicy) {
		e.refreshLater(ctx, r, t, en)
		return en, resultHit
	}
	r.takesLong()
	begun := time.Now()
	defer func() { r.fetchTime += time.Since(begun) }()
	if t.always {
		// No sharing: the origin must be asked after this request came, not after an earlier one did.
		return e.load(ctx, r, t, en)
	}
	leader := false
	v, _, _ := e.flights.Do(t.flightKey(r.epoch), func() (any, error) {
		leader = true
		// The others' answers must not depend on the first viewer's patience.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.source.patience())
		defer cancel()
		en, res := e.load(ctx, r, t, en)
		return loaded{en, res}, nil
	})
	l := v.(loaded)
	if !leader && l.result == resultMiss {
		return l.en, resultHit
	}
	return l.en, l.result
}

// refreshLater asks the origin without making the viewer wait.
func (e *Edge) refreshLater(ctx context.Context, r *request, t *target, old *entry) {
	if !old.refreshing.CompareAndSwap(false, true) {
		return
	}
	later := *r
	later.header, later.trace, later.caller = r.header.Clone(), nil, nil
	go func() {
		defer old.refreshing.Store(false)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.source.patience())
		defer cancel()
		_, _, _ = e.flights.Do(t.flightKey(r.epoch), func() (any, error) {
			en, res := e.load(ctx, &later, t, old)
			return loaded{en, res}, nil
		})
	}()
}

// flightKey tells concurrent misses apart. The epoch is in it: a request that comes after the pointer moved does not
// share an answer that was asked for before.
func (t *target) flightKey(epoch int64) string {
	return strconv.Itoa(t.via.index) + " " + strconv.Itoa(t.owner.index) + " " + strconv.FormatInt(epoch, 36) + " " +
		strconv.Itoa(len(t.uri)) + " " + t.uri + t.parts
}

// load asks the origin. If the old entry is still what the origin has, it is made fresh again.
func (e *Edge) load(ctx context.Context, r *request, t *target, old *entry) (*entry, result) {
	if t.source.custom != nil {
		return e.loadHTTP(ctx, r, t, old)
	}
	obj, err := t.source.bucket.Get(ctx, t.uri)
	if err != nil {
		return e.loadError(r, t, old, err)
	}
	defer obj.Body.Close()
	control := parseCacheControl(obj.CacheControl)
	if old != nil && old.sameAs(obj) {
		old.freshness.Store(e.freshness(r, control.ttl(&t.via.CachePolicy)))
		return old, resultRefreshHit
	}
	var body []byte
	large := obj.Size > e.maxHeld
	if !large {
		if body, err = e.read(ctx, obj); err != nil {
			return e.loadError(r, t, old, err)
		}
	}
	en := t.newEntry(obj, body, large)
	ttl := control.ttl(&t.via.CachePolicy)
	en.freshness.Store(e.freshness(r, ttl))
	if ttl > 0 || !control.noStore {
		e.cache.put(en)
	}
	return en, resultMiss
}

func (e *Edge) freshness(r *request, ttl time.Duration) *freshness {
	return &freshness{stored: r.start, expires: r.start.Add(ttl), epoch: r.epoch}
}

// read returns the whole content of an object. The bytes being read at one time are bounded by the size of the cache.
func (e *Edge) read(ctx context.Context, obj *Object) ([]byte, error) {
	if err := e.loads.Acquire(ctx, obj.Size); err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	defer e.loads.Release(obj.Size)
	body := make([]byte, obj.Size)
	if _, err := io.ReadFull(obj.Body, body); err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	return body, nil
}

// loadError turns an origin's error into an entry. An origin that is broken, rather than without the object, leaves an
// expired object in service (Developer Guide, HTTPStatusCodes, "The requested object is in the edge cache").
func (e *Edge) loadError(r *request, t *target, old *entry, err error) (*entry, result) {
	status := http.StatusBadGateway
	switch {
	case errors.Is(err, fs.ErrNotExist):
		status = http.StatusNotFound
	case errors.Is(err, fs.ErrPermission):
		status = http.StatusForbidden
	case errors.Is(err, context.DeadlineExceeded):
		status = http.StatusGatewayTimeout
	case errors.Is(err, context.Canceled):
		status = statusGone // what many viewers wait for goes on without any of them
	}
	if status != http.StatusNotFound {
		r.trace.unreachable(err)
	}
	if status >= 500 {
		e.logError(r, fmt.Errorf("fetch %s from origin %s: %w", t.uri, t.source.id, err))
		if old != nil && old.staleIfError(r.start, &t.via.CachePolicy) {
			return old, resultHit
		}
	}
	en := &entry{key: t.key(), status: status}
	if status != http.StatusNotFound {
		// CloudFront caches 5xx too, to spare the origin. A local disk has nothing to be spared, and a viewer nothing
		// to gain from an error that is over.
		en.freshness.Store(e.freshness(r, 0))
		return en, resultError
	}
	en.freshness.Store(e.freshness(r, e.errorTTL(status)))
	e.cache.put(en)
	return en, resultError
}

func (e *Edge) errorTTL(status int) time.Duration {
	if p, ok := e.errorPages[status]; ok {
		return p.MinTTL
	}
	return errorTTL
}

// sameAs reports whether an object is the one that the entry was made of.
func (en *entry) sameAs(obj *Object) bool {
	return en.status == http.StatusOK && en.etag != "" && en.etag == validETag(obj.ETag) && en.size == obj.Size &&
		en.modified.Equal(obj.Modified) && en.contentType == obj.ContentType && en.cacheControl == obj.CacheControl
}

// newEntry makes the entry of a bucket's object. The body is nil if it is large.
func (t *target) newEntry(obj *Object, body []byte, large bool) *entry {
	en := &entry{
		key:          t.key(),
		status:       http.StatusOK,
		size:         obj.Size,
		large:        large,
		etag:         validETag(obj.ETag),
		modified:     obj.Modified,
		contentType:  obj.ContentType,
		cacheControl: obj.CacheControl,
		control:      parseCacheControl(obj.CacheControl),
		policy:       &t.owner.policy,
		compressible: !large && t.owner.compressible(obj.ContentType, obj.Size),
	}
	add := func(name, value string) {
		if value != "" {
			en.base = append(en.base, field{name, []string{value}, FromOrigin})
		}
	}
	add("Content-Type", en.contentType)
	add("Cache-Control", en.cacheControl)
	add("Etag", en.etag)
	if !en.modified.IsZero() {
		add("Last-Modified", en.modified.UTC().Format(http.TimeFormat))
	}
	add("Accept-Ranges", "bytes")
	en.setBody(body)
	return en
}

// setBody makes the form of the content as it is.
func (en *entry) setBody(body []byte) {
	en.forms[identity].once.Do(func() { en.forms[identity].form = en.newForm(identity, body) })
}

// newForm makes the headers of the content in one coding.
func (en *entry) newForm(enc encoding, body []byte) *form {
	size, by := en.size, FromOrigin
	f := &form{body: body, etag: en.etag}
	if enc != identity {
		size, by, f.etag = int64(len(body)), FromBehavior, weaken(en.etag)
	}
	headers := make([]field, 0, len(en.base)+3)
	for _, h := range en.base {
		switch {
		case enc != identity && h.name == "Accept-Ranges":
		case h.name == "Etag":
			headers = append(headers, field{"Etag", []string{f.etag}, by})
		default:
			headers = append(headers, h)
		}
	}
	if en.compressible {
		headers = addVary(headers, "Accept-Encoding", FromBehavior)
	}
	var short []field
	for _, h := range headers {
		if notModifiedHeaders[h.name] {
			short = append(short, h)
		}
	}
	f.notModified = en.policy.apply(short)
	f.notModifiedHead = headOf(f.notModified)
	if enc != identity {
		headers = append(headers, field{"Content-Encoding", []string{encodingNames[enc]}, by})
	}
	f.ok = en.policy.apply(append(headers, field{"Content-Length", []string{strconv.FormatInt(size, 10)}, by}))
	f.okHead = headOf(f.ok)
	return f
}

// notModifiedHeaders are those that a 304 answer has of what the 200 would have had (RFC 9110, section 15.4.5).
var notModifiedHeaders = map[string]bool{"Cache-Control": true, "Content-Location": true, "Date": true, "Etag": true,
	"Expires": true, "Last-Modified": true, "Vary": true}
