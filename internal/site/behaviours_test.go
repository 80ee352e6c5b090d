package site_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

func parseBehaviours(routing, list string) (site.Config, error) {
	return site.Parse("c.json", []byte(`{"repoUrl": ".", "branchName": "main", "routing": "`+routing+`", "behaviours": [`+list+"\n]}"))
}

func TestParseBehaviours(t *testing.T) {
	c, err := parseBehaviours("custom", `
  {"path": "/api/*", "origin": "https://api.example.com:8443/v1", "allowedMethods": ["GET", "HEAD"], "compress": false, "function": true,
   "readTimeoutSeconds": 60, "cachePolicy": "UseOriginCacheControlHeaders", "responseHeadersPolicy": "none"},
  {"path": "fonts/*"}`)
	if err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	want := []site.Behaviour{
		{Path: "/api/*", Origin: "https://api.example.com:8443/v1", AllowedMethods: []string{"GET", "HEAD"}, Compress: &no, Function: &yes,
			ReadTimeoutSeconds: 60, CachePolicy: "UseOriginCacheControlHeaders", ResponseHeadersPolicy: "none"},
		{Path: "fonts/*"},
	}
	if diff := cmp.Diff(want, c.Behaviours); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	again, err := site.Parse("c.json", c.Marshal())
	if err != nil || !again.Equal(c) {
		t.Errorf("marshalled and parsed again: %+v, %v", again, err)
	}
	full := c.Behaviours[1].WithDefaults()
	if full.Path != "/fonts/*" || full.CachePolicy != "CachingOptimized" || !*full.Function || full.OriginRequestPolicy != site.NoPolicy {
		t.Errorf("defaults of the site's files: %+v", full)
	}
}

