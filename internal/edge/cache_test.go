package edge

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func testEntry(uri string, size int64) *entry {
	en := &entry{key: cacheKey{uri: uri}, status: 200, size: size}
	en.freshness.Store(&freshness{})
	return en
}

func TestCacheDropsTheLeastRecentlyUsed(t *testing.T) {
	c := newCache(16 * overhead)
	var entries []*entry
	for i := range 15 {
		entries = append(entries, testEntry(fmt.Sprint(i), 0))
		c.put(entries[i])
	}
	c.get(entries[0].key)
	c.put(testEntry("new", 0))
	for i, en := range entries {
		if kept := c.get(en.key) != nil; kept != (i != 1) {
			t.Errorf("entry %d kept: %v", i, kept)
		}
	}
	c.remove(entries[2])
	c.remove(entries[2])
	if c.get(entries[2].key) != nil {
		t.Error("removed entry is still there")
	}
}

func TestCacheIsBounded(t *testing.T) {
	const limit = 1 << 20
	c := newCache(limit)
	for i := range 5000 {
		en := testEntry(fmt.Sprint(i), int64(i%200)*1000)
		c.put(en)
		c.grow(en, int64(i%100))
		if c.size > limit {
			t.Fatalf("the cache holds %d bytes", c.size)
		}
	}
	var size int64
	n := 0
	for en := c.ring.next; en != &c.ring; en = en.next {
		size += en.cost
		n++
	}
	if size != c.size || n != len(c.entries) {
		t.Errorf("the cache counts %d bytes in %d entries, it holds %d in %d", c.size, len(c.entries), size, n)
	}
	if c.put(testEntry("too large", limit/share)); c.get(cacheKey{uri: "too large"}) != nil {
		t.Error("an entry that takes more than its share is held")
	}
}

func TestNoCache(t *testing.T) {
	te := newTestEdge(t, nil, func(o *Options) { o.CacheBytes = -1 })
	te.origin.put("r1/x", strings.Repeat("one ", 1000), "text/html", assetControl)
	for range 2 {
		resp := te.get(t, "/x", "Accept-Encoding", "br")
		wantStatus(t, resp, 200, "Miss")
		wantHeader(t, resp, "Content-Encoding", "br")
	}
}

func TestUncacheable(t *testing.T) {
	te := newTestEdge(t, nil, func(o *Options) { o.Config.Behaviors[1].CachePolicy.MinTTL = 0 })
	te.origin.put("r1/store", "content", "text/plain", "no-store")
	te.origin.put("r1/cache", "content", "text/plain", "no-cache")
	for range 2 {
		wantStatus(t, te.get(t, "/store"), 200, "Miss")
	}
	wantStatus(t, te.get(t, "/cache"), 200, "Miss")
	te.advance(time.Second)
	wantStatus(t, te.get(t, "/cache"), 200, "RefreshHit")
}

// In a small cache, an object that would not be held is streamed rather than compressed again for each viewer.
func TestSmallCache(t *testing.T) {
	te := newTestEdge(t, nil, func(o *Options) { o.CacheBytes = 1 << 20 })
	content := strings.Repeat("0123456789", 40_000)
	te.origin.put("r1/x", content, "text/html", assetControl)
	te.origin.put("r1/y", content[:200_000], "text/html", assetControl)
	resp := te.get(t, "/x", "Accept-Encoding", "br")
	wantHeader(t, resp, "Content-Encoding", "")
	if got := body(t, resp); got != content {
		t.Errorf("%d bytes", len(got))
	}
	wantHeader(t, te.get(t, "/y", "Accept-Encoding", "br"), "Content-Encoding", "br")
}

// Edges that share a cache find their own objects in it, and take no more than its size together.
func TestSharedCache(t *testing.T) {
	shared := NewCache(1 << 20)
	var edges []*testEdge
	for _, text := range []string{"one", "two"} {
		te := newTestEdge(t, nil, func(o *Options) { o.Cache = shared })
		te.origin.put("r1/index.html", text, "text/html", htmlControl)
		for i := range 1000 {
			te.origin.put(fmt.Sprintf("r1/%d.html", i), strings.Repeat(text, 2000), "text/html", htmlControl)
		}
		edges = append(edges, te)
	}
	for i, want := range []string{"one", "two", "one", "two"} {
		if got := body(t, edges[i%2].get(t, "/")); got != want {
			t.Errorf("request %d: %q, want %q", i, got, want)
		}
	}
	for i := range 1000 {
		for _, te := range edges {
			te.get(t, fmt.Sprintf("/%d.html", i))
		}
	}
	if c := shared.cache; c.size > c.limit || c.size < c.limit/2 {
		t.Errorf("the cache has %d bytes of %d", c.size, c.limit)
	}
}
