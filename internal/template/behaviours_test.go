package template

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// ownBehaviours is a site with an API on one server, a shop on another, and fonts that other sites may use.
func ownBehaviours() Input {
	yes, no := true, false
	in := sample(nil)
	in.Behaviours = []site.Behaviour{
		{Path: "/api/*", Origin: "https://api.example.com/v1/", ReadTimeoutSeconds: 60, ConnectionAttempts: 2, ConnectionTimeoutSeconds: 5, KeepaliveSeconds: 30},
		{Path: "/api-*", Origin: "https://api.example.com", AllowedMethods: []string{"OPTIONS", "HEAD", "GET"}, Compress: &no},
		{Path: "/more/*", Origin: "https://api.example.com", CachePolicy: "UseOriginCacheControlHeaders", OriginRequestPolicy: "AllViewer",
			ResponseHeadersPolicy: "CORS-With-Preflight", ViewerProtocolPolicy: "https-only"},
		{Path: "shop/it's?", Origin: "http://shop.example.com:8080", OriginRequestPolicy: site.NoPolicy, ViewerProtocolPolicy: "allow-all", Function: &yes},
		{Path: "*.woff2", ResponseHeadersPolicy: "CORS-and-SecurityHeadersPolicy", OriginRequestPolicy: "CORS-S3Origin"},
	}
	return in
}

// The user's own behaviours stand between the error pages' and the default one, in their order; behaviours with one origin
// share it.
func TestBehaviours(t *testing.T) {
	in := ownBehaviours()
	rendered, err := Render(in)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "rendered-behaviours.yaml", rendered)
	config, err := Compile(rendered, nil)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "edge-behaviours.json", []byte(configJSON(t, config)))
	var patterns, origins []string
	for _, b := range config.Behaviors {
		patterns = append(patterns, b.PathPattern)
		if runs := b.ViewerRequest != nil; runs != slices.Contains([]string{"/shop/it's?", "*.woff2", ""}, b.PathPattern) {
			t.Errorf("%q: the function runs: %t", b.PathPattern, runs)
		}
	}
	for _, o := range config.CustomOrigins {
		origins = append(origins, o.ID)
	}
	if diff := cmp.Diff([]string{"/_errors/*", "/api/*", "/api-*", "/more/*", "/shop/it's?", "*.woff2", ""}, patterns); diff != "" {
		t.Errorf("behaviours (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"api.example.com", "api.example.com-2", "shop.example.com:8080"}, origins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
	if differs := Differs(rendered, in); differs != nil {
		t.Errorf("differs from itself: %v", differs)
	}
	in.Behaviours = in.Behaviours[:4]
	if differs := Differs(rendered, in); !slices.Equal(differs, []string{DiffersTemplate}) {
		t.Errorf("a behaviour less: %v", differs)
	}
}

// Whatever the configuration's validation lets through is a template that compiles: each policy by its name.
func TestEveryPolicyOfTheConfiguration(t *testing.T) {
	tests := map[string]struct {
		names []string
		set   func(*site.Behaviour, string)
	}{
		"cache":            {slices.Concat(site.AnyCachePolicies, site.ServerCachePolicies), func(b *site.Behaviour, n string) { b.CachePolicy = n }},
		"origin request":   {site.OriginRequestPolicies, func(b *site.Behaviour, n string) { b.OriginRequestPolicy = n }},
		"response headers": {site.ResponseHeadersPolicies, func(b *site.Behaviour, n string) { b.ResponseHeadersPolicy = n }},
	}
	known := 0
	for kind, tc := range tests {
		for _, name := range tc.names {
			t.Run(kind+" "+name, func(t *testing.T) {
				for _, origin := range []string{"https://a.example", ""} {
					if origin == "" && (slices.Contains(site.ServerCachePolicies, name) || kind == "origin request" && !slices.Contains(site.FilesRequestPolicies, name)) {
						continue
					}
					b := site.Behaviour{Path: "/x/*", Origin: origin}
					tc.set(&b, name)
					in := sample(nil)
					in.Behaviours = []site.Behaviour{b}
					rendered, err := Render(in)
					if err != nil {
						t.Fatal(err)
					}
					if !strings.Contains(string(rendered), ": "+managedIDs[name]+" # "+name+"\n") || managedIDs[name] == "" {
						t.Errorf("the template does not name it")
					}
					if _, err := Compile(rendered, nil); err != nil {
						t.Errorf("with origin %q: %v", origin, err)
					}
				}
			})
			known++
		}
	}
	if known != len(managedIDs) {
		t.Errorf("the configuration knows %d policies, the compiler %d", known, len(managedIDs))
	}
}

// As many behaviours as the configuration takes stay within CloudFront's 75; what outgrows a template says what to do.
func TestManyBehaviours(t *testing.T) {
	in := sample(nil)
	for i := range site.MaxBehaviours {
		in.Behaviours = append(in.Behaviours, site.Behaviour{Path: fmt.Sprintf("/p%d/*", i), ResponseHeadersPolicy: site.NoPolicy})
	}
	_, err := Render(in)
	if err == nil || fault.KindOf(err) != fault.Usage || !strings.Contains(fault.HintOf(err), "join behaviours") {
		t.Errorf("%d behaviours: %v", len(in.Behaviours), err)
	}
	whole, err := withBehaviours(hosting, in.Behaviours)
	if err != nil {
		t.Fatal(err)
	}
	config, err := Compile([]byte(strings.Replace(string(whole), emptyFunction, "FunctionCode: x\n", 1)), nil)
	if err != nil || len(config.Behaviors) != 75 {
		t.Errorf("%d behaviours, %v", len(config.Behaviors), err)
	}
	in.Behaviours = in.Behaviours[:20]
	if _, err := Render(in); err != nil {
		t.Errorf("20 behaviours: %v", err)
	}
}
