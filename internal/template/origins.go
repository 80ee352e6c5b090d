package template

import (
	"slices"
	"strconv"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
)

// origins reads the origins: buckets of this stack, and custom origins. It returns the ids of all, each with whether it is
// a custom one, and what the edge needs to know of those.
func (c *compiler) origins(d *object) (custom map[string]bool, list []edge.CustomOrigin) {
	custom = map[string]bool{}
	d.need("Origins")
	for _, v := range d.items("Origins") {
		o := asObject(v)
		id := o.needText("Id")
		if _, twice := custom[id]; twice {
			o.fail(v.errorf("a second origin %q", id))
		}
		if config := o.inner("CustomOriginConfig"); config != nil {
			custom[id] = true
			list = append(list, c.customOrigin(id, o, config))
		} else {
			custom[id] = false
			c.bucketOrigin(o)
		}
		d.fail(o.done())
	}
	return custom, list
}

// originGroups reads the origin groups (CloudFormation Template Reference, "AWS::CloudFront::Distribution OriginGroup"), and adds
// them to the origins that behaviours may name. A group counts as custom if both of its members are.
func originGroups(d *object, origins map[string]bool) []edge.OriginGroup {
	list := d.inner("OriginGroups")
	if list == nil {
		return nil
	}
	var groups []edge.OriginGroup
	for _, v := range counted(list, "groups") {
		o := asObject(v)
		group := edge.OriginGroup{ID: o.needText("Id"), StatusCodes: failoverStatuses(o)}
		if _, twice := origins[group.ID]; twice {
			o.fail(v.errorf("a second origin %q", group.ID))
		}
		if s := o.get("SelectionCriteria"); s != nil && s.text != "default" {
			o.fail(s.errorf("a selection by media quality is not modelled"))
		}
		var custom bool
		group.Members, custom = groupMembers(o, origins)
		list.fail(o.done())
		origins[group.ID] = custom
		groups = append(groups, group)
	}
	d.fail(list.done())
	return groups
}

// counted returns the items of a list that says how many there are.
func counted(o *object, what string) []*value {
	items := o.items("Items")
	if quantity := o.need("Quantity"); quantity != nil && o.number("Quantity", 0) != int64(len(items)) {
		o.fail(quantity.errorf("there are %d %s", len(items), what))
	}
	return items
}

func failoverStatuses(group *object) (statuses []int) {
	criteria := asObject(group.need("FailoverCriteria"))
	codes := asObject(criteria.need("StatusCodes"))
	for _, code := range counted(codes, "status codes") {
		n, err := strconv.Atoi(code.text)
		if err != nil || !slices.Contains(failoverCodes, n) {
			codes.fail(code.errorf("%q is not a status that an origin group fails over for", code.text))
		}
		statuses = append(statuses, n)
	}
	criteria.fail(codes.done())
	group.fail(criteria.done())
	return statuses
}

func groupMembers(group *object, origins map[string]bool) (ids [2]string, custom bool) {
	members := asObject(group.need("Members"))
	items := counted(members, "members")
	custom = true
	for i, m := range items {
		member := asObject(m)
		id := member.needText("OriginId")
		isCustom, known := origins[id]
		if !known && member.err == nil {
			member.fail(m.errorf("there is no origin %q", id))
		}
		custom = custom && isCustom
		if i < len(ids) {
			ids[i] = id
		}
		members.fail(member.done())
	}
	if members.v != nil && len(items) != len(ids) {
		members.fail(members.v.errorf("an origin group has two members"))
	}
	group.fail(members.done())
	return ids, custom
}

// failoverCodes are the statuses that a group may fail over for (CloudFront Developer Guide, "Create an origin group").
var failoverCodes = []int{400, 403, 404, 416, 429, 500, 502, 503, 504}

