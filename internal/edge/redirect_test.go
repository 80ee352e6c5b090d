package edge

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/routing"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// The toolkit's function redirects partners, and what is remembered of its runs tells one host from the other.
func TestRedirectedHosts(t *testing.T) {
	code, err := routing.Code(site.RoutingSPA)
	if err != nil {
		t.Fatal(err)
	}
	te := newRealEdge(t, routing.WithRedirects(code, site.Config{DomainName: "example.com"}.Names()))
	get := func(host, target string) *http.Response {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.RequestURI, r.Host = target, host
		w := httptest.NewRecorder()
		te.ServeHTTP(w, r)
		return w.Result()
	}
	for range 3 {
		res := get("www.example.com:8080", "/a%20b?x=1&y=%20")
		wantStatus(t, res, 301, "FunctionGeneratedResponse")
		wantHeader(t, res, "Location", "//example.com:8080/a%20b?x=1&y=%20")
		wantHeader(t, res, "Content-Length", "0")
		wantHeader(t, get("www.example.com", "/?x=2"), "Location", "//example.com/?x=2")
		wantHeader(t, get("www.example.com", "/?"), "Location", "//example.com/?")
		wantHeader(t, get("www.example.com", "/"), "Location", "//example.com/")
		for _, host := range []string{"example.com", "example.com:8080", "site.localhost", "constructor"} {
			res := get(host, "/a%20b?x=1&y=%20")
			wantStatus(t, res, 200, "")
			if got := body(t, res); got != "one" {
				t.Errorf("%s: body %q", host, got)
			}
		}
	}
	te.kv.swap("")
	wantStatus(t, get("www.example.com", "/"), 301, "")
	wantStatus(t, get("example.com", "/"), 503, "")
}
