package site

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Behaviour is a cache behaviour of the user's own: requests whose path matches are answered by another server, or by the
// site's own files with other settings. What is absent has the default that WithDefaults gives.
type Behaviour struct {
	// Path is CloudFront's path pattern, with * and ?, matched against the viewer's path; the first behaviour that matches counts.
	Path string `json:"path,omitempty"`
	// Origin is the address of the server, http or https, whose path is put before the request's; without one the behaviour
	// is about the site's own files.
	Origin string `json:"origin,omitempty"`
	// AllowedMethods are one of the three sets that CloudFront takes.
	AllowedMethods []string `json:"allowedMethods,omitempty"`
	// The policies are AWS's managed ones, by name; NoPolicy is none.
	CachePolicy           string `json:"cachePolicy,omitempty"`
	OriginRequestPolicy   string `json:"originRequestPolicy,omitempty"`
	ResponseHeadersPolicy string `json:"responseHeadersPolicy,omitempty"`
	ViewerProtocolPolicy  string `json:"viewerProtocolPolicy,omitempty"`
	// Compress is true without it.
	Compress *bool `json:"compress,omitempty"`
	// Function runs the site's own function. It always runs for the site's files, and not without being asked for a server.
	Function *bool `json:"function,omitempty"`
	// The times are in seconds; CloudFront's own without them.
	ReadTimeoutSeconds       int `json:"readTimeoutSeconds,omitempty"`
	ConnectionTimeoutSeconds int `json:"connectionTimeoutSeconds,omitempty"`
	ConnectionAttempts       int `json:"connectionAttempts,omitempty"`
	KeepaliveSeconds         int `json:"keepaliveSeconds,omitempty"`
}

// NoPolicy stands for no policy where one has a default.
const NoPolicy = "none"

// MaxBehaviours is how many behaviours the configuration may have: CloudFront takes 75 (Developer Guide, "Quotas"), and two are
// the toolkit's.
const MaxBehaviours = 73

// The managed policies that behaviours may name, by the names that the Developer Guide gives them ("Use managed cache
// policies", "Use managed origin request policies", "Use managed response headers policies"). AnyCachePolicies may stand
// before the site's files too; the others send the viewer's Host, which a bucket would refuse.
var (
	AnyCachePolicies      = []string{"CachingOptimized", "CachingOptimizedForUncompressedObjects", "CachingDisabled"}
	ServerCachePolicies   = []string{"UseOriginCacheControlHeaders", "UseOriginCacheControlHeaders-QueryStrings"}
	OriginRequestPolicies = []string{"AllViewer", "AllViewerExceptHostHeader", "AllViewerAndCloudFrontHeaders-2022-06",
		"CORS-CustomOrigin", "CORS-S3Origin", "HostHeaderOnly", "UserAgentRefererHeaders"}
	FilesRequestPolicies    = []string{"CORS-S3Origin", "UserAgentRefererHeaders"}
	ResponseHeadersPolicies = []string{"SecurityHeadersPolicy", "SimpleCORS", "CORS-With-Preflight", "CORS-and-SecurityHeadersPolicy",
		"CORS-with-preflight-and-SecurityHeadersPolicy"}
	ViewerProtocolPolicies = []string{"redirect-to-https", "https-only", "allow-all"}
)

// methodSets are those that CloudFront takes (Developer Guide, "Allowed HTTP methods"), in its order.
var methodSets = [][]string{
	{"GET", "HEAD"}, {"GET", "HEAD", "OPTIONS"}, {"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"},
}

// WithDefaults fills in what is absent. A server gets everything and is not cached, as an API wants it; the site's files are
// served as elsewhere.
func (b Behaviour) WithDefaults() Behaviour {
	fill := func(field *string, server, files string) {
		switch {
		case *field != "":
		case b.Origin != "":
			*field = server
		default:
			*field = files
		}
	}
	fill(&b.CachePolicy, "CachingDisabled", "CachingOptimized")
	fill(&b.OriginRequestPolicy, "AllViewerExceptHostHeader", NoPolicy)
	fill(&b.ResponseHeadersPolicy, NoPolicy, "SecurityHeadersPolicy")
	fill(&b.ViewerProtocolPolicy, "redirect-to-https", "redirect-to-https")
	methods := methodSets[0]
	if b.Origin != "" {
		methods = methodSets[2]
	}
	if set := methodSet(b.AllowedMethods); set >= 0 {
		methods = methodSets[set]
	}
	b.Path, b.AllowedMethods = slashed(b.Path), methods
	compress, function := b.Compress == nil || *b.Compress, b.Origin == "" || b.Function != nil && *b.Function
	b.Compress, b.Function = &compress, &function
	return b
}

