package template

import (
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
)

// compileDistribution reads the distribution (CloudFormation Template Reference, "AWS::CloudFront::Distribution
// DistributionConfig").
func (c *compiler) compileDistribution(o *object) (edge.Config, error) {
	d := asObject(o.need("DistributionConfig"))
	o.without("Tags")
	config := edge.Config{
		ID:                c.distributionID(),
		DomainName:        c.distributionDomain(),
		Aliases:           d.texts("Aliases"),
		DefaultRootObject: d.text("DefaultRootObject"),
	}
	if enabled := d.need("Enabled"); enabled != nil && !d.boolean("Enabled") {
		d.fail(enabled.errorf("a distribution that is not enabled answers nothing"))
	}
	// Said of the distribution, or about how and where viewers connect to CloudFront; the edge has its own listener.
	d.without("Comment", "HttpVersion", "IPV6Enabled", "PriceClass", "ViewerCertificate")
	// Measured, not answered.
	d.without("Logging")

	var origins map[string]bool
	origins, config.CustomOrigins = c.origins(d)
	config.OriginGroups = originGroups(d, origins)
	for _, v := range d.items("CacheBehaviors") {
		b := asObject(v)
		pattern := b.needText("PathPattern")
		if pattern == "" {
			b.fail(v.errorf("PathPattern is empty"))
		}
		behavior := c.behavior(b, origins)
		behavior.PathPattern = pattern
		d.fail(b.done())
		config.Behaviors = append(config.Behaviors, behavior)
	}
	standard := asObject(d.need("DefaultCacheBehavior"))
	config.Behaviors = append(config.Behaviors, c.behavior(standard, origins))
	d.fail(standard.done())
	config.ErrorPages = errorPages(d)
	o.fail(d.done())
	if err := o.done(); err != nil {
		return edge.Config{}, err
	}
	return config, nil
}

// behavior reads what the default behaviour and the others have in common. origins says of each origin's id whether it is
// a custom one.
func (c *compiler) behavior(b *object, origins map[string]bool) edge.Behavior {
	behavior := edge.Behavior{
		AllowedMethods:       b.texts("AllowedMethods"),
		OriginID:             b.needText("TargetOriginId"),
		Compress:             b.boolean("Compress"),
		ViewerProtocolPolicy: b.needOneOf("ViewerProtocolPolicy", "allow-all", "redirect-to-https", "https-only"),
	}
	if behavior.AllowedMethods == nil { // CloudFront's default
		behavior.AllowedMethods = []string{"GET", "HEAD"}
	}
	custom, known := origins[behavior.OriginID]
	if b.err == nil && b.v != nil && !known {
		b.fail(b.v.errorf("there is no origin %q", behavior.OriginID))
	}
	methods := []string{"GET", "HEAD", "OPTIONS"}
	if custom {
		methods = append(methods, "PUT", "PATCH", "POST", "DELETE")
	}
	for _, v := range b.items("AllowedMethods") {
		b.choice(v, methods...)
	}
	for _, v := range b.items("CachedMethods") { // GET and HEAD always are
		if b.choice(v, "GET", "HEAD", "OPTIONS") == "OPTIONS" {
			behavior.CachesOptions = true
		}
	}
	if v := b.need("CachePolicyId"); v != nil {
		behavior.CachePolicy = c.cachePolicy(b, v, custom)
	}
	if v := b.get("ResponseHeadersPolicyId"); v != nil {
		behavior.ResponseHeadersPolicy = c.headersPolicy(b, v)
	}
	if v := b.get("OriginRequestPolicyId"); v != nil {
		behavior.OriginRequestPolicy = c.originRequestPolicy(b, v, custom)
	}
	c.associations(b, &behavior)
	return behavior
}

// associations reads the functions of a behaviour.
func (c *compiler) associations(b *object, behavior *edge.Behavior) {
	for _, v := range b.items("FunctionAssociations") {
		a := asObject(v)
		event := a.needOneOf("EventType", "viewer-request", "viewer-response")
		arn := a.need("FunctionARN")
		b.fail(a.done())
		if b.err != nil {
			return
		}
		f := c.functions[arn.resource]
		slot := &behavior.ViewerRequest
		if event == "viewer-response" {
			slot = &behavior.ViewerResponse
		}
		switch {
		case f == nil || arn.attribute == "Stage":
			b.fail(arn.errorf("a function of another stack is not modelled"))
		case *slot != nil:
			b.fail(v.errorf("a second %s function", event))
		}
		*slot = f
	}
}

// errorPages reads the custom error responses. CloudFront caches an error for 10 seconds unless told otherwise (CloudFront
// Developer Guide, "How CloudFront caches HTTP 4xx and 5xx status codes").
func errorPages(d *object) []edge.ErrorPage {
	var pages []edge.ErrorPage
	for _, v := range d.items("CustomErrorResponses") {
		o := asObject(v)
		o.need("ErrorCode")
		page := edge.ErrorPage{
			Status:         int(o.number("ErrorCode", 0)),
			ResponseStatus: int(o.number("ResponseCode", 0)),
			PagePath:       o.text("ResponsePagePath"),
			MinTTL:         time.Duration(o.number("ErrorCachingMinTTL", 10)) * time.Second,
		}
		if (page.ResponseStatus == 0) != (page.PagePath == "") {
			o.fail(v.errorf("ResponseCode and ResponsePagePath go together"))
		}
		d.fail(o.done())
		pages = append(pages, page)
	}
	return pages
}
