package template

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Compile returns the configuration of the edge that serves what the template's one distribution would. Parameters that
// are not given have their defaults. A property of a CloudFront resource that the edge does not model, a type of resource
// or a function that is not known, and a reference to nothing are errors (fault.Usage) that name the path and the line.
//
// Rules are not applied: they ask for what only an account needs, such as a certificate.
func Compile(templateYAML []byte, params Parameters) (edge.Config, error) {
	doc, err := parse(templateYAML)
	if err != nil {
		return edge.Config{}, err
	}
	r, err := newResolver(doc, params)
	if err != nil {
		return edge.Config{}, err
	}
	if err := r.check(); err != nil {
		return edge.Config{}, err
	}
	return newCompiler(r).config()
}

// newResolver gives the parameters their values, and knows the resources by name.
func newResolver(doc *document, params Parameters) (*resolver, error) {
	values, err := parameterValues(doc, params)
	if err != nil {
		return nil, err
	}
	r := &resolver{doc: doc, parameters: values, types: map[string]string{}, conditions: map[string]*bool{}}
	for _, e := range doc.resources {
		path := join("Resources", e.name)
		typ := lookup(entries(e.value), "Type")
		if typ == nil {
			return nil, errorAt(e.key, path, "Type is missing")
		}
		if _, ok := resourceTypes[typ.Value]; !ok {
			return nil, errorAt(typ, path, "resource type %s is not modelled", typ.Value)
		}
		r.types[e.name] = typ.Value
	}
	return r, nil
}

// compiler makes the edge's configuration out of resolved resources.
type compiler struct {
	*resolver
	functions       map[string]*edge.Function
	cachePolicies   map[string]edge.CachePolicy
	headersPolicies map[string]edge.ResponseHeadersPolicy
	requestPolicies map[string]edge.OriginRequestPolicy
	distribution    *object
}

func newCompiler(r *resolver) *compiler {
	return &compiler{
		resolver: r, functions: map[string]*edge.Function{}, cachePolicies: map[string]edge.CachePolicy{},
		headersPolicies: map[string]edge.ResponseHeadersPolicy{}, requestPolicies: map[string]edge.OriginRequestPolicy{},
	}
}

func (c *compiler) config() (edge.Config, error) {
	for _, e := range c.doc.resources {
		if !resourceTypes[c.types[e.name]].onEdge {
			continue
		}
		exists, err := c.exists(e.name)
		if err != nil {
			return edge.Config{}, err
		}
		if exists {
			if err := c.resource(e); err != nil {
				return edge.Config{}, err
			}
		}
	}
	if c.distribution == nil {
		return edge.Config{}, fault.New(fault.Usage, "", "template: there is no distribution")
	}
	return c.compileDistribution(c.distribution)
}

// resource compiles one resource of CloudFront. The distribution, which refers to the others, is kept for the end.
func (c *compiler) resource(e entry) error {
	path := join("Resources", e.name)
	node := lookup(entries(e.value), "Properties")
	if node == nil {
		return errorAt(e.key, path, "Properties is missing")
	}
	v, err := c.resolve(node, join(path, "Properties"))
	if err != nil {
		return err
	}
	o := asObject(v)
	switch c.types[e.name] {
	case "AWS::CloudFront::Distribution":
		if c.distribution != nil {
			return errorAt(e.key, path, "a second distribution")
		}
		c.distribution = o
		return nil
	case "AWS::CloudFront::Function":
		return c.compileFunction(e.name, o)
	case "AWS::CloudFront::CachePolicy":
		return c.compileCachePolicy(e.name, o)
	case "AWS::CloudFront::ResponseHeadersPolicy":
		return c.compileHeadersPolicy(e.name, o)
	case "AWS::CloudFront::OriginRequestPolicy":
		return c.compileOriginRequestPolicy(e.name, o)
	case "AWS::CloudFront::OriginAccessControl":
		return compileAccessControl(o)
	default:
		return compileStore(o)
	}
}

// compileFunction reads a function. It must be published, and have the site's store, as every function on the edge has.
func (c *compiler) compileFunction(name string, o *object) error {
	f := &edge.Function{Name: o.needText("Name"), Code: o.needText("FunctionCode")}
	if publish := o.need("AutoPublish"); publish != nil && !o.boolean("AutoPublish") {
		o.fail(publish.errorf("a function that is not published does not run"))
	}
	o.without("Tags")
	config := asObject(o.need("FunctionConfig"))
	config.need("Comment")
	f.Runtime = config.needOneOf("Runtime", "cloudfront-js-2.0", "cloudfront-js-1.0")
	stores := config.items("KeyValueStoreAssociations")
	if len(stores) != 1 && o.err == nil && config.err == nil {
		config.fail(o.v.errorf("a function without exactly one key-value store is not modelled"))
	}
	for _, s := range stores {
		association := asObject(s)
		arn := association.need("KeyValueStoreARN")
		if arn != nil && c.types[arn.resource] != "AWS::CloudFront::KeyValueStore" {
			association.fail(arn.errorf("a key-value store of another stack is not modelled"))
		}
		config.fail(association.done())
	}
	o.fail(config.done())
	c.functions[name] = f
	return o.done()
}

func compileAccessControl(o *object) error {
	config := asObject(o.need("OriginAccessControlConfig"))
	config.need("Name")
	config.without("Description")
	// With any other choice, the bucket refuses the distribution's requests.
	config.needOneOf("OriginAccessControlOriginType", "s3")
	config.needOneOf("SigningBehavior", "always")
	config.needOneOf("SigningProtocol", "sigv4")
	o.fail(config.done())
	return o.done()
}

func compileStore(o *object) error {
	o.needText("Name")
	o.without("Comment", "Tags")
	return o.done()
}

// attributeText is what stands for a resource in text. What a function can see of the distribution and the store has the
// form that it has on AWS, and is the same whenever the same site is compiled.
func (r *resolver) attributeText(name, typ, attribute string) string {
	switch {
	case r.named != nil:
		return r.named(name, typ, attribute)
	case typ == "AWS::CloudFront::Distribution" && attribute == "DomainName":
		return r.distributionDomain()
	case typ == "AWS::CloudFront::Distribution":
		return r.distributionID()
	case typ == "AWS::CloudFront::KeyValueStore" && attribute == "Id":
		return r.storeID()
	}
	return strings.TrimSuffix(name+"."+attribute, ".")
}

func (r *resolver) siteName() string {
	if name, ok := r.parameters[ParamSiteName]; ok {
		return name
	}
	return r.parameters["AWS::StackName"]
}

func (r *resolver) distributionDomain() string { return r.siteName() + ".localhost" }

// distributionID has the form of CloudFront's: an E and thirteen upper-case letters and digits.
func (r *resolver) distributionID() string {
	return "E" + strings.ToUpper(r.hash("distribution")[:13])
}

// storeID has the form of a UUID.
func (r *resolver) storeID() string {
	h := r.hash("store")
	return strings.Join([]string{h[:8], h[8:12], "4" + h[13:16], "8" + h[17:20], h[20:32]}, "-")
}

func (r *resolver) hash(of string) string {
	sum := sha256.Sum256([]byte(of + "\x00" + r.siteName()))
	return hex.EncodeToString(sum[:])
}
