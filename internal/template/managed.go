package template

import (
	"slices"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// managedCachePolicies are AWS's own cache policies, by id, as far as they make sense before a bucket (CloudFront
// Developer Guide, "Use managed cache policies": using-managed-cache-policies). Names are those of the API, which has no
// "Managed-" before UseOriginCacheControlHeaders.
var managedCachePolicies = map[string]edge.CachePolicy{
	"658327ea-f89d-4fab-a63d-7e88639e58f6": {
		Name: "Managed-CachingOptimized", MinTTL: time.Second, DefaultTTL: day, MaxTTL: year,
		AcceptGzip: true, AcceptBrotli: true, Headers: nothing, Cookies: nothing, QueryStrings: nothing,
	},
	"b2884449-e4de-46a7-ac36-70bc7f1ddd6d": {
		Name: "Managed-CachingOptimizedForUncompressedObjects", MinTTL: time.Second, DefaultTTL: day, MaxTTL: year,
		Headers: nothing, Cookies: nothing, QueryStrings: nothing,
	},
	"4135ea2d-6df8-44a3-9df3-4b5a84be39ad": {
		Name: "Managed-CachingDisabled", Headers: nothing, Cookies: nothing, QueryStrings: nothing,
	},
}

var nothing = edge.KeyPart{Behavior: "none"}

// managedCachePoliciesWithHost are those that send the viewer's Host to the origin: a custom origin may want it, a bucket
// would refuse the signature.
var managedCachePoliciesWithHost = map[string]edge.CachePolicy{
	"83da9c7e-98b4-4e11-a168-04f0df8e2c65": {
		Name: "UseOriginCacheControlHeaders", MaxTTL: year, AcceptGzip: true, AcceptBrotli: true,
		Headers: hostAndMethod, Cookies: everything, QueryStrings: nothing,
	},
	"4cc15a8a-d715-48a4-82b8-cc0b614638fe": {
		Name: "UseOriginCacheControlHeaders-QueryStrings", MaxTTL: year, AcceptGzip: true, AcceptBrotli: true,
		Headers: hostAndMethod, Cookies: everything, QueryStrings: everything,
	},
}

var (
	everything    = edge.KeyPart{Behavior: "all"}
	hostAndMethod = edge.KeyPart{Behavior: "whitelist",
		Items: []string{"Host", "Origin", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"}}
)

// managedOriginRequestPolicies are AWS's own origin request policies, by id, as far as they name only what viewers send
// (CloudFront Developer Guide, "Use managed origin request policies": using-managed-origin-request-policies). bucket says that the policy may stand before a
// bucket, whose answer depends on none of what is sent.
var managedOriginRequestPolicies = map[string]struct {
	bucket bool
	policy edge.OriginRequestPolicy
}{
	"88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": {true, edge.OriginRequestPolicy{
		Name:    "Managed-CORS-S3Origin",
		Headers: only("Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"),
		Cookies: nothing, QueryStrings: nothing,
	}},
	"acba4595-bd28-49b8-b9fe-13317c0390fa": {true, edge.OriginRequestPolicy{
		Name: "Managed-UserAgentRefererHeaders", Headers: only("User-Agent", "Referer"), Cookies: nothing, QueryStrings: nothing,
	}},
	"59781a5b-3903-41f3-afcb-af62929ccde1": {false, edge.OriginRequestPolicy{
		Name: "Managed-CORS-CustomOrigin", Headers: only("Origin"), Cookies: nothing, QueryStrings: nothing,
	}},
	"216adef6-5c7f-47e4-b989-5492eafa07d3": {false, edge.OriginRequestPolicy{
		Name: "Managed-AllViewer", Headers: edge.KeyPart{Behavior: "allViewer"}, Cookies: everything, QueryStrings: everything,
	}},
	"bf0718e1-ba1e-49d1-88b1-f726733018ae": {false, edge.OriginRequestPolicy{
		Name: "Managed-HostHeaderOnly", Headers: only("Host"), Cookies: nothing, QueryStrings: nothing,
	}},
	"33f36d7e-f396-46d9-90e0-52428a34d9dc": {false, edge.OriginRequestPolicy{
		Name:    "Managed-AllViewerAndCloudFrontHeaders-2022-06",
		Headers: edge.KeyPart{Behavior: "allViewerAndWhitelistCloudFront", Items: cloudFrontHeaders2022},
		Cookies: everything, QueryStrings: everything,
	}},
	"b689b0a8-53d0-40ab-baf2-68738e2966ac": {false, edge.OriginRequestPolicy{
		Name:    "Managed-AllViewerExceptHostHeader",
		Headers: edge.KeyPart{Behavior: "allExcept", Items: []string{"Host"}}, Cookies: everything, QueryStrings: everything,
	}},
}

// cloudFrontHeaders2022 are CloudFront's headers about viewers as of June 2022.
var cloudFrontHeaders2022 = []string{
	"CloudFront-Forwarded-Proto", "CloudFront-Is-Android-Viewer", "CloudFront-Is-Desktop-Viewer", "CloudFront-Is-IOS-Viewer",
	"CloudFront-Is-Mobile-Viewer", "CloudFront-Is-SmartTV-Viewer", "CloudFront-Is-Tablet-Viewer", "CloudFront-Viewer-Address",
	"CloudFront-Viewer-ASN", "CloudFront-Viewer-City", "CloudFront-Viewer-Country", "CloudFront-Viewer-Country-Name",
	"CloudFront-Viewer-Country-Region", "CloudFront-Viewer-Country-Region-Name", "CloudFront-Viewer-Http-Version",
	"CloudFront-Viewer-Latitude", "CloudFront-Viewer-Longitude", "CloudFront-Viewer-Metro-Code", "CloudFront-Viewer-Postal-Code",
	"CloudFront-Viewer-Time-Zone", "CloudFront-Viewer-TLS",
}

func only(headers ...string) edge.KeyPart { return edge.KeyPart{Behavior: "whitelist", Items: headers} }

// managedHeadersPolicies are AWS's own response headers policies, by id (CloudFront Developer Guide, "Use managed response
// headers policies": using-managed-response-headers-policies). Only what overrides the origin's header says so: nosniff.
func managedHeadersPolicies() map[string]edge.ResponseHeadersPolicy {
	security := []edge.PolicyHeader{
		{Name: "Strict-Transport-Security", Value: "max-age=31536000"},
		{Name: "X-Content-Type-Options", Value: "nosniff", Override: true},
		{Name: "X-Frame-Options", Value: "SAMEORIGIN"},
		{Name: "X-XSS-Protection", Value: "1; mode=block"},
		{Name: "Referrer-Policy", Value: "strict-origin-when-cross-origin"},
	}
	any := []string{"*"}
	simple := edge.CORS{AllowOrigins: any}
	preflight := edge.CORS{
		AllowOrigins: any, ExposeHeaders: any,
		AllowMethods: []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"},
	}
	policy := func(name string, set []edge.PolicyHeader, cors *edge.CORS) edge.ResponseHeadersPolicy {
		return edge.ResponseHeadersPolicy{Name: name, Set: slices.Clone(set), CORS: cors}
	}
	return map[string]edge.ResponseHeadersPolicy{
		"67f7725c-6f97-4210-82d7-5512b31e9d03": policy("Managed-SecurityHeadersPolicy", security, nil),
		"60669652-455b-4ae9-85a4-c4c02393f86c": policy("Managed-SimpleCORS", nil, &simple),
		"5cc3b908-e619-4b99-88e5-2cf7f45965bd": policy("Managed-CORS-With-Preflight", nil, &preflight),
		"e61eb60c-9c35-4d20-a928-2b84e02af89c": policy("Managed-CORS-and-SecurityHeadersPolicy", security, &simple),
		"eaab4381-ed33-4a86-88ca-d9558dc6cd63": policy("Managed-CORS-with-preflight-and-SecurityHeadersPolicy",
			security, &preflight),
	}
}
