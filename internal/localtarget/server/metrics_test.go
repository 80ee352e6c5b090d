package server_test

import (
	"crypto/tls"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	s := deploy(t, dir, site.Config{DomainName: "shop.example.com"}, "one")
	release(t, s, "r1", "this is one")
	h, _ := startWith(t, server.Options{StateDir: string(dir), ListenHTTPS: "127.0.0.1:0", Metrics: "127.0.0.1:0"})
	c := clients(t, h.HTTPS, &tls.Config{RootCAs: roots(t, string(dir))})["HTTP/2.0"]
	for range 3 {
		fetch(t, c, h.SiteURL(s.Name(), ""))
	}
	fetch(t, c, h.SiteURL(s.Name(), "")+"none.js")

	_, text := fetch(t, http.DefaultClient, "http://"+h.Metrics+"/metrics")
	label := `site="` + s.Name() + `"`
	for _, want := range []string{
		`cht_responses_total{` + label + `,code="2xx"} 3`, `cht_responses_total{` + label + `,code="4xx"} 1`,
		`cht_cache_results_total{` + label + `,result="hit"} 2`, `cht_cache_results_total{` + label + `,result="miss"} 1`,
		`cht_response_duration_seconds_count{` + label + `} 4`, `cht_response_duration_seconds_bucket{` + label + `,le="+Inf"} 4`,
		`cht_build_info{version="test"} 1`, `cht_sites 1`, `cht_requests_in_progress 0`, `cht_connections{transport="tcp"} `,
		`cht_certificate_expiry_timestamp_seconds{domain="shop.example.com"} 0`, `go_goroutines `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	exposition(t, text)

	// The sites' own paths are theirs.
	for _, path := range []string{"healthz", "metrics"} {
		if res, _ := fetch(t, c, h.SiteURL(s.Name(), "")+path); res.StatusCode != 404 {
			t.Errorf("/%s of the site: %d", path, res.StatusCode)
		}
	}
}

// exposition checks that a text is in Prometheus's format: each metric has its head once, before its values.
func exposition(t *testing.T, text string) {
	t.Helper()
	line := regexp.MustCompile(`^([a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+$`)
	known := map[string]bool{}
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		if f := strings.Fields(l); f[0] == "#" {
			if f[1] == "TYPE" && known[f[2]] {
				t.Errorf("%s has two heads", f[2])
			}
			known[f[2]] = f[1] == "TYPE"
			continue
		}
		m := line.FindStringSubmatch(l)
		if m == nil {
			t.Errorf("no value: %q", l)
			continue
		}
		name := m[1]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if known[strings.TrimSuffix(name, suffix)] {
				name = strings.TrimSuffix(name, suffix)
			}
		}
		if !known[name] {
			t.Errorf("%s has no head", m[1])
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	dir := state.Dir(t.TempDir())
	h, _ := startWith(t, server.Options{StateDir: string(dir), Metrics: "127.0.0.1:0"})
	url := "http://" + h.Metrics + "/healthz"
	if res, body := fetch(t, http.DefaultClient, url); res.StatusCode != 200 || body != "ok\n" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
	// A state folder that cannot be read: what is served is served on, but it is said.
	if err := os.Rename(dir.Sites(), dir.Sites()+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir.Sites(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		res, body := fetch(t, http.DefaultClient, url)
		if res.StatusCode == 503 && strings.Contains(body, "sites") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d %q", res.StatusCode, body)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