func TestBehaviourErrors(t *testing.T) {
	api := func(more string) string {
		return "\n  {\"path\": \"/api/*\", \"origin\": \"https://a.example\"" + more + "}"
	}
	files := func(more string) string { return "\n  {\"path\": \"/f/*\"" + more + "}" }
	tests := map[string]struct{ list, want, hint string }{
		"no list":              {`1], "x": [`, "", ""},
		"not an object":        {`"/api/*"`, `c.json:1:73: "behaviours[0]": expected an object {…}, found a string`, ""},
		"unknown key":          {api(`, "cachPolicy": ""`), `c.json:2:53: unknown key "cachPolicy", did you mean "cachePolicy"?`, ""},
		"unknown, far":         {api(`, "colour": ""`), `unknown key "colour", the keys are path, origin, allowedMethods`, ""},
		"twice":                {api(`, "path": "/b"`), `key "path" is given twice`, ""},
		"boolean":              {api(`, "compress": "yes"`), `c.json:2:65: "behaviours[0].compress": expected true or false, found a string`, ""},
		"null":                 {api(`, "compress": null`), `expected true or false, found null`, ""},
		"number":               {api(`, "readTimeoutSeconds": 121`), `"behaviours[0].readTimeoutSeconds": expected a number from 1 to 120, found 121`, ""},
		"no path":              {"\n  {\"origin\": \"https://a.example\"}", `c.json:2:3: "behaviours[0].path": it is missing`, "/api/*"},
		"path, query":          {"\n  {\"path\": \"/a?b=1\"}", `"/a?b=1" is not a path pattern`, ""},
		"path, everything":     {"\n  {\"path\": \"*\"}", `takes every path of the site`, "narrower"},
		"path, errors":         {"\n  {\"path\": \"/_errors/404.html\"}", `where the site's error pages are`, ""},
		"path, long":           {"\n  {\"path\": \"/" + strings.Repeat("a", 255) + "\"}", `longer than 255`, ""},
		"never reached":        {api("") + `,{"path": "/api/users/*"}`, `"behaviours[1].path": "/api/users/*" is never reached: "/api/*"`, "narrower pattern first"},
		"the same again":       {api("") + `,{"path": "api/*"}`, `is never reached`, ""},
		"origin, no scheme":    {"\n  {\"path\": \"/a\", \"origin\": \"api.example.com\"}", `c.json:2:28: "behaviours[0].origin": "api.example.com" is not the address of a server`, "https://api.example.com"},
		"origin, password":     {"\n  {\"path\": \"/a\", \"origin\": \"https://u:p@a.example\"}", `holds a name or a password`, "committed"},
		"origin, query":        {"\n  {\"path\": \"/a\", \"origin\": \"https://a.example/?x\"}", `more than a host and a path`, ""},
		"origin, port":         {"\n  {\"path\": \"/a\", \"origin\": \"https://a.example:81\"}", `port 81 is not one that CloudFront connects to`, "1024 to 65535"},
		"origin, host":         {"\n  {\"path\": \"/a\", \"origin\": \"https://-a/\"}", `"-a" is not the name of a host`, ""},
		"methods":              {api(`, "allowedMethods": ["GET", "POST"]`), `"GET, POST" is not a set of methods`, "those and OPTIONS"},
		"methods of files":     {files(`, "allowedMethods": ["GET","HEAD","OPTIONS","PUT","POST","PATCH","DELETE"]`), `GET, HEAD and OPTIONS only`, "origin"},
		"policy, near":         {api(`, "cachePolicy": "Managed-CachingOptimised"`), `there is no "Managed-CachingOptimised" here, did you mean "CachingOptimized"?`, ""},
		"policy, far":          {api(`, "responseHeadersPolicy": "mine"`), `there is no "mine" here`, "SecurityHeadersPolicy"},
		"policy of a server":   {files(`, "originRequestPolicy": "AllViewer"`), `there is no "AllViewer" here`, "none, CORS-S3Origin"},
		"protocol":             {api(`, "viewerProtocolPolicy": "https"`), `did you mean "https-only"?`, ""},
		"timeout of files":     {files(`, "connectionAttempts": 2`), `there is none`, ""},
		"function of a server": {api(`, "function": true`), `the toolkit's own functions would put the release before the path`, "custom"},
		"no function of files": {files(`, "function": false`), `without the function the site's files are not found`, ""},
		"too many":             {strings.TrimSuffix(strings.Repeat(`{"path": "/x"},`, 74), ","), `74 of them, and CloudFront takes 75`, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parseBehaviours("spa", tc.list)
			if err == nil || !strings.Contains(err.Error(), tc.want) || fault.KindOf(err) != fault.Usage {
				t.Fatalf("error:\n%v\nwant:\n%s", err, tc.want)
			}
			if hint := fault.HintOf(err); !strings.Contains(hint, tc.hint) {
				t.Errorf("hint %q, want %q", hint, tc.hint)
			}
		})
	}
	for _, wrong := range []string{`{}`, `"x"`, `null`} {
		if _, err := site.Parse("c.json", []byte(`{"repoUrl": ".", "branchName": "main", "behaviours": `+wrong+`}`)); err == nil || !strings.Contains(err.Error(), "expected a list of objects") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

// What a pattern covers, by CloudFront's rules: * is any number of characters, ? is one.
func TestBehaviourOrder(t *testing.T) {
	tests := map[string]struct {
		first, second string
		reached       bool
	}{
		"narrower first": {"/api/v2/*", "/api/*", true}, "beside": {"/a/*", "/b/*", true}, "one character": {"/a?", "/ab", false},
		"one character and many": {"/a?", "/a*", true}, "end": {"*.jpg", "/img/*.jpg", false}, "end of another": {"*.jpg", "/img/*", true},
		"middle": {"/a/*/c", "/a/b/c", false}, "case": {"/API/*", "/api/x", true}, "prefix": {"/api", "/api/*", true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parseBehaviours("spa", fmt.Sprintf(`{"path": %q}, {"path": %q}`, tc.first, tc.second))
			if (err == nil) != tc.reached {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestUnreachableOrigins(t *testing.T) {
	for origin, reached := range map[string]bool{"": true, "https://api.example.com": true, "http://localhost:3000": false,
		"http://127.0.0.1:3000": false, "http://api": false, "http://api.localhost": false, "http://printer.local": false} {
		if why := (site.Behaviour{Path: "/api/*", Origin: origin}).Unreachable(); (why == "") != reached {
			t.Errorf("%q: %q", origin, why)
		}
	}
}

// TestBehavioursSchema holds the schema's behaviours against the loader: the same keys, the same names of policies.
func TestBehavioursSchema(t *testing.T) {
	data, err := os.ReadFile("../../schema/cloudfront-hosting-toolkit-config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Properties struct {
			Behaviours struct {
				MaxItems int
				Items    struct {
					Properties map[string]struct {
						Description, Type, Pattern string
						Enum                       []string
						Minimum, Maximum           int
					}
				}
			}
		}
	}
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	if s.Properties.Behaviours.MaxItems != site.MaxBehaviours {
		t.Errorf("maxItems %d", s.Properties.Behaviours.MaxItems)
	}
	enums := map[string][]string{
		"cachePolicy":           slices.Concat(site.AnyCachePolicies, site.ServerCachePolicies),
		"originRequestPolicy":   append([]string{site.NoPolicy}, site.OriginRequestPolicies...),
		"responseHeadersPolicy": append([]string{site.NoPolicy}, site.ResponseHeadersPolicies...),
		"viewerProtocolPolicy":  site.ViewerProtocolPolicies,
	}
	for key, p := range s.Properties.Behaviours.Items.Properties {
		if p.Description == "" {
			t.Errorf("%s is not described", key)
		}
		if diff := cmp.Diff(enums[key], p.Enum); diff != "" {
			t.Errorf("%s (-loader +schema)\n%s", key, diff)
		}
		if p.Type != "integer" {
			continue
		}
		for n, ok := range map[int]bool{p.Minimum: true, p.Maximum: true, p.Maximum + 1: false, -1: false} {
			if _, err := parseBehaviours("spa", fmt.Sprintf(`{"path": "/a", "origin": "https://a.example", %q: %d}`, key, n)); (err == nil) != ok {
				t.Errorf("%s %d: %v", key, n, err)
			}
		}
	}
	_, err = parseBehaviours("spa", `{"x": 1}`)
	_, list, _ := strings.Cut(fmt.Sprint(err), "the keys are ")
	if keys := strings.Split(list, ", "); len(keys) != len(s.Properties.Behaviours.Items.Properties) {
		t.Errorf("the loader's keys %v, the schema has %d", keys, len(s.Properties.Behaviours.Items.Properties))
	}
	pattern := regexp.MustCompile(s.Properties.Behaviours.Items.Properties["path"].Pattern)
	for _, path := range []string{"/api/*", "a?c", "/ü", "/a b", "/a#b", `/"q"`} {
		if _, err := parseBehaviours("spa", fmt.Sprintf(`{"path": %q}`, path)); (err == nil) != pattern.MatchString(path) {
			t.Errorf("%q: the schema says %t, the loader %v", path, pattern.MatchString(path), err)
		}
	}
}
