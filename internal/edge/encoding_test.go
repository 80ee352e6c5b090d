package edge

import (
	"strings"
	"testing"
)

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
