package edge

import (
	"testing"
	"time"
)

// Developer Guide, Expiration, "Serve stale (expired) content".
func TestStaleWhileRevalidate(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/x", "content", "text/plain", "max-age=60, stale-while-revalidate=30")
	te.get(t, "/x")
	te.advance(80 * time.Second)
	te.origin.put("r1/x", "changed", "text/plain", "max-age=60, stale-while-revalidate=30")
	te.origin.gate = make(chan struct{})
	for range 2 {
		resp := te.get(t, "/x")
		wantStatus(t, resp, 200, "Hit")
		if got := body(t, resp); got != "content" {
			t.Errorf("body %q", got)
		}
	}
	te.origin.gate <- struct{}{}
	close(te.origin.gate)
	deadline := time.Now().Add(time.Minute)
	for body(t, te.get(t, "/x")) != "changed" {
		if time.Now().After(deadline) {
			t.Fatal("the refresh did not happen")
		}
	}
	if n := te.origin.count("r1/x"); n != 2 {
		t.Errorf("the origin was asked %d times, want 2", n)
	}
	te.advance(91 * time.Second)
	wantStatus(t, te.get(t, "/x"), 200, "RefreshHit")

	te.advance(80 * time.Second)
	te.kv.swap("r1")
	wantStatus(t, te.get(t, "/x"), 200, "RefreshHit") // never across a flip
}
