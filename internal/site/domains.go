package site

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Limits of a site's names. A distribution has 100 alternate domain names at most, unless AWS raises the quota (CloudFront
// Developer Guide, "Quotas"); they travel in one parameter of the template, which holds 4,096 bytes (CloudFormation User
// Guide, "Understand CloudFormation quotas").
const (
	maxNames     = 100
	maxNamesText = 4096
)

// Partner is what happens with the www partner of a site's name.
type Partner string

// The empty Partner means PartnerRedirect.
const (
	// PartnerRedirect serves the partner too, and redirects its viewers to the name that is configured.
	PartnerRedirect Partner = "redirect"
	// PartnerNone leaves the partner to whoever has it.
	PartnerNone Partner = "none"
)

// Name is a host name that a site answers to, in lower case, without a final dot.
type Name struct {
	Host string
	// RedirectTo is the configured name to which viewers of Host are redirected; empty if Host serves the site.
	RedirectTo string
}

// Names are the host names that the site answers to: the configured ones in their order, each followed by its www partner.
// Only the apex of a domain has one, www.<apex>, and the www of an apex, which is the apex. A partner that is configured
// itself is not redirected. No host comes twice. It is empty for a site without a domain.
func (s *Site) Names() []Name { return s.Config.Names() }

// Names are the host names of a site with this configuration, see Site.Names.
func (c Config) Names() []Name {
	var names []Name
	known := map[string]bool{}
	configured := c.domains()
	for _, host := range configured {
		known[host] = true
	}
	for i, host := range configured {
		if slices.Contains(configured[:i], host) {
			continue
		}
		names = append(names, Name{Host: host})
		if partner := wwwPartner(host); partner != "" && c.WWWPartner != PartnerNone && !known[partner] {
			known[partner] = true
			names = append(names, Name{Host: partner, RedirectTo: host})
		}
	}
	return names
}

// domains are the configured names, in lower case.
func (c Config) domains() []string {
	var hosts []string
	for _, host := range append([]string{c.DomainName}, c.DomainNames...) {
		if host != "" {
			hosts = append(hosts, strings.ToLower(host))
		}
	}
	return hosts
}

// wwwPartner is www.<host> for the apex of a domain, the apex for its www, and "" for any other name. An apex is one label
// below a public suffix, as example.co.uk is.
func wwwPartner(host string) string {
	if apex, ok := strings.CutPrefix(host, "www."); ok {
		if isApex(apex) {
			return apex
		}
		return ""
	}
	if isApex(host) {
		return "www." + host
	}
	return ""
}

func isApex(host string) bool {
	apex, err := publicsuffix.EffectiveTLDPlusOne(host)
	return err == nil && apex == host
}

// SplitDomains are the names in a text that separates them by commas or spaces, in lower case, and international ones in
// the form that DNS has (xn--…). It does not judge them: Validate does.
func SplitDomains(text string) []string {
	names := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' })
	for i, name := range names {
		if ascii := asciiName(name); ascii != "" {
			names[i] = ascii
		}
	}
	return names
}

// asciiName is an international name in the form that DNS has; "" if it has none, or is not international.
func asciiName(name string) string {
	if !international(name) {
		return ""
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil || international(ascii) {
		return ""
	}
	return ascii
}

func international(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return r > 0x7e })
}

// domainProblems checks the site's names and its zone.
func (c Config) domainProblems() (found []problem) {
	add := func(key, hint, format string, args ...any) {
		found = append(found, problem{key, fmt.Sprintf("%q: ", key) + fmt.Sprintf(format, args...), hint})
	}
	check := func(key, name string) {
		if why, hint := domainProblem(name); why != "" {
			add(key, hint, "%q is not a domain name: %s", name, why)
		}
	}
	if c.DomainName != "" {
		check("domainName", c.DomainName)
	} else if len(c.DomainNames) > 0 {
		add("domainNames", `put the name that the site is known by into "domainName"`, `further names need a "domainName"`)
	}
	for _, name := range c.DomainNames {
		check("domainNames", name)
	}
	hosts := c.domains()
	for i, host := range hosts {
		if slices.Contains(hosts[:i], host) {
			add("domainNames", "remove one of them", "%q is given twice", host)
		}
	}
	length, names := 0, c.Names()
	for _, n := range names {
		length += len(n.Host) + 1
	}
	switch {
	case len(names) > maxNames:
		add("domainNames", `a second site takes further names; "wwwPartner": "none" leaves out the www partners`,
			"%d names with their www partners, and a CloudFront distribution takes %d", len(names), maxNames)
	case length > maxNamesText:
		add("domainNames", "a second site takes further names",
			"%d characters with their www partners, and CloudFormation takes %d", length, maxNamesText)
	}
	switch c.WWWPartner {
	case "", PartnerRedirect, PartnerNone:
	default:
		add("wwwPartner", "", "expected %q or %q, found %q", PartnerRedirect, PartnerNone, c.WWWPartner)
	}
	switch {
	case c.HostedZoneID == "":
	case !zoneID.MatchString(c.HostedZoneID):
		add("hostedZoneId", "list the zones with: aws route53 list-hosted-zones",
			"expected the id of a hosted zone, like Z0123456789ABCDEFGHIJ, found %q", c.HostedZoneID)
	case c.DomainName == "":
		add("hostedZoneId", `add "domainName", or remove "hostedZoneId"`, `a hosted zone needs a "domainName"`)
	}
	return found
}

// maxDomain is how long a name may be (RFC 1035, section 2.3.4, as text).
const maxDomain = 253

// domainProblem says why a name cannot be one of the site's, and what to do; "" if it can.
func domainProblem(name string) (why, hint string) {
	hint = "write the bare name, like www.example.com"
	switch {
	case name == "":
		return "it is empty", hint
	case strings.Contains(name, "://"):
		return "it is a URL", hint
	case strings.Contains(name, "*"):
		return "wildcards are not supported", "write each name that the site shall answer to"
	case strings.HasSuffix(name, "."):
		return "it ends with a dot", hint
	case len(name) > maxDomain:
		return fmt.Sprintf("it is longer than %d characters", maxDomain), ""
	case international(name):
		if ascii := asciiName(name); ascii != "" {
			return "international names are written in the form that DNS has, this one as " + ascii, ""
		}
		return "international names are written in their xn-- form, and this one has none", ""
	case !strings.Contains(name, "."):
		return "it has no dot", hint
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return "it is an address", hint
	}
	for label := range strings.SplitSeq(strings.ToLower(name), ".") {
		if !dnsLabel.MatchString(label) {
			return fmt.Sprintf("%q is not a label of letters, digits and hyphens", label), hint
		}
	}
	return "", ""
}
