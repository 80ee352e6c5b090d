package edge

import (
	"errors"
	"testing"
	"time"
)

// The cases are the cells of the Developer Guide's table, Expiration, "Specify the amount of time that CloudFront caches
// objects".
func TestTTL(t *testing.T) {
	lax := CachePolicy{DefaultTTL: 100 * time.Second, MaxTTL: 1000 * time.Second}
	strict := CachePolicy{MinTTL: 50 * time.Second, DefaultTTL: 20 * time.Second, MaxTTL: 1000 * time.Second}
	disabled := CachePolicy{}
	tests := map[string]struct {
		policy  CachePolicy
		control string
		want    int
	}{
		"min 0, max-age":                     {lax, "max-age=60", 60},
		"min 0, max-age over the maximum":    {lax, "max-age=5000", 1000},
		"min 0, nothing":                     {lax, "", 100},
		"min 0, unrelated directive":         {lax, "public, must-revalidate", 100},
		"min 0, s-maxage wins":               {lax, "max-age=0, s-maxage=70", 70},
		"min 0, s-maxage wins in any order":  {lax, "s-maxage=70, max-age=0", 70},
		"min 0, no-cache":                    {lax, "no-cache, max-age=60", 0},
		"min 0, no-store":                    {lax, "no-store", 0},
		"min 0, private":                     {lax, "private, max-age=60", 0},
		"min 50, max-age between":            {strict, "max-age=60", 60},
		"min 50, max-age below":              {strict, "max-age=10", 50},
		"min 50, max-age above":              {strict, "max-age=5000", 1000},
		"min 50, nothing":                    {strict, "", 50},
		"min 50, no-cache":                   {strict, "no-cache", 50},
		"disabled":                           {disabled, "max-age=60", 0},
		"not a number":                       {lax, "max-age=soon", 100},
		"negative":                           {lax, "max-age=-5", 100},
		"quoted":                             {lax, `max-age="60"`, 60},
		"upper case":                         {lax, "Max-Age = 60", 60},
		"larger than a time.Duration can be": {lax, "max-age=9223372036854775807", 1000},
		"the toolkit's html":                 {optimized, htmlControl, 31536000},
		"the toolkit's fingerprinted assets": {optimized, assetControl, 31536000},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			d := parseCacheControl(tc.control)
			if got := d.ttl(&tc.policy); got != time.Duration(tc.want)*time.Second {
				t.Errorf("ttl of %q: %v, want %ds", tc.control, got, tc.want)
			}
		})
	}
}

func TestExpiry(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/x", "content", "text/plain", "max-age=60")
	wantStatus(t, te.get(t, "/x"), 200, "Miss")
	te.advance(59 * time.Second)
	wantStatus(t, te.get(t, "/x"), 200, "Hit")
	te.advance(time.Second)
	wantStatus(t, te.get(t, "/x"), 200, "RefreshHit")
	wantStatus(t, te.get(t, "/x"), 200, "Hit")
	te.advance(61 * time.Second)
	te.origin.put("r1/x", "changed", "text/plain", "max-age=60")
	resp := te.get(t, "/x")
	wantStatus(t, resp, 200, "Miss")
	if got := body(t, resp); got != "changed" {
		t.Errorf("body %q", got)
	}
}

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
	deadline := time.Now().Add(10 * time.Second)
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

func TestStaleIfErrorDirective(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/x", "content", "text/plain", "max-age=60, stale-if-error=30")
	te.get(t, "/x")
	te.origin.fail(errors.New("disk on fire"))
	te.advance(89 * time.Second)
	wantStatus(t, te.get(t, "/x"), 200, "Hit")
	te.advance(2 * time.Second)
	wantStatus(t, te.get(t, "/x"), 502, "Error")
}
