package edge

import (
	"strings"
	"testing"
)

// The normalisation is that of the Developer Guide, controlling-the-cache-key, "Cache compressed objects".
func TestAccepted(t *testing.T) {
	tests := map[string]struct {
		header   string
		gzip, br bool
	}{
		"none":                 {"", false, false},
		"browser":              {"gzip, deflate, br, zstd", true, true},
		"gzip":                 {"gzip", true, false},
		"weights do not order": {"gzip;q=1.0, br;q=0.1", true, true},
		"refused":              {"gzip;q=0, br", false, true},
		"refused precisely":    {"gzip;q=0.000, br; q = 0.", false, false},
		"hardly":               {"br;q=0.001", false, true},
		"identity":             {"identity", false, false},
		"star names neither":   {"*", false, false},
		"case":                 {"GZIP, Br", true, true},
		"part of a name":       {"xgzip, brotli", false, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if gzip, br := accepted(tc.header); gzip != tc.gzip || br != tc.br {
				t.Errorf("accepted(%q) = %v, %v", tc.header, gzip, br)
			}
		})
	}
}

func FuzzAccepted(f *testing.F) {
	for _, s := range []string{"gzip", "br;q=0", "gzip;q=0.0;x=y, br", ";;,,=", "*;q=0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		gzip, br := accepted(header)
		lower := strings.ToLower(header)
		if gzip && !strings.Contains(lower, "gzip") || br && !strings.Contains(lower, "br") {
			t.Fatalf("accepted(%q) = %v, %v", header, gzip, br)
		}
	})
}

// ServingCompressedFiles: listed types, 1,000 to 10,000,000 bytes. UPSTREAM defect 8: js, css and html are compressed.
func TestDefect08_Compression(t *testing.T) {
	text := func(n int) string { return strings.Repeat("0123456789", n/10+1)[:n] }
	tests := map[string]struct {
		contentType string
		size        int
		accept      string
		want        string
	}{
		"html":                {"text/html; charset=utf-8", 5000, "gzip, br", "br"},
		"js":                  {"text/javascript", 5000, "gzip, br", "br"},
		"old js":              {"application/javascript", 5000, "gzip", "gzip"},
		"css":                 {"text/css", 5000, "gzip", "gzip"},
		"upper case type":     {"Text/HTML", 5000, "gzip", "gzip"},
		"wasm":                {"application/wasm", 5000, "br", "br"},
		"svg":                 {"image/svg+xml", 5000, "br", "br"},
		"manifest is not":     {"application/manifest+json", 5000, "gzip, br", ""},
		"woff2 is not":        {"font/woff2", 5000, "gzip, br", ""},
		"png is not":          {"image/png", 5000, "gzip, br", ""},
		"small":               {"text/html", 999, "gzip, br", ""},
		"just large enough":   {"text/html", 1000, "gzip, br", "br"},
		"just small enough":   {"text/html", 10_000_000, "gzip", "gzip"},
		"large":               {"text/html", 10_000_001, "gzip, br", ""},
		"viewer accepts none": {"text/html", 5000, "", ""},
		"viewer refuses":      {"text/html", 5000, "br;q=0", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			te := newTestEdge(t, nil, nil)
			content := text(tc.size)
			te.origin.put("r1/x", content, tc.contentType, assetControl)
			plain := te.get(t, "/x")
			resp := te.get(t, "/x", "Accept-Encoding", tc.accept)
			wantHeader(t, resp, "Content-Encoding", tc.want)
			if got := body(t, resp); got != content {
				t.Errorf("content differs: %d bytes", len(got))
			}
			etag := plain.Header.Get("ETag")
			if tc.want != "" {
				etag = "W/" + etag
				wantStatus(t, te.get(t, "/x", "Accept-Encoding", tc.accept, "If-None-Match", etag), 304, "Hit")
				wantHeader(t, resp, "Vary", "Accept-Encoding")
				wantHeader(t, plain, "Vary", "Accept-Encoding")
			}
			wantHeader(t, resp, "ETag", etag)
		})
	}
}

func TestCompressionIsConfigured(t *testing.T) {
	content := strings.Repeat("content ", 1000)
	tests := map[string]struct {
		change       func(*Behavior)
		accept, want string
	}{
		"off":            {func(b *Behavior) { b.Compress = false }, "gzip, br", ""},
		"policy without": {func(b *Behavior) { b.CachePolicy.AcceptBrotli, b.CachePolicy.AcceptGzip = false, false }, "gzip, br", ""},
		"policy gzip":    {func(b *Behavior) { b.CachePolicy.AcceptBrotli = false }, "gzip, br", "gzip"},
		"policy brotli":  {func(b *Behavior) { b.CachePolicy.AcceptGzip = false }, "gzip", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			te := newTestEdge(t, nil, func(o *Options) { tc.change(&o.Config.Behaviors[1]) })
			te.origin.put("r1/x", content, "text/html", assetControl)
			resp := te.get(t, "/x", "Accept-Encoding", tc.accept)
			wantHeader(t, resp, "Content-Encoding", tc.want)
			if got := body(t, resp); got != content {
				t.Errorf("content differs: %d bytes", len(got))
			}
		})
	}
}

// A range is one of the object itself, whatever the viewer accepts, so that its strong entity tag holds.
func TestRangesAreNotCompressed(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/x", strings.Repeat("0123456789", 1000), "text/html", assetControl)
	wantHeader(t, te.get(t, "/x", "Accept-Encoding", "br"), "Content-Encoding", "br")
	resp := te.get(t, "/x", "Accept-Encoding", "br", "Range", "bytes=10-12")
	wantStatus(t, resp, 206, "Hit")
	wantHeader(t, resp, "Content-Encoding", "")
	if got := body(t, resp); got != "012" {
		t.Errorf("body %q", got)
	}
}

func TestIncompressibleContentStays(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	noise := make([]byte, 4000)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	te.origin.put("r1/x", string(noise), "application/wasm", assetControl)
	resp := te.get(t, "/x", "Accept-Encoding", "br")
	wantHeader(t, resp, "Content-Encoding", "")
	if got := body(t, resp); got != string(noise) {
		t.Error("content differs")
	}
}
