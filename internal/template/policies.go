package template

import (
	"fmt"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
)

// cachePolicy returns the policy of a behaviour: one of this stack, or a managed one.
func (c *compiler) cachePolicy(b *object, v *value, custom bool) edge.CachePolicy {
	policy, ok := c.cachePolicies[v.resource]
	if !ok {
		policy, ok = managedCachePolicies[v.text]
	}
	if !ok && custom {
		policy, ok = managedCachePoliciesWithHost[v.text]
	}
	if !ok {
		b.fail(v.errorf("cache policy %q is neither of this stack nor a managed one that is modelled", v.text))
	}
	return policy
}

// headersPolicy returns the policy of a behaviour: one of this stack, or a managed one.
func (c *compiler) headersPolicy(b *object, v *value) *edge.ResponseHeadersPolicy {
	policy, ok := c.headersPolicies[v.resource]
	if !ok {
		policy, ok = managedHeadersPolicies()[v.text]
	}
	if !ok {
		b.fail(v.errorf("response headers policy %q is neither of this stack nor a managed one that is modelled", v.text))
	}
	return &policy
}

// compileCachePolicy reads a cache policy (CloudFormation Template Reference, "AWS::CloudFront::CachePolicy").
func (c *compiler) compileCachePolicy(name string, o *object) error {
	p := asObject(o.need("CachePolicyConfig"))
	p.without("Comment")
	policy := edge.CachePolicy{Name: p.needText("Name"), MinTTL: seconds(p, "MinTTL"), DefaultTTL: seconds(p, "DefaultTTL"),
		MaxTTL: seconds(p, "MaxTTL")}
	key := asObject(p.need("ParametersInCacheKeyAndForwardedToOrigin"))
	policy.AcceptGzip = key.boolean("EnableAcceptEncodingGzip")
	policy.AcceptBrotli = key.boolean("EnableAcceptEncodingBrotli")
	key.need("EnableAcceptEncodingGzip")
	policy.Headers = keyPart(key, "HeadersConfig", "HeaderBehavior", "Headers", "none", "whitelist")
	policy.Cookies = keyPart(key, "CookiesConfig", "CookieBehavior", "Cookies", "none", "whitelist", "allExcept", "all")
	policy.QueryStrings = keyPart(key, "QueryStringsConfig", "QueryStringBehavior", "QueryStrings",
		"none", "whitelist", "allExcept", "all")
	p.fail(key.done())
	o.fail(p.done())
	c.cachePolicies[name] = policy
	return o.done()
}

func seconds(o *object, name string) time.Duration {
	o.need(name)
	n := o.number(name, 0)
	if n > maxTTL {
		o.fail(o.v.fields[name].errorf("more than %d seconds", int64(maxTTL)))
		return 0
	}
	return time.Duration(n) * time.Second
}

// maxTTL is the longest time that CloudFront takes, in seconds; a hundred years.
const maxTTL = 3_153_600_000

func keyPart(key *object, config, behavior, items string, choices ...string) edge.KeyPart {
	o := asObject(key.need(config))
	part := edge.KeyPart{Behavior: o.needOneOf(behavior, choices...), Items: o.texts(items)}
	key.fail(o.done())
	return part
}

// compileHeadersPolicy reads a response headers policy (CloudFormation Template Reference,
// "AWS::CloudFront::ResponseHeadersPolicy").
func (c *compiler) compileHeadersPolicy(name string, o *object) error {
	p := asObject(o.need("ResponseHeadersPolicyConfig"))
	p.without("Comment")
	policy := edge.ResponseHeadersPolicy{Name: p.needText("Name")}
	if security := p.inner("SecurityHeadersConfig"); security != nil {
		policy.Set = securityHeaders(security)
		p.fail(security.done())
	}
	if custom := p.inner("CustomHeadersConfig"); custom != nil {
		for _, v := range custom.items("Items") {
			h := asObject(v)
			policy.Set = append(policy.Set, edge.PolicyHeader{
				Name: h.needText("Header"), Value: h.needText("Value"), Override: h.boolean("Override"),
			})
			h.need("Override")
			custom.fail(h.done())
		}
		p.fail(custom.done())
	}
	if remove := p.inner("RemoveHeadersConfig"); remove != nil {
		for _, v := range remove.items("Items") {
			h := asObject(v)
			policy.Remove = append(policy.Remove, h.needText("Header"))
			remove.fail(h.done())
		}
		p.fail(remove.done())
	}
	if timing := p.inner("ServerTimingHeadersConfig"); timing != nil {
		policy.ServerTimingRate = serverTiming(timing)
		p.fail(timing.done())
	}
	if cors := p.inner("CorsConfig"); cors != nil {
		policy.CORS = corsConfig(cors)
		p.fail(cors.done())
	}
	o.fail(p.done())
	c.headersPolicies[name] = policy
	return o.done()
}

