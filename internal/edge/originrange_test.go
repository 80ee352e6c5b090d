package edge

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// numbered is content of n bytes in which every range is another one.
func numbered(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(strconv.Itoa(i))
		b.WriteByte(' ')
	}
	return b.String()[:n]
}

// partsOf returns what an answer holds: its body, or the parts of it with their ranges.
func partsOf(t *testing.T, resp *http.Response) (parts []string) {
	t.Helper()
	_, params, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode >= 400 {
		return nil
	}
	if params["boundary"] == "" {
		return []string{resp.Header.Get("Content-Range"), body(t, resp)}
	}
	mr := multipart.NewReader(resp.Body, params["boundary"])
	for {
		p, err := mr.NextPart()
		if err == io.EOF {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p.Header.Get("Content-Range"), string(data))
	}
}

// askedOrigin remembers the Range of each request to an origin, "whole" for none.
type askedOrigin struct {
	mu     sync.Mutex
	ranges []string
}

func (a *askedOrigin) wrap(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		asked := r.Header.Get("Range")
		if asked == "" {
			asked = "whole"
		}
		a.ranges = append(a.ranges, asked)
		a.mu.Unlock()
		next.ServeHTTP(w, r)
	}
}

// take returns the requests since it was last called.
func (a *askedOrigin) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.ranges
	a.ranges = nil
	return taken
}

// The Developer Guide, RangeGETs: net/http's own file server is the origin, and whatever is asked for, and whatever the cache holds
// by then, the answer is the one that a bucket with the same object gives, for which testdata/vectors/ranges.json stands.
func TestRangesOfAFileServer(t *testing.T) {
	// An empty file has no ranges; net/http's answers about those are not to be compared with.
	sizes := map[string]int{"small": 1000, "block": block, "blocks": 3*block + 17, "large": maxHeld + block + 17}
	dir, bucket := t.TempDir(), newTestEdge(t, nil, nil)
	if err := os.MkdirAll(filepath.Join(dir, "v1", "cached"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, size := range sizes {
		content := numbered(size)
		bucket.origin.put("r1/"+name, content, "text/plain; charset=utf-8", "")
		if err := os.WriteFile(filepath.Join(dir, "v1", "cached", name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files := http.FileServer(http.Dir(dir))
	ranges := []string{"bytes=0-0", "bytes=0-", "bytes=5-9", "bytes=-1", "bytes=-300000", "bytes=-99999999999", "bytes=0-9,20-29", "bytes=0-0,-1",
		"bytes=262143-262144", "bytes=262144-262150", "bytes=300000-700000", "bytes=786432-", "bytes=786400-", "bytes=0-9,262144-262145",
		"bytes=10000000-", "bytes=10485759-", "bytes=99999999999-", "bytes=-0", "bytes=0-10,5-20", "bytes=9-5", "bytes=5000000000000000000-",
		"bytes=-5000000000000000000", "bytes=0-1,99999999999-"}
	check := func(t *testing.T, custom *testEdge, name, asked string) {
		t.Helper()
		if name == "large" && blockOf(asked) == "" {
			return // the origin says what it makes of what CloudFront ignores
		}
		got, want := custom.get(t, "/cached/"+name, "Range", asked), bucket.get(t, "/"+name, "Range", asked)
		if got.StatusCode != want.StatusCode || !slices.Equal(partsOf(t, got), partsOf(t, want)) {
			t.Errorf("%s of %s: status %d, Content-Range %q, want %d, %q", asked, name, got.StatusCode, got.Header.Get("Content-Range"),
				want.StatusCode, want.Header.Get("Content-Range"))
		}
	}
	for name := range sizes {
		t.Run(name, func(t *testing.T) {
			custom := apiEdge(t, files.ServeHTTP, nil)
			for _, asked := range ranges {
				check(t, apiEdge(t, files.ServeHTTP, nil), name, asked)
			}
			for _, asked := range slices.Concat(ranges, ranges) {
				check(t, custom, name, asked)
			}
		})
	}
}

// What is asked of the origin, and what of it is kept.
func TestBlocksAskedOfAnOrigin(t *testing.T) {
	type step struct {
		asked  string // the viewer's Range, "" for none
		status int
		origin []string // the Range of each request that it gets
	}
	const first, second, end = "bytes=0-262143", "bytes=262144-524287", "bytes=-262144"
	tests := map[string]struct {
		size  int
		steps []step
	}{
		"a small object is whole after one request": {1000, []step{{"bytes=5-9", 206, []string{first}}, {"bytes=-1", 206, nil}, {"", 200, nil}}},
		"from the end": {1000, []step{{"bytes=-1", 206, []string{end}}, {"bytes=5-9", 206, nil}, {"", 200, nil}}},
		"a block is asked for once": {3 * block, []step{{"bytes=0-99", 206, []string{first}}, {"bytes=262143-262143", 206, nil}, {"bytes=0-0,5-6", 206, nil},
			{"bytes=300000-300001", 206, []string{second}}, {"bytes=262144-", 206, []string{"whole"}}, {"", 200, nil}, {"bytes=700000-", 206, nil}}},
		"the whole is in the cache": {3 * block, []step{{"", 200, []string{"whole"}}, {"bytes=0-99", 206, nil}, {"bytes=-9", 206, nil}}},
		"of a large object, more than a block is passed on": {maxHeld + block, []step{{"bytes=0-", 206, []string{first, "bytes=0-"}}, {"bytes=9-", 206, []string{"bytes=9-"}},
			{"bytes=5-6", 206, nil}, {"bytes=262143-262144", 206, []string{"bytes=262143-262144"}}, {"bytes=262144-262145", 206, []string{second}}}},
		"a large object that was streamed": {maxHeld + block, []step{{"", 200, []string{"whole", "whole"}}, {"bytes=9-", 206, []string{"bytes=9-"}},
			{"bytes=5-6", 206, []string{first}}, {"bytes=0-0,7-8", 206, nil}}},
		"a header that is ignored": {1000, []step{{"bytes=9-5", 200, []string{"whole"}}}},
		"past the end":             {1000, []step{{"bytes=1000-", 416, []string{first}}, {"bytes=999999-", 416, nil}}},
		"far past the end":         {1000, []step{{"bytes=999999-", 416, []string{"bytes=786432-1048575"}}, {"bytes=1-2", 206, []string{first}}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			asked := &askedOrigin{}
			content := numbered(tc.size)
			te := apiEdge(t, asked.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.ServeContent(w, r, "x.bin", fileTime, strings.NewReader(content))
			})), nil)
			for _, s := range tc.steps {
				var headers []string
				if s.asked != "" {
					headers = []string{"Range", s.asked}
				}
				resp := te.get(t, "/cached/x", headers...)
				if got := asked.take(); resp.StatusCode != s.status || !slices.Equal(got, s.origin) {
					t.Errorf("%q: status %d, want %d; the origin was asked for %q, want %q", s.asked, resp.StatusCode, s.status, got, s.origin)
				}
			}
		})
	}
}

// Whoever asks for each byte on its own makes the edge ask for each block once, and takes no more of the cache than its size.
func TestManyTinyRanges(t *testing.T) {
	asked, content := &askedOrigin{}, numbered(4*block+block/2)
	te := apiEdge(t, asked.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "x.bin", fileTime, strings.NewReader(content))
	})), func(o *Options) { o.CacheBytes = 6 * block })
	for i := 0; i < len(content); i += 997 {
		resp := te.get(t, "/cached/x", "Range", fmt.Sprintf("bytes=%d-%d", i, i))
		if b := body(t, resp); b != content[i:i+1] {
			t.Fatalf("byte %d: status %d, %q", i, resp.StatusCode, b)
		}
	}
	if got := asked.take(); len(got) != 5 {
		t.Errorf("the origin was asked %d times: %q", len(got), got)
	}
	te.cache.mu.Lock()
	defer te.cache.mu.Unlock()
	if te.cache.size > 6*block {
		t.Errorf("the cache takes %d bytes", te.cache.size)
	}
}

