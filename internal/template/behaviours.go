package template

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// The lines of hosting.yaml that the user's own origins and behaviours follow. The error pages' behaviour comes first: no
// pattern of the user's hides them.
const (
	lastOrigin    = "            S3OriginConfig: {OriginAccessIdentity: ''}\n"
	lastBehaviour = "            ResponseHeadersPolicyId: 67f7725c-6f97-4210-82d7-5512b31e9d03 # SecurityHeadersPolicy\n"
)

// withBehaviours puts the user's own behaviours, and the origins that they name, into the distribution.
func withBehaviours(template []byte, behaviours []site.Behaviour) ([]byte, error) {
	if len(behaviours) == 0 {
		return template, nil
	}
	var origins, list strings.Builder
	known := map[string]string{}
	for _, b := range behaviours {
		b = b.WithDefaults()
		id := OriginID
		if b.Origin != "" {
			text, err := originText(b)
			if err != nil {
				return nil, err
			}
			if id = known[text]; id == "" {
				id = originName(b.Origin, known)
				known[text] = id
				origins.WriteString("          - Id: " + quote(id) + "\n" + text)
			}
		}
		list.WriteString(behaviourText(b, id))
	}
	for anchor, text := range map[string]string{lastOrigin: origins.String(), lastBehaviour: list.String()} {
		i := bytes.Index(template, []byte(anchor))
		if i < 0 || bytes.Count(template, []byte(anchor)) != 1 {
			return nil, fmt.Errorf("hosting.yaml: not one line %q", strings.TrimSpace(anchor))
		}
		i += len(anchor)
		template = slices.Concat(template[:i], []byte(text), template[i:])
	}
	return template, nil
}

// originText is an origin without its id, as lines of YAML.
func originText(b site.Behaviour) (string, error) {
	u, err := url.Parse(b.Origin)
	if err != nil {
		return "", fmt.Errorf("origin of %s: %w", b.Path, err)
	}
	var t strings.Builder
	line := func(indent int, name, value string) {
		t.WriteString(strings.Repeat(" ", indent) + name + ": " + value + "\n")
	}
	number := func(indent int, name string, n int) {
		if n > 0 {
			line(indent, name, strconv.Itoa(n))
		}
	}
	line(12, "DomainName", quote(u.Hostname()))
	if path := strings.TrimRight(u.EscapedPath(), "/"); path != "" {
		line(12, "OriginPath", quote(path))
	}
	number(12, "ConnectionAttempts", b.ConnectionAttempts)
	number(12, "ConnectionTimeout", b.ConnectionTimeoutSeconds)
	t.WriteString("            CustomOriginConfig:\n")
	line(14, "OriginProtocolPolicy", u.Scheme+"-only")
	if port := u.Port(); port != "" {
		line(14, strings.ToUpper(u.Scheme)+"Port", port)
	}
	line(14, "OriginSSLProtocols", "[TLSv1.2]")
	number(14, "OriginReadTimeout", b.ReadTimeoutSeconds)
	number(14, "OriginKeepaliveTimeout", b.KeepaliveSeconds)
	return t.String(), nil
}

// originName is an id for an origin that no other one has: its host, with a number if need be.
func originName(origin string, known map[string]string) string {
	u, _ := url.Parse(origin) // it was parsed before
	taken := map[string]bool{OriginID: true}
	for _, id := range known {
		taken[id] = true
	}
	const most = 100 // of the 128 characters that an id may have
	host := u.Host[:min(len(u.Host), most)]
	name := host
	for n := 2; taken[name]; n++ {
		name = host + "-" + strconv.Itoa(n)
	}
	return name
}

// behaviourText is a behaviour with all its settings, as lines of YAML.
func behaviourText(b site.Behaviour, origin string) string {
	var t strings.Builder
	line := func(name, value string) { t.WriteString("            " + name + ": " + value + "\n") }
	t.WriteString("          - PathPattern: " + quote(b.Path) + "\n")
	line("TargetOriginId", quote(origin))
	line("ViewerProtocolPolicy", b.ViewerProtocolPolicy)
	line("AllowedMethods", "["+strings.Join(b.AllowedMethods, ", ")+"]")
	line("CachedMethods", "[GET, HEAD]")
	line("Compress", strconv.FormatBool(*b.Compress))
	for _, p := range []struct{ property, name string }{
		{"CachePolicyId", b.CachePolicy}, {"OriginRequestPolicyId", b.OriginRequestPolicy},
		{"ResponseHeadersPolicyId", b.ResponseHeadersPolicy},
	} {
		if p.name != site.NoPolicy {
			line(p.property, managedIDs[p.name]+" # "+p.name)
		}
	}
	if *b.Function {
		line("FunctionAssociations", "[{EventType: viewer-request, FunctionARN: !GetAtt ViewerRequestFunction.FunctionARN}]")
	}
	return t.String()
}

// managedIDs are the ids of the managed policies by the names that the configuration has for them.
var managedIDs = func() map[string]string {
	ids := map[string]string{}
	add := func(id, name string) { ids[strings.TrimPrefix(name, managedPrefix)] = id }
	for id, p := range managedCachePolicies {
		add(id, p.Name)
	}
	for id, p := range managedCachePoliciesWithHost {
		add(id, p.Name)
	}
	for id, p := range managedOriginRequestPolicies {
		add(id, p.policy.Name)
	}
	for id, p := range managedHeadersPolicies() {
		add(id, p.Name)
	}
	return ids
}()

const managedPrefix = "Managed-"
