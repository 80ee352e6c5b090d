package edge

import (
	"sync"
	"sync/atomic"
	"time"
)

// cacheKey is CloudFront's cache key: the rewritten URI and the parts of the request that the cache policy names
// (Developer Guide, understanding-the-cache-key). The behaviours are part of it because an entry holds the headers that
// its behaviour's policy makes.
type cacheKey struct {
	// edge tells the edges apart that share a cache.
	edge uint64
	// via is the behaviour that fetched the object, owner the one that answers with it; they differ for error pages.
	via, owner int
	uri, parts string
}

// entry is an origin's answer in the cache, with all that is derived from it. It does not change once it is made, but
// for its freshness and the compressed forms, which are made when they are first asked for.
type entry struct {
	key    cacheKey
	status int
	// unreached says that the origin gave no answer at all, and the status is the edge's own.
	unreached bool
	// size is that of the content; body is nil if the entry is large, that is, not held in memory.
	size  int64
	large bool
	// off is where the content begins in an object of total bytes, of which it is a part; both are 0 for a whole one.
	off, total int64
	// unranged says that the origin was asked for a part of this, and sent all.
	unranged bool
	// etag and modified are the origin's; etag is "" if it sent none that is valid.
	etag                      string
	modified                  time.Time
	contentType, cacheControl string
	control                   directives
	// base are the headers that the origin sent, policy makes those of the forms of them.
	base   []field
	policy *headerPolicy
	// compressible says that the behaviour compresses this object.
	compressible bool
	forms        [encodings]lazyForm
	freshness    atomic.Pointer[freshness]
	// refreshing is true while the origin is asked in the background.
	refreshing atomic.Bool

	// The cache's own: the cost in bytes, and the neighbours in the order of use. Guarded by cache.mu; held is true
	// while the entry is in the cache.
	cost       int64
	prev, next *entry
	held       bool
}

// object is the size of the object that the entry is, or is a part of.
func (en *entry) object() int64 { return max(en.size, en.total) }

// lazyForm is one content coding of an entry.
type lazyForm struct {
	once sync.Once
	form *form
	// made is true once form is there, so that it can be had without waiting.
	made atomic.Bool
}

// form is the content in one coding, with the headers that go with it.
type form struct {
	body []byte
	etag string
	// ok are the headers of a 200 answer, notModified those of a 304; the heads are made of them.
	ok, notModified         []field
	okHead, notModifiedHead []byte
}

// freshness is until when an entry may be served without asking the origin.
type freshness struct {
	// stored is when the origin was last asked, which Age counts from.
	stored, expires time.Time
	// epoch is the state of the key-value store at that time; another one ends the freshness.
	epoch int64
	// aged is true for an answer that had an Age when it came.
	aged bool
}

func (en *entry) fresh(now time.Time, epoch int64) bool {
	f := en.freshness.Load()
	return f.epoch == epoch && now.Before(f.expires)
}

// staleWhileRevalidate reports whether an expired entry may be served while the origin is asked (Developer Guide,
// Expiration, "Serve stale (expired) content"): for the directive's time, or the maximum TTL if that is less. It may not
// once the key-value store has changed: that would show the old release.
func (en *entry) staleWhileRevalidate(r *request, p *CachePolicy) bool {
	f := en.freshness.Load()
	grace := min(en.control.staleWhileRevalidate, p.MaxTTL)
	return grace > 0 && en.status < 400 && f.epoch == r.epoch && r.start.Before(f.expires.Add(grace))
}

// staleIfError reports whether an expired entry is served in place of an origin's error: for the directive's time, or the
// maximum TTL if that is less, and without the directive for as long as the cache has it. The origin may forbid it (RFC
// 9111, section 4.2.4).
func (en *entry) staleIfError(now time.Time, p *CachePolicy) bool {
	if en.status >= 400 || en.control.neverStale {
		return false
	}
	if !en.control.hasStaleIfError {
		return true
	}
	return now.Before(en.freshness.Load().expires.Add(min(en.control.staleIfError, p.MaxTTL)))
}

// overhead is what an entry costs beside its content.
const overhead = 2048

// cache holds entries up to a number of bytes, and drops those that were not used for the longest time.
type cache struct {
	mu      sync.Mutex
	entries map[cacheKey]*entry
	// ring is the order of use: ring.next is the entry used last, ring.prev the one to drop first.
	ring        entry
	size, limit int64
}

// Cache is memory that several edges share: the objects of all of them together take no more than its size.
type Cache struct{ cache *cache }

// NewCache returns a cache of so many bytes.
func NewCache(size int64) *Cache { return &Cache{newCache(size)} }

func newCache(limit int64) *cache {
	c := &cache{entries: make(map[cacheKey]*entry), limit: limit}
	c.ring.prev, c.ring.next = &c.ring, &c.ring
	return c
}

// get returns the entry of a key, or nil.
func (c *cache) get(k cacheKey) *entry {
	c.mu.Lock()
	en := c.entries[k]
	if en != nil && c.ring.next != en {
		en.unlink()
		c.front(en)
	}
	c.mu.Unlock()
	return en
}

// share is the part of the cache, one in so many, that a single entry may take.
const share = 4

// put adds an entry, in place of one with the same key. An entry that takes more than its share is not held.
func (c *cache) put(en *entry) {
	cost := overhead + int64(len(en.key.uri)+len(en.key.parts))
	if !en.large {
		cost += en.size
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[en.key]; old != nil {
		c.drop(old)
	}
	if cost > c.limit/share {
		return
	}
	en.cost, en.held = cost, true
	c.entries[en.key] = en
	c.size += cost
	c.front(en)
	c.evict()
}

// grow adds the bytes of a compressed form to the cost of an entry.
func (c *cache) grow(en *entry, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if en.held {
		en.cost += n
		c.size += n
		c.evict()
	}
}

// remove drops an entry if it is the one that its key has.
func (c *cache) remove(en *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if en.held {
		c.drop(en)
	}
}

func (c *cache) evict() {
	for c.size > c.limit && c.ring.prev != &c.ring {
		c.drop(c.ring.prev)
	}
}

func (c *cache) drop(en *entry) {
	en.unlink()
	en.held = false
	delete(c.entries, en.key)
	c.size -= en.cost
}

func (c *cache) front(en *entry) {
	en.prev, en.next = &c.ring, c.ring.next
	en.prev.next, en.next.prev = en, en
}

func (en *entry) unlink() {
	en.prev.next, en.next.prev = en.next, en.prev
	en.prev, en.next = nil, nil
}
