package edge

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
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

// sourceText is real text of about a size: the source code of this project.
func sourceText(b *testing.B, size int) []byte {
	b.Helper()
	files, err := filepath.Glob("../*/*.go")
	if err != nil || len(files) == 0 {
		b.Fatalf("no source files: %v", err)
	}
	var text []byte
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		if text = append(text, data...); len(text) >= size {
			return text[:size]
		}
	}
	return text
}

// BenchmarkCompress shows what the first viewer of an object waits for.
func BenchmarkCompress(b *testing.B) {
	for _, size := range []int{10 << 10, 100 << 10, 1 << 20} {
		body := sourceText(b, size)
		for _, enc := range []encoding{gzipped, brotlied} {
			b.Run(fmt.Sprintf("%dKB/%s", size>>10, encodingNames[enc]), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					compress(enc, body)
				}
			})
		}
	}
}

// BenchmarkBrotliLevels is what each level costs, and what it leaves of the text: the choice in compress.
func BenchmarkBrotliLevels(b *testing.B) {
	for _, size := range []int{100 << 10, 1 << 20} {
		body := sourceText(b, size)
		for _, level := range []int{3, 4, 5, 6, 7, 9, 11} {
			b.Run(fmt.Sprintf("%dKB/%d", size>>10, level), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				left := 0
				for b.Loop() {
					var out bytes.Buffer
					w := brotli.NewWriterLevel(&out, level)
					if _, err := w.Write(body); err != nil {
						b.Fatal(err)
					}
					if err := w.Close(); err != nil {
						b.Fatal(err)
					}
					left = out.Len()
				}
				b.ReportMetric(100*float64(left)/float64(len(body)), "%left")
			})
		}
	}
}
