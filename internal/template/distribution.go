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

	origins := c.origins(d)
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

// origins reads the origins, which must be buckets of this stack, and returns their ids.
func (c *compiler) origins(d *object) map[string]bool {
	ids := map[string]bool{}
	d.need("Origins")
	for _, v := range d.items("Origins") {
		o := asObject(v)
		ids[o.needText("Id")] = true
		domain := o.need("DomainName")
		if domain != nil && (c.types[domain.resource] != "AWS::S3::Bucket" || domain.attribute == "Arn") {
			o.fail(domain.errorf("an origin that is not a bucket of this stack is not modelled"))
		}
		control := o.need("OriginAccessControlId")
		if control != nil && c.types[control.resource] != "AWS::CloudFront::OriginAccessControl" {
			o.fail(control.errorf("an origin access control of another stack is not modelled"))
		}
		if s3 := asObject(o.need("S3OriginConfig")); s3.v != nil {
			if identity := s3.text("OriginAccessIdentity"); identity != "" {
				s3.fail(s3.v.errorf("an origin access identity beside the origin access control is not modelled"))
			}
			o.fail(s3.done())
		}
		// How CloudFront reaches S3; the edge's origin is a disk.
		o.without("ConnectionAttempts", "ConnectionTimeout", "OriginShield")
		d.fail(o.done())
	}
	return ids
}

// behavior reads what the default behaviour and the others have in common.
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
	for _, v := range b.items("AllowedMethods") {
		b.choice(v, "GET", "HEAD", "OPTIONS")
	}
	// Which of the allowed methods' answers are cached: GET and HEAD always are, OPTIONS never by the edge.
	b.without("CachedMethods")
	if b.err == nil && b.v != nil && !origins[behavior.OriginID] {
		b.fail(b.v.errorf("there is no origin %q", behavior.OriginID))
	}
	if v := b.need("CachePolicyId"); v != nil {
		behavior.CachePolicy = c.cachePolicy(b, v)
	}
	if v := b.get("ResponseHeadersPolicyId"); v != nil {
		behavior.ResponseHeadersPolicy = c.headersPolicy(b, v)
	}
	if v := b.get("OriginRequestPolicyId"); v != nil && !harmlessOriginRequestPolicies[v.text] {
		b.fail(v.errorf("origin request policy %q is not modelled", v.text))
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
