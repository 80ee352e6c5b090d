package edge

import (
	"strings"
	"testing"
	"time"
)

// Developer Guide, understanding-response-headers-policies. UPSTREAM defect 14: Strict-Transport-Security only as the
// policy says.
func TestDefect14_ResponseHeadersPolicy(t *testing.T) {
	te := newTestEdge(t, nil, nil)
	te.origin.put("r1/index.html", "one", "text/html", htmlControl)
	for _, name := range []string{"Strict-Transport-Security", "X-Frame-Options", "Access-Control-Allow-Origin"} {
		wantHeader(t, te.get(t, "/", "Origin", "https://example.com"), name, "")
	}

	te = newTestEdge(t, nil, func(o *Options) {
		o.Config.Behaviors[1].ResponseHeadersPolicy = &ResponseHeadersPolicy{
			Remove: []string{"etag", "server", "x-custom"},
			Set: []PolicyHeader{
				{Name: "strict-transport-security", Value: "max-age=31536000", Override: true},
				{Name: "cache-control", Value: "no-store", Override: true},
				{Name: "content-type", Value: "text/nothing", Override: false},
				{Name: "X-Custom", Value: "removed first, added then", Override: false},
				{Name: "X-Empty", Value: ""},
			},
		}
	})
	te.origin.put("r1/index.html", "one", "text/html", htmlControl)
	for _, resp := range []string{"/", "/missing"} {
		wantHeader(t, te.get(t, resp), "Strict-Transport-Security", "max-age=31536000")
	}
	resp := te.get(t, "/")
	wantHeader(t, resp, "Cache-Control", "no-store")
	wantHeader(t, resp, "Content-Type", "text/html")
	wantHeader(t, resp, "ETag", "")
	wantHeader(t, resp, "X-Custom", "removed first, added then")
	wantHeader(t, resp, "Server", serverName) // removed, and CloudFront adds its own
	if _, ok := resp.Header["X-Empty"]; !ok {
		t.Error("the header without a value is missing")
	}
}

func TestCORS(t *testing.T) {
	tests := map[string]struct {
		cors                     CORS
		origin                   string
		allow, expose, vary, max string
		preflight                bool
	}{
		"any":             {cors: CORS{AllowOrigins: []string{"*"}}, origin: "https://a.example", allow: "*"},
		"no CORS request": {cors: CORS{AllowOrigins: []string{"*"}}},
		"listed":          {cors: CORS{AllowOrigins: []string{"https://a.example"}}, origin: "https://a.example", allow: "https://a.example", vary: "Origin"},
		"not listed":      {cors: CORS{AllowOrigins: []string{"https://a.example"}}, origin: "https://b.example", vary: "Origin"},
		"other scheme":    {cors: CORS{AllowOrigins: []string{"https://a.example"}}, origin: "http://a.example", vary: "Origin"},
		"any scheme":      {cors: CORS{AllowOrigins: []string{"a.example"}}, origin: "http://a.example", allow: "http://a.example", vary: "Origin"},
		"subdomain":       {cors: CORS{AllowOrigins: []string{"*.example"}}, origin: "https://a.example", allow: "https://a.example", vary: "Origin"},
		"not the apex":    {cors: CORS{AllowOrigins: []string{"*.example"}}, origin: "https://.example", vary: "Origin"},
		"exposed":         {cors: CORS{AllowOrigins: []string{"*"}, ExposeHeaders: []string{"A", "B"}}, origin: "https://a.example", allow: "*", expose: "A, B"},
		"preflight":       {cors: CORS{AllowOrigins: []string{"*"}, ExposeHeaders: []string{"A"}, MaxAge: time.Minute, AllowMethods: []string{"ALL"}}, origin: "https://a.example", allow: "*", max: "60", preflight: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			te := newTestEdge(t, nil, func(o *Options) {
				o.Config.Behaviors[1].ResponseHeadersPolicy = &ResponseHeadersPolicy{CORS: &tc.cors}
				o.Config.Behaviors[1].AllowedMethods = []string{"GET", "HEAD", "OPTIONS"}
			})
			te.origin.put("r1/index.html", "one", "text/html", htmlControl)
			method, headers := "GET", []string{}
			if tc.origin != "" {
				headers = append(headers, "Origin", tc.origin)
			}
			if tc.preflight {
				method, headers = "OPTIONS", append(headers, "Access-Control-Request-Method", "PUT")
			}
			resp := te.do(t, method, "/", headers...)
			wantHeader(t, resp, "Access-Control-Allow-Origin", tc.allow)
			wantHeader(t, resp, "Access-Control-Expose-Headers", tc.expose)
			wantHeader(t, resp, "Access-Control-Max-Age", tc.max)
			wantHeader(t, resp, "Vary", tc.vary)
			if tc.preflight {
				wantHeader(t, resp, "Access-Control-Allow-Methods", "GET, DELETE, HEAD, OPTIONS, PATCH, POST, PUT")
			}
		})
	}
}

// Developer Guide, server-timing-header.
func TestServerTiming(t *testing.T) {
	te := newTestEdge(t, nil, func(o *Options) {
		o.Config.Behaviors[1].ResponseHeadersPolicy = &ResponseHeadersPolicy{ServerTimingRate: 100}
	})
	te.origin.put("r1/index.html", "one", "text/html", htmlControl)
	for i, want := range []string{"cdn-cache-miss", "cdn-cache-hit", "cdn-cache-refresh"} {
		if i == 2 {
			te.kv.swap("r1")
		}
		if got := te.get(t, "/").Header.Get("Server-Timing"); !strings.Contains(got, want) || !strings.Contains(got, `cdn-pop;desc="LOCAL"`) {
			t.Errorf("Server-Timing %q, want %s", got, want)
		}
	}
	te = newTestEdge(t, nil, func(o *Options) {
		o.Config.Behaviors[1].ResponseHeadersPolicy = &ResponseHeadersPolicy{ServerTimingRate: 0.0001}
	})
	te.origin.put("r1/index.html", "one", "text/html", htmlControl)
	if got := te.get(t, "/", "Pragma", "server-timing").Header.Get("Server-Timing"); got == "" {
		t.Error("the viewer asked for Server-Timing and got none")
	}
}
