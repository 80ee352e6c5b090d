package edge

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// anything is an origin with a page at every other address.
type anything struct{ page string }

type inMemory struct{ *strings.Reader }

func (inMemory) Close() error { return nil }

// Get implements Origin.
func (o anything) Get(_ context.Context, key string) (*Object, error) {
	if last := key[len(key)-1]; last%2 == 1 {
		return nil, fs.ErrNotExist
	}
	return &Object{Body: inMemory{strings.NewReader(o.page)}, Size: int64(len(o.page)), ContentType: "text/html", ETag: `"1"`, Modified: fileTime}, nil
}

// A hundred thousand addresses that nobody has asked for before, half of them of nothing, leave no more behind than the cache
// may hold: its entries, what the function made of each, and nothing else.
func TestHundredThousandURLsLeaveNoMoreThanTheCacheHolds(t *testing.T) {
	const limit = 8 << 20
	kv := &fakeKV{release: "r1", updated: fileTime}
	e, err := New(Options{
		Config: Config{
			Behaviors: []Behavior{{OriginID: "bucket", Compress: true,
				CachePolicy: CachePolicy{MaxTTL: time.Hour, DefaultTTL: time.Hour, QueryStrings: KeyPart{Behavior: partAll}},
				ViewerRequest: &Function{Name: "f", Code: `import cf from 'cloudfront';
async function handler(event) { event.request.uri = '/' + (await cf.kvs().get('path')) + event.request.uri; return event.request; }`}}},
		},
		Origins:    map[string]Origin{"bucket": anything{strings.Repeat("<p>words</p>", 100)}},
		KV:         kv.view,
		CacheBytes: limit,
	})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			target := fmt.Sprintf("/a/%d/%d", i, i%10)
			if i%3 == 0 {
				target = fmt.Sprintf("/page2?q=%d", i)
			}
			r := httptest.NewRequest(http.MethodGet, target, nil)
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			want := http.StatusOK
			if i%3 != 0 && i%2 == 1 {
				want = http.StatusNotFound
			}
			if w.Code != want {
				t.Fatalf("%s: %d, want %d", target, w.Code, want)
			}
		}
	}
	inUse := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	ask(0, 20_000) // the cache is full, and the engines are there
	before := inUse()
	ask(20_000, 100_000)
	if grown := inUse() - before; grown > limit/2 {
		t.Errorf("the heap has grown by %d bytes since the cache was full", grown)
	}
	e.cache.mu.Lock()
	if e.cache.size > limit || e.cache.size < limit/2 {
		t.Errorf("the cache has %d bytes of %d", e.cache.size, limit)
	}
	e.cache.mu.Unlock()
	m := e.behaviors[0].memo
	m.mu.Lock()
	if m.size > m.half || len(m.young)+len(m.old) > limit/memoShare/rememberedOverhead || len(m.young) == 0 {
		t.Errorf("the function's results: %d bytes of %d, %d and %d of them", m.size, m.half, len(m.young), len(m.old))
	}
	m.mu.Unlock()
}