// bucketOrigin checks an origin that is the site's bucket.
func (c *compiler) bucketOrigin(o *object) {
	domain := o.need("DomainName")
	if domain != nil && (c.types[domain.resource] != "AWS::S3::Bucket" || domain.attribute == "Arn") {
		o.fail(domain.errorf("an origin that is not a bucket of this stack, and has no CustomOriginConfig, is not modelled"))
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
}

// customOrigin reads an origin that is an HTTP server (CloudFormation Template Reference, "AWS::CloudFront::Distribution
// CustomOriginConfig"). The bounds are those of the Developer Guide, "All distribution settings reference".
func (c *compiler) customOrigin(id string, o, config *object) edge.CustomOrigin {
	domain := o.need("DomainName")
	if domain != nil && domain.resource != "" {
		o.fail(domain.errorf("a custom origin that is a resource of this stack is not modelled; give its domain name"))
	}
	origin := edge.CustomOrigin{
		ID: id, DomainName: o.needText("DomainName"), Path: o.text("OriginPath"),
		ProtocolPolicy:     config.needOneOf("OriginProtocolPolicy", "http-only", "https-only", "match-viewer"),
		HTTPPort:           int(bounded(config, "HTTPPort", 1, 65535)),
		HTTPSPort:          int(bounded(config, "HTTPSPort", 1, 65535)),
		ReadTimeout:        time.Duration(bounded(config, "OriginReadTimeout", 1, 120)) * time.Second,
		KeepaliveTimeout:   time.Duration(bounded(config, "OriginKeepaliveTimeout", 1, 120)) * time.Second,
		ConnectionAttempts: int(bounded(o, "ConnectionAttempts", 1, 3)),
		ConnectionTimeout:  time.Duration(bounded(o, "ConnectionTimeout", 1, 10)) * time.Second,
	}
	if p := o.get("OriginPath"); p != nil && origin.Path != "" && (origin.Path[0] != '/' || origin.Path[len(origin.Path)-1] == '/') {
		o.fail(p.errorf("%q must begin with a slash and not end with one", origin.Path))
	}
	for _, v := range o.items("OriginCustomHeaders") {
		h := asObject(v)
		if origin.Headers == nil {
			origin.Headers = map[string]string{}
		}
		origin.Headers[h.needText("HeaderName")] = h.text("HeaderValue")
		o.fail(h.done())
	}
	// Which versions of TLS and IP are spoken; the edge speaks what both sides know.
	config.without("OriginSSLProtocols", "IpAddressType")
	// A second cache between the edge and the origin.
	o.without("OriginShield")
	o.fail(config.done())
	return origin
}

// bounded returns a property's number, which must lie within bounds; 0, for CloudFront's default, if it is not there.
func bounded(o *object, name string, least, most int64) int64 {
	v := o.get(name)
	if v == nil {
		return 0
	}
	n := o.number(name, 0)
	if o.err == nil && (n < least || n > most) {
		o.fail(v.errorf("%d is not from %d to %d", n, least, most))
	}
	return n
}

// originRequestPolicy returns the policy of a behaviour: one of this stack, or a managed one.
func (c *compiler) originRequestPolicy(b *object, v *value, custom bool) *edge.OriginRequestPolicy {
	if policy, ok := c.requestPolicies[v.resource]; ok {
		if !custom {
			b.fail(v.errorf("an origin request policy of one's own before a bucket is not modelled"))
		}
		return &policy
	}
	managed, ok := managedOriginRequestPolicies[v.text]
	if !ok || !custom && !managed.bucket {
		b.fail(v.errorf("origin request policy %q is not modelled for this origin", v.text))
	}
	return &managed.policy
}

// compileOriginRequestPolicy reads an origin request policy (CloudFormation Template Reference,
// "AWS::CloudFront::OriginRequestPolicy").
func (c *compiler) compileOriginRequestPolicy(name string, o *object) error {
	p := asObject(o.need("OriginRequestPolicyConfig"))
	p.without("Comment")
	policy := edge.OriginRequestPolicy{Name: p.needText("Name")}
	policy.Headers = keyPart(p, "HeadersConfig", "HeaderBehavior", "Headers",
		"none", "whitelist", "allExcept", "allViewer", "allViewerAndWhitelistCloudFront")
	policy.Cookies = keyPart(p, "CookiesConfig", "CookieBehavior", "Cookies", "none", "whitelist", "allExcept", "all")
	policy.QueryStrings = keyPart(p, "QueryStringsConfig", "QueryStringBehavior", "QueryStrings",
		"none", "whitelist", "allExcept", "all")
	o.fail(p.done())
	c.requestPolicies[name] = policy
	return o.done()
}