// methodSet is the place of the set with these methods, or -1.
func methodSet(methods []string) int {
	return slices.IndexFunc(methodSets, func(set []string) bool {
		return slices.Equal(slices.Sorted(slices.Values(set)), slices.Compact(slices.Sorted(slices.Values(methods))))
	})
}

// behaviourProblems checks each behaviour, and that each can be reached.
func (c Config) behaviourProblems() []problem {
	var found []problem
	if n := len(c.Behaviours); n > MaxBehaviours {
		found = append(found, problem{"behaviours", fmt.Sprintf(`"behaviours": %d of them, and CloudFront takes 75 with the toolkit's two`, n),
			"join some of them: a path pattern has * and ?"})
	}
	for i, b := range c.Behaviours {
		add := func(key, hint, format string, args ...any) {
			at := fmt.Sprintf("behaviours[%d].%s", i, key)
			found = append(found, problem{at, fmt.Sprintf("%q: ", at) + fmt.Sprintf(format, args...), hint})
		}
		b.check(add)
		if b.Function != nil && *b.Function && b.Origin != "" && c.Routing != RoutingCustom {
			add("function", `remove it, or set "routing" to "custom" and write a function that lets such paths through`,
				"the toolkit's own functions would put the release before the path of %s", b.Origin)
		}
		for _, earlier := range c.Behaviours[:i] {
			if earlier.Path != "" && covers(slashed(earlier.Path), slashed(b.Path)) {
				add("path", "put the narrower pattern first", "%q is never reached: %q, which stands before it, takes all of its paths", b.Path, earlier.Path)
				break
			}
		}
	}
	return found
}

// patternText is what CloudFront takes in a path pattern (Developer Guide, "Path pattern").
var patternText = regexp.MustCompile(`^[A-Za-z0-9_\-.*?$/~"'@:+&]+$`)

// check reports what is wrong with one behaviour by itself.
func (b Behaviour) check(add func(key, hint, format string, args ...any)) {
	switch {
	case b.Path == "":
		add("path", `give the paths that it is for, like "/api/*"`, "it is missing")
	case len(b.Path) > 255:
		add("path", "", "it is longer than 255 characters")
	case !patternText.MatchString(b.Path):
		add("path", "it is a path with * and ?, and no other special characters", "%q is not a path pattern", b.Path)
	case covers(slashed(b.Path), "/*"):
		add("path", "give narrower paths", "%q takes every path of the site", b.Path)
	case covers("/_errors/*", slashed(b.Path)):
		add("path", "", "/_errors/ is where the site's error pages are")
	}
	if why, hint := originProblem(b.Origin); why != "" {
		add("origin", hint, "%s", why)
	}
	if b.AllowedMethods != nil && methodSet(b.AllowedMethods) < 0 {
		add("allowedMethods", "the sets are GET and HEAD; those and OPTIONS; or those and PUT, POST, PATCH and DELETE",
			"%q is not a set of methods that CloudFront takes", strings.Join(b.AllowedMethods, ", "))
	} else if b.Origin == "" && len(b.AllowedMethods) > 3 {
		add("allowedMethods", `give the "origin" that answers them`, "the site's files answer GET, HEAD and OPTIONS only")
	}
	if b.Function != nil && !*b.Function && b.Origin == "" {
		add("function", "remove it", "without the function the site's files are not found: it puts the release before the path")
	}
	b.checkPolicies(add)
	b.checkNumbers(add)
}

