package edge

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// CloudFront's headers about viewers (Developer Guide, "Add CloudFront request headers") go to the origin where a policy names
// them; what a viewer sends under such a name does not.
func TestViewerHeaders(t *testing.T) {
	const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
	all := &OriginRequestPolicy{Headers: KeyPart{Behavior: "allViewerAndWhitelistCloudFront", Items: []string{
		"CloudFront-Forwarded-Proto", "CloudFront-Viewer-Address", "CloudFront-Viewer-Http-Version", "CloudFront-Viewer-TLS",
		"CloudFront-Is-Mobile-Viewer", "CloudFront-Is-IOS-Viewer", "CloudFront-Viewer-Country"}}}
	tests := map[string]struct {
		policy *OriginRequestPolicy
		cache  []string
		change func(*http.Request)
		want   http.Header
	}{
		"all that is known": {policy: all, want: http.Header{
			"CloudFront-Forwarded-Proto": {"http"}, "CloudFront-Viewer-Address": {"192.0.2.1:1234"}, "CloudFront-Viewer-Http-Version": {"1.1"},
			"CloudFront-Is-Mobile-Viewer": {"true"}, "CloudFront-Is-IOS-Viewer": {"true"}}},
		"over TLS": {policy: &OriginRequestPolicy{Headers: KeyPart{Behavior: "whitelist", Items: []string{"CloudFront-Viewer-TLS", "CloudFront-Forwarded-Proto"}}},
			change: func(r *http.Request) {
				r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, DidResume: true}
			},
			want: http.Header{"CloudFront-Forwarded-Proto": {"https"}, "CloudFront-Viewer-TLS": {"TLSv1.3:TLS_AES_128_GCM_SHA256:sessionResumed"}}},
		"of the cache policy": {cache: []string{"CloudFront-Is-Mobile-Viewer"}, want: http.Header{"CloudFront-Is-Mobile-Viewer": {"true"}}},
		"made up by a viewer": {policy: &OriginRequestPolicy{Headers: KeyPart{Behavior: "allExcept", Items: []string{"Host", "User-Agent"}}},
			change: func(r *http.Request) { r.Header.Set("CloudFront-Viewer-Country", "XX") }, want: http.Header{}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			hr := httptest.NewRequest(http.MethodGet, "/a", nil)
			hr.Header.Set("User-Agent", phone)
			if tc.change != nil {
				tc.change(hr)
			}
			r := (&Edge{now: time.Now}).newRequest(hr)
			b := &Behavior{OriginRequestPolicy: tc.policy}
			if tc.cache != nil {
				b.CachePolicy.Headers = KeyPart{Behavior: "whitelist", Items: tc.cache}
			}
			r.behavior = &behavior{Behavior: b}
			got := r.originHeaders()
			got.Del("User-Agent")
			got.Del("Host")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The kind of a viewer's device, as far as User-Agent tells.
func TestDevice(t *testing.T) {
	tests := map[string]struct{ agent, want string }{
		"desktop":        {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "desktop"},
		"nothing":        {"", "desktop"},
		"iPhone":         {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148", "mobile"},
		"iPad":           {"Mozilla/5.0 (iPad; CPU OS 12_0 like Mac OS X) Mobile/15E148", "tablet"},
		"Android phone":  {"Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/140.0 Mobile Safari/537.36", "mobile"},
		"Android tablet": {"Mozilla/5.0 (Linux; Android 15; SM-X910) Chrome/140.0 Safari/537.36", "tablet"},
		"television":     {"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/538.1", "tv"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := device(tc.agent); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