// A part is a cached answer as any other: it is confirmed when it is old, and shared by those who wait for it.
func TestPartsInTheCache(t *testing.T) {
	var mu sync.Mutex
	etag, content := `"one"`, numbered(2*block)
	asked := &askedOrigin{}
	te := apiEdge(t, asked.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("ETag", etag)
		w.Header().Set("Cache-Control", "max-age=60")
		http.ServeContent(w, r, "x.bin", time.Time{}, strings.NewReader(content))
	})), nil)
	wantStatus(t, te.get(t, "/cached/x", "Range", "bytes=0-3"), 206, "Miss")
	wantStatus(t, te.get(t, "/cached/x", "Range", "bytes=4-7"), 206, "Hit")
	wantStatus(t, te.get(t, "/cached/x", "Range", "bytes=4-7", "If-None-Match", `"one"`), 304, "Hit")
	resp := te.get(t, "/cached/x", "Range", "bytes=4-7", "If-Range", `"one"`)
	wantStatus(t, resp, 206, "Hit")
	wantHeader(t, resp, "Content-Range", fmt.Sprintf("bytes 4-7/%d", 2*block))
	wantHeader(t, resp, "Content-Length", "4")
	te.advance(61 * time.Second)
	resp = te.get(t, "/cached/x", "Range", "bytes=4-7")
	wantStatus(t, resp, 206, "RefreshHit")
	wantHeader(t, resp, "Content-Range", fmt.Sprintf("bytes 4-7/%d", 2*block))
	if b := body(t, resp); b != content[4:8] {
		t.Errorf("after it was confirmed: %q", b)
	}
	te.advance(61 * time.Second)
	mu.Lock()
	etag, content = `"two"`, strings.ToUpper(strings.Repeat("changed ", block))
	mu.Unlock()
	resp = te.get(t, "/cached/x", "Range", "bytes=0-3")
	wantStatus(t, resp, 206, "Miss")
	if b := body(t, resp); b != "CHAN" {
		t.Errorf("after it was changed: %q", b)
	}
	asked.take()
	resp = te.get(t, "/cached/x", "Range", "bytes=0-3", "If-Range", `"one"`)
	wantStatus(t, resp, 200, "Miss")
	if b := body(t, resp); b != content || !slices.Equal(asked.take(), []string{"whole"}) {
		t.Errorf("the version that the viewer has is gone: %d bytes", len(b))
	}
}

func TestPartsAreSharedByThoseWhoWait(t *testing.T) {
	asked, release := &askedOrigin{}, make(chan struct{})
	te := apiEdge(t, asked.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		http.ServeContent(w, r, "x.bin", fileTime, strings.NewReader(numbered(2*block)))
	})), nil)
	var done sync.WaitGroup
	for i := range 20 {
		done.Go(func() {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/cached/x", nil)
			r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", i, i))
			te.ServeHTTP(w, r)
			if w.Code != http.StatusPartialContent || w.Body.String() != numbered(100)[i:i+1] {
				t.Errorf("byte %d: status %d, %q", i, w.Code, w.Body)
			}
		})
	}
	close(release)
	done.Wait()
	if got := asked.take(); len(got) != 1 {
		t.Errorf("the origin was asked %q", got)
	}
}
