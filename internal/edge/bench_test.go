package edge

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// nullWriter is a ResponseWriter that keeps its header map and nothing else.
type nullWriter struct{ header http.Header }

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *nullWriter) WriteHeader(int)             {}

// BenchmarkEdge is the edge's own work for one request of 10 KB of HTML, without a server.
func BenchmarkEdge(b *testing.B) {
	tests := map[string]struct {
		target   string
		headers  []string
		function bool
	}{
		"hit":          {"/r1/index.html", []string{"Accept-Encoding", "gzip, deflate, br"}, false},
		"hit-function": {"/", []string{"Accept-Encoding", "gzip, deflate, br"}, true},
		"hit-identity": {"/r1/index.html", nil, false},
		"not-modified": {"/r1/index.html", []string{"If-Modified-Since", "Sun, 01 Nov 2026 10:00:00 GMT"}, false},
		"range":        {"/r1/index.html", []string{"Range", "bytes=0-99"}, false},
		"missing":      {"/r1/nothing", nil, false},
	}
	for name, tc := range tests {
		b.Run(name, func(b *testing.B) {
			te := newTestEdge(b, nil, func(o *Options) {
				o.Now = time.Now
				if !tc.function {
					o.Config.Behaviors[1].ViewerRequest = nil
				}
			})
			te.origin.put("r1/index.html", strings.Repeat("<p>0123456789</p>", 600), "text/html; charset=utf-8", htmlControl)
			te.origin.put("_errors/404.html", strings.Repeat("<p>lost</p>", 100), "text/html; charset=utf-8", htmlControl)
			r := httptest.NewRequest("GET", tc.target, nil)
			r.Header.Set("User-Agent", "bench")
			for i := 0; i+1 < len(tc.headers); i += 2 {
				r.Header.Set(tc.headers[i], tc.headers[i+1])
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				w := &nullWriter{header: make(http.Header)}
				for pb.Next() {
					clear(w.header)
					te.ServeHTTP(w, r)
				}
			})
		})
	}
}

// BenchmarkCompress shows what the first viewer of an object waits for.
func BenchmarkCompress(b *testing.B) {
	var text strings.Builder
	for i := 0; text.Len() < 1<<20; i++ {
		text.WriteString(strings.Repeat("x", i%7) + "function f" + http.StatusText(i%600) + "(a, b) { return a[b]; }\n")
	}
	for name, size := range map[string]int{"10KB": 10 << 10, "100KB": 100 << 10, "1MB": 1 << 20} {
		for _, enc := range []encoding{gzipped, brotlied} {
			b.Run(name+"/"+encodingNames[enc], func(b *testing.B) {
				body := []byte(text.String()[:size])
				b.SetBytes(int64(size))
				for b.Loop() {
					compress(enc, body)
				}
			})
		}
	}
}
