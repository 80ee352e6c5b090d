package routing_test

import (
	"context"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/routing"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// domains are the names of a site for which testdata/redirects.json says what is redirected.
var domains = site.Config{DomainName: "example.com", DomainNames: []string{"shop.example.org", "www.example.net"}}

func withDomains(t *testing.T, r site.Routing) *cfjs.Function {
	t.Helper()
	code, err := routing.Code(r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := cfjs.Compile(string(r)+".js", routing.WithRedirects(code, domains.Names()), cfjs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if w := f.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %v", w)
	}
	return f
}

func TestRedirects(t *testing.T) {
	var vectors []struct {
		Name, Host, URI, Want string
		Query                 *string
	}
	data, err := os.ReadFile("testdata/redirects.json")
	if err == nil {
		err = json.Unmarshal(data, &vectors)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routings {
		f := withDomains(t, r)
		for _, v := range vectors {
			t.Run(string(r)+"/"+v.Name, func(t *testing.T) {
				ev := &cfjs.Event{Type: cfjs.ViewerRequest, Request: cfjs.Request{Method: "GET", URI: v.URI, RawQuery: v.Query, Headers: map[string]cfjs.Value{}}}
				if v.Host != "" {
					ev.Request.Headers["host"] = cfjs.Value{Value: v.Host}
				}
				got, err := f.Run(context.Background(), ev, store{"path": "r1"})
				if err != nil {
					t.Fatal(err)
				}
				if v.Want == "" {
					if got.Request == nil || !strings.HasPrefix(got.Request.URI, "/r1/") {
						t.Fatalf("got %+v, want the site", got)
					}
					return
				}
				res := got.Response
				if res == nil || res.StatusCode != 301 || res.Headers["location"].Value != v.Want {
					t.Fatalf("got %+v, want a redirect to %s", res, v.Want)
				}
				if len(got.Reads) != 0 {
					t.Errorf("reads %v of the key-value store, and needs none", got.Reads)
				}
				// The response headers policy is not applied to it.
				if res.Headers["strict-transport-security"].Value == "" || res.Headers["cache-control"].Value != "max-age=300" {
					t.Errorf("headers %v", res.Headers)
				}
			})
		}
	}
}

// A site is redirected before it has a release, and an edge may keep the answer for each host, path and query string.
func TestRedirectNeedsNoStore(t *testing.T) {
	for _, r := range routings {
		ev := request("/a")
		ev.Request.Headers["host"] = cfjs.Value{Value: "www.example.com"}
		got, err := withDomains(t, r).Run(context.Background(), ev, nil)
		if err != nil || got.Response == nil || got.Response.StatusCode != 301 {
			t.Fatalf("got %+v, %v", got, err)
		}
		if want := (cfjs.Used{URI: true, RawQuery: true, Headers: []string{"host"}}); !got.Pure || !reflect.DeepEqual(got.Used, want) {
			t.Errorf("pure %v, used %+v, want %+v", got.Pure, got.Used, want)
		}
	}
}

// No redirect leads to a name that is redirected itself, whatever is configured.
func TestRedirectsDoNotLoop(t *testing.T) {
	code, _ := routing.Code(site.RoutingSPA)
	for name, config := range map[string]site.Config{
		"an apex": {DomainName: "example.com"}, "its www": {DomainName: "www.example.com"},
		"both": {DomainName: "www.example.com", DomainNames: []string{"example.com"}}, "several": domains,
	} {
		t.Run(name, func(t *testing.T) {
			f, err := cfjs.Compile("f.js", routing.WithRedirects(code, config.Names()), cfjs.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range config.Names() {
				host := n.Host
				for range 2 { // the second request, at the latest, is answered by the site
					ev := request("/")
					ev.Request.Headers["host"] = cfjs.Value{Value: host}
					got, err := f.Run(context.Background(), ev, store{"path": "r1"})
					if err != nil {
						t.Fatal(err)
					}
					if got.Request != nil {
						host = ""
						break
					}
					location, _ := strings.CutPrefix(got.Response.Headers["location"].Value, "//")
					host, _, _ = strings.Cut(location, "/")
				}
				if host != "" {
					t.Errorf("%s leads to %s, which is redirected again", n.Host, host)
				}
			}
		})
	}
}

func TestWithRedirects(t *testing.T) {
	names := site.Config{DomainName: "example.com"}.Names()
	tests := map[string]struct {
		code, want string
		names      []site.Name
	}{
		"the place":               {"a\nconst REDIRECTS = {};\nb", "a\nconst REDIRECTS = { 'www.example.com': 'example.com', };\nb", names},
		"a person's own are kept": {"const REDIRECTS = { 'old.example': 'example.com' };", "const REDIRECTS = { 'www.example.com': 'example.com',  'old.example': 'example.com' };", names},
		"on several lines":        {"const REDIRECTS = {\r\n  'a.example': 'b.example',\r\n};", "const REDIRECTS = { 'www.example.com': 'example.com', \r\n  'a.example': 'b.example',\r\n};", names},
		"no names":                {"const REDIRECTS = {};", "const REDIRECTS = {};", nil},
		"nothing is redirected":   {"const REDIRECTS = {};", "const REDIRECTS = {};", site.Config{DomainName: "app.example.com"}.Names()},
		"a comment is no place":   {"// const REDIRECTS = {};\n", "// const REDIRECTS = {};\n", names},
		"another's function":      {"function handler(e) { return e.request; }", "function handler(e) { return e.request; }", names},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := routing.WithRedirects(tc.code, tc.names); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

// A person's own redirect of a host counts, and works beside the ones that are put in.
func TestOwnRedirectCounts(t *testing.T) {
	code, _ := routing.Code(site.RoutingSPA)
	code = strings.Replace(code, "const REDIRECTS = {};", "const REDIRECTS = { 'www.example.com': 'example.org', 'old.example': 'example.com' };", 1)
	f, err := cfjs.Compile("f.js", routing.WithRedirects(code, domains.Names()), cfjs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{"www.example.com": "//example.org/", "old.example": "//example.com/", "example.net": "//www.example.net/"} {
		ev := request("/")
		ev.Request.Headers["host"], ev.Request.RawQuery = cfjs.Value{Value: host}, nil
		got, err := f.Run(context.Background(), ev, nil)
		if err != nil || got.Response == nil || got.Response.Headers["location"].Value != want {
			t.Errorf("%s → %+v, %v, want %s", host, got, err, want)
		}
	}
}
