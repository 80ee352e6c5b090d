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
// Developer Guide, "Use managed cache policies"). UseOriginCacheControlHeaders does not: it sends the viewer's Host to the
// origin, which then refuses the signature.
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

// harmlessOriginRequestPolicies are the managed policies that send nothing to the origin that a bucket's answer could
// depend on, but for CORS rules, which the bucket has not (CloudFront Developer Guide, "Use managed origin request
// policies"): CORS-S3Origin and UserAgentRefererHeaders.
var harmlessOriginRequestPolicies = map[string]bool{
	"88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": true,
	"acba4595-bd28-49b8-b9fe-13317c0390fa": true,
}

// managedHeadersPolicies are AWS's own response headers policies, by id (CloudFront Developer Guide, "Use managed response
// headers policies").
func managedHeadersPolicies() map[string]edge.ResponseHeadersPolicy {
	security := []edge.PolicyHeader{
		{Name: "Strict-Transport-Security", Value: "max-age=31536000"},
		{Name: "X-Content-Type-Options", Value: "nosniff", Override: true},
		{Name: "X-Frame-Options", Value: "SAMEORIGIN"},
		{Name: "X-XSS-Protection", Value: "1; mode=block"},
		{Name: "Referrer-Policy", Value: "strict-origin-when-cross-origin"},
	}
	any := []string{"*"}
	simple := edge.CORS{AllowOrigins: any, AllowHeaders: any, AllowMethods: []string{"GET", "HEAD"}}
	preflight := edge.CORS{
		AllowOrigins: any, AllowHeaders: any, ExposeHeaders: any,
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
