// Package edge does on one machine what a CloudFront distribution does: it matches a request to a cache behaviour, runs
// the behaviour's functions, reads the object from the origin, and answers with the headers, the compression and the
// error pages that CloudFront would send.
package edge

import (
	"context"
	"io"
	"slices"
	"time"
)

// Config is a distribution. internal/template compiles it from the CloudFormation template; the edge never sees YAML.
// Field names and meanings are those of CloudFront's DistributionConfig.
type Config struct {
	// ID and DomainName are what functions see in the event's context.
	ID, DomainName string
	// Aliases are the alternate domain names.
	Aliases           []string
	DefaultRootObject string
	// Behaviors in order; the first whose PathPattern matches wins. The last one is the default, with an empty pattern.
	Behaviors []Behavior
	// ErrorPages are the custom error responses.
	ErrorPages []ErrorPage
	// CustomOrigins are the origins that are HTTP servers. Buckets are in Options.Origins; no id is in both.
	CustomOrigins []CustomOrigin
	// OriginGroups are pairs of origins; a behaviour's OriginID may be that of a group.
	OriginGroups []OriginGroup
}

// OriginGroup is a primary and a secondary origin (Developer Guide, high_availability_origin_failover).
type OriginGroup struct {
	ID string
	// Members are the ids of the primary and of the secondary origin.
	Members [2]string
	// StatusCodes are those of the primary origin that let the secondary one answer; that the primary one cannot be reached, or
	// does not answer in time, always does.
	StatusCodes []int
}

// BucketOrigins returns the ids of the origins that are buckets, which Options.Origins has to have: those that behaviours
// and origin groups name and that are no custom ones.
func (c *Config) BucketOrigins() []string {
	var ids []string
	add := func(id string) {
		custom := slices.ContainsFunc(c.CustomOrigins, func(o CustomOrigin) bool { return o.ID == id })
		group := slices.ContainsFunc(c.OriginGroups, func(g OriginGroup) bool { return g.ID == id })
		if !custom && !group && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, b := range c.Behaviors {
		add(b.OriginID)
	}
	for _, g := range c.OriginGroups {
		add(g.Members[0])
		add(g.Members[1])
	}
	return ids
}

// CustomOrigin is an origin that is an HTTP server. What is zero has CloudFront's default.
type CustomOrigin struct {
	ID, DomainName string
	// Path is put before the URI: empty, or with a slash at its beginning and none at its end.
	Path string
	// ProtocolPolicy is http-only, https-only or match-viewer (the default).
	ProtocolPolicy string
	// HTTPPort and HTTPSPort are 80 and 443 by default.
	HTTPPort, HTTPSPort int
	// ConnectionAttempts is 3 by default, ConnectionTimeout 10 s, ReadTimeout 30 s, KeepaliveTimeout 5 s.
	ConnectionAttempts                               int
	ConnectionTimeout, ReadTimeout, KeepaliveTimeout time.Duration
	// Headers are sent with each request, in place of the viewer's of the same name.
	Headers map[string]string
}

// Behavior is a cache behaviour.
type Behavior struct {
	// PathPattern is matched against the viewer's URI, case-sensitive, with * and ?; empty for the default behaviour.
	PathPattern string
	// AllowedMethods are the methods that are served; others get 405 (CloudFront itself answers 403).
	AllowedMethods []string
	// CachesOptions keeps a custom origin's answers to OPTIONS, apart from those to GET and HEAD; CachedMethods says so.
	CachesOptions bool
	// OriginID names the origin, as the template's distribution does.
	OriginID string
	// Compress turns on gzip and brotli; the cache policy must accept the encodings too.
	Compress bool
	// ViewerProtocolPolicy is allow-all, redirect-to-https or https-only.
	ViewerProtocolPolicy string
	CachePolicy          CachePolicy
	// OriginRequestPolicy is nil if there is none. It matters to custom origins only: a bucket looks at nothing but the key.
	OriginRequestPolicy *OriginRequestPolicy
	// ResponseHeadersPolicy is nil if there is none.
	ResponseHeadersPolicy *ResponseHeadersPolicy
	// ViewerRequest and ViewerResponse are the functions of the behaviour; nil if there is none.
	ViewerRequest, ViewerResponse *Function
}

// Function is the code of a CloudFront Function.
type Function struct {
	Name string
	Code string
	// Runtime is cloudfront-js-2.0 or cloudfront-js-1.0.
	Runtime string
}

// CachePolicy is a CloudFront cache policy.
type CachePolicy struct {
	Name                           string
	MinTTL, DefaultTTL, MaxTTL     time.Duration
	AcceptGzip, AcceptBrotli       bool
	Headers, Cookies, QueryStrings KeyPart
}

// KeyPart says which entries of one kind are part of the cache key and are sent to the origin.
type KeyPart struct {
	// Behavior is none, whitelist, allExcept or all.
	Behavior string
	Items    []string
}

// OriginRequestPolicy says what of a request is sent to a custom origin, beside what the cache policy takes.
type OriginRequestPolicy struct {
	Name string
	// Headers.Behavior is none, whitelist, allExcept, allViewer or allViewerAndWhitelistCloudFront.
	Headers, Cookies, QueryStrings KeyPart
}

// ResponseHeadersPolicy is a CloudFront response headers policy.
type ResponseHeadersPolicy struct {
	Name string
	// Set are headers to add; with Override they replace what the origin sent.
	Set []PolicyHeader
	// Remove names headers to remove from the origin's answer.
	Remove []string
	CORS   *CORS
	// ServerTimingRate is the share of requests, 0 to 100, that get a Server-Timing header.
	ServerTimingRate float64
}

// PolicyHeader is one header of a response headers policy.
type PolicyHeader struct {
	Name, Value string
	Override    bool
}

// CORS is the CORS part of a response headers policy.
type CORS struct {
	AllowCredentials            bool
	AllowHeaders, AllowMethods  []string
	AllowOrigins, ExposeHeaders []string
	MaxAge                      time.Duration
	Override                    bool
}

// ErrorPage is a custom error response: what is sent for a status of the origin.
type ErrorPage struct {
	// Status is the origin's; ResponseStatus and PagePath are what the viewer gets (both zero: the origin's own answer).
	Status, ResponseStatus int
	PagePath               string
	// MinTTL is how long the error is cached.
	MinTTL time.Duration
}

// Object is what an origin holds under a key.
type Object struct {
	// Body is positioned at the start. The edge closes it.
	Body         io.ReadSeekCloser
	Size         int64
	ContentType  string
	CacheControl string
	// ETag is quoted, as in the header.
	ETag     string
	Modified time.Time
}

// Origin is where a behaviour's objects come from. The key is the rewritten URI, percent-decoded, without the leading slash.
type Origin interface {
	// Get returns the object, or an error for which errors.Is(err, fs.ErrNotExist) holds if there is none.
	Get(ctx context.Context, key string) (*Object, error)
}