// checkPolicies checks the names of policies.
func (b Behaviour) checkPolicies(add func(key, hint, format string, args ...any)) {
	name := func(key, value string, known ...string) {
		if value == "" || slices.Contains(known, value) {
			return
		}
		hint := "the names are " + strings.Join(known, ", ")
		if near := fault.Nearest(strings.TrimPrefix(value, "Managed-"), known); near != "" {
			add(key, hint, "there is no %q here, did you mean %q?", value, near)
			return
		}
		add(key, hint, "there is no %q here", value)
	}
	caches, requests := AnyCachePolicies, FilesRequestPolicies
	if b.Origin != "" {
		caches, requests = slices.Concat(AnyCachePolicies, ServerCachePolicies), OriginRequestPolicies
	}
	name("cachePolicy", b.CachePolicy, caches...)
	name("originRequestPolicy", b.OriginRequestPolicy, append([]string{NoPolicy}, requests...)...)
	name("responseHeadersPolicy", b.ResponseHeadersPolicy, append([]string{NoPolicy}, ResponseHeadersPolicies...)...)
	name("viewerProtocolPolicy", b.ViewerProtocolPolicy, ViewerProtocolPolicies...)
}

// checkNumbers checks what is said of the connection to the origin (Developer Guide, "Origin settings").
func (b Behaviour) checkNumbers(add func(key, hint, format string, args ...any)) {
	for _, n := range []struct {
		key         string
		value, most int
	}{
		{"readTimeoutSeconds", b.ReadTimeoutSeconds, 120}, {"connectionTimeoutSeconds", b.ConnectionTimeoutSeconds, 10},
		{"connectionAttempts", b.ConnectionAttempts, 3}, {"keepaliveSeconds", b.KeepaliveSeconds, 120},
	} {
		switch {
		case n.value < 0 || n.value > n.most:
			add(n.key, "", "expected a number from 1 to %d, found %d", n.most, n.value)
		case n.value > 0 && b.Origin == "":
			add(n.key, `remove it, or give an "origin"`, "it is about the connection to an origin, and there is none")
		}
	}
}

// originProblem says why an address cannot be an origin (Developer Guide, "Origin settings"); "" if it can be one.
func originProblem(origin string) (why, hint string) {
	const example = "write it like https://api.example.com or https://api.example.com/v1"
	if origin == "" {
		return "", ""
	}
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return fmt.Sprintf("%q is not the address of a server", origin), example
	case u.User != nil:
		return "the address holds a name or a password", "this file is committed: let the server know the distribution in another way"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fmt.Sprintf("%q has more than a host and a path", origin), example
	case len(u.Hostname()) > 253 || !hostName.MatchString(u.Hostname()):
		return fmt.Sprintf("%q is not the name of a host", u.Hostname()), example
	case len(u.Path) > 255 || !originPath.MatchString(u.EscapedPath()):
		return fmt.Sprintf("%q is not a path that can be put before others", u.Path), example
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n != 80 && n != 443 && n < 1024 || n > 65535 {
			return "port " + port + " is not one that CloudFront connects to", "it takes 80, 443, and 1024 to 65535"
		}
	}
	return "", ""
}

var (
	hostName   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$`)
	originPath = regexp.MustCompile(`^(/[A-Za-z0-9_.~!$&'()*+,;=:@%-]+)*/?$`)
)

// Unreachable says why CloudFront cannot connect to the origin, which can be a server of this machine or of its network; "" if
// it can. Only the AWS target minds.
func (b Behaviour) Unreachable() string {
	u, err := url.Parse(b.Origin)
	if b.Origin == "" || err != nil {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	if _, err := netip.ParseAddr(host); err == nil {
		return fmt.Sprintf("the origin of %s is an address, %s, and CloudFront takes names only", b.Path, host)
	}
	if !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") {
		return fmt.Sprintf("the origin of %s, %s, is a name of this machine or its network, which CloudFront does not reach", b.Path, host)
	}
	return ""
}

// slashed is a pattern with the slash at its beginning that CloudFront lets people leave out.
func slashed(pattern string) string {
	if strings.HasPrefix(pattern, "/") || strings.HasPrefix(pattern, "*") {
		return pattern
	}
	return "/" + pattern
}

// covers reports whether a pattern matches every path that another one matches. It may miss that for a pattern with several
// wildcards, and never says so wrongly.
func covers(wide, narrow string) bool {
	switch {
	case wide == "":
		return narrow == ""
	case wide[0] == '*':
		return strings.Trim(wide, "*") == "" || covers(wide[1:], narrow) || narrow != "" && covers(wide, narrow[1:])
	case narrow == "" || narrow[0] == '*':
		return false
	case wide[0] == '?' || wide[0] == narrow[0]:
		return covers(wide[1:], narrow[1:])
	}
	return false
}
