package edge

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// FuzzServe sends requests of any shape: no answer is a 500, none shows what lies outside the release, and each body has
// the length that its header says.
func FuzzServe(f *testing.F) {
	f.Add("/", "gzip, br", "bytes=0-1", `"x"`, "")
	f.Add("/..%2f..%2fsecret?x=%zz", "br;q=0", "bytes=-1,0-", "*", "Sun, 01 Nov 2026 10:00:00 GMT")
	f.Add("/page.html?", "", "bytes=1-2,4-5", `W/"a", "b`, "yesterday")
	te := newTestEdge(f, nil, nil)
	te.origin.put("r1/index.html", strings.Repeat("index ", 500), "text/html", htmlControl)
	te.origin.put("r1/page.html", "page", "text/html", "no-cache")
	te.origin.put("_errors/404.html", strings.Repeat("lost ", 500), "text/html", "")
	te.origin.put("secret", "top secret", "text/plain", "")
	te.origin.put("r1/../secret", "top secret", "text/plain", "")
	f.Fuzz(func(t *testing.T, target, encoding, ranges, tags, date string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RequestURI = target
		r.Header = http.Header{"Accept-Encoding": {encoding}, "Range": {ranges}, "If-None-Match": {tags}, "If-Range": {tags},
			"If-Modified-Since": {date}, "Cookie": {tags}}
		w := httptest.NewRecorder()
		te.ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError || strings.Contains(w.Body.String(), "top secret") {
			t.Fatalf("%q: %d %q", target, w.Code, w.Body)
		}
		if n := w.Header().Get("Content-Length"); w.Code != http.StatusNotModified && n != strconv.Itoa(w.Body.Len()) {
			t.Fatalf("%q, %q: Content-Length %s, body of %d bytes", target, ranges, n, w.Body.Len())
		}
	})
}