// securityHeaders returns the headers of a SecurityHeadersConfig, in the order of CloudFront's console.
func securityHeaders(o *object) []edge.PolicyHeader {
	var set []edge.PolicyHeader
	add := func(section, header string, read func(*object) string) {
		s := o.inner(section)
		if s == nil {
			return
		}
		text := read(s)
		s.need("Override")
		set = append(set, edge.PolicyHeader{Name: header, Value: text, Override: s.boolean("Override")})
		o.fail(s.done())
	}
	add("StrictTransportSecurity", "Strict-Transport-Security", hsts)
	add("ContentTypeOptions", "X-Content-Type-Options", func(*object) string { return "nosniff" })
	add("FrameOptions", "X-Frame-Options", func(s *object) string { return s.needOneOf("FrameOption", "DENY", "SAMEORIGIN") })
	add("XSSProtection", "X-XSS-Protection", xssProtection)
	add("ReferrerPolicy", "Referrer-Policy", func(s *object) string { return s.needText("ReferrerPolicy") })
	add("ContentSecurityPolicy", "Content-Security-Policy",
		func(s *object) string { return s.needText("ContentSecurityPolicy") })
	return set
}

func hsts(s *object) string {
	s.need("AccessControlMaxAgeSec")
	text := fmt.Sprintf("max-age=%d", s.number("AccessControlMaxAgeSec", 0))
	if s.boolean("IncludeSubdomains") {
		text += "; includeSubDomains"
	}
	if s.boolean("Preload") {
		text += "; preload"
	}
	return text
}

func xssProtection(s *object) string {
	s.need("Protection")
	if !s.boolean("Protection") {
		s.without("ModeBlock", "ReportUri")
		return "0"
	}
	text := "1"
	if s.boolean("ModeBlock") {
		text += "; mode=block"
	}
	if uri := s.text("ReportUri"); uri != "" {
		text += "; report=" + uri
	}
	return text
}

func serverTiming(o *object) float64 {
	o.need("Enabled")
	enabled := o.boolean("Enabled")
	rate := 100.0
	if v := o.get("SamplingRate"); v != nil {
		if _, err := fmt.Sscanf(strings.TrimSpace(v.text), "%g", &rate); err != nil || rate < 0 || rate > 100 {
			o.fail(v.errorf("%q is not a percentage", v.text))
		}
	}
	if !enabled {
		return 0
	}
	return rate
}

func corsConfig(o *object) *edge.CORS {
	list := func(name string) []string {
		inner := o.inner(name)
		if inner == nil {
			return nil
		}
		texts := inner.texts("Items")
		o.fail(inner.done())
		return texts
	}
	for _, name := range []string{"AccessControlAllowCredentials", "AccessControlAllowHeaders", "AccessControlAllowMethods",
		"AccessControlAllowOrigins", "OriginOverride"} {
		o.need(name)
	}
	cors := &edge.CORS{
		AllowCredentials: o.boolean("AccessControlAllowCredentials"),
		AllowHeaders:     list("AccessControlAllowHeaders"),
		AllowMethods:     list("AccessControlAllowMethods"),
		AllowOrigins:     list("AccessControlAllowOrigins"),
		ExposeHeaders:    list("AccessControlExposeHeaders"),
		MaxAge:           time.Duration(min(o.number("AccessControlMaxAgeSec", 0), maxTTL)) * time.Second,
		Override:         o.boolean("OriginOverride"),
	}
	return cors
}
