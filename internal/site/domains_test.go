package site_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// TestDefect26_PartnersOfApexesOnly: upstream put www. before any name (www.app.example.com), and knew one name.
func TestDefect26_PartnersOfApexesOnly(t *testing.T) {
	tests := map[string]struct {
		config site.Config
		want   []site.Name
	}{
		"no domain":          {site.Config{}, nil},
		"an apex":            {site.Config{DomainName: "Example.com"}, []site.Name{{"example.com", ""}, {"www.example.com", "example.com"}}},
		"its www":            {site.Config{DomainName: "www.example.com"}, []site.Name{{"www.example.com", ""}, {"example.com", "www.example.com"}}},
		"a subdomain":        {site.Config{DomainName: "app.example.com"}, []site.Name{{"app.example.com", ""}}},
		"www of a subdomain": {site.Config{DomainName: "www.app.example.com"}, []site.Name{{"www.app.example.com", ""}}},
		"two-part suffix":    {site.Config{DomainName: "example.co.uk"}, []site.Name{{"example.co.uk", ""}, {"www.example.co.uk", "example.co.uk"}}},
		"below that suffix":  {site.Config{DomainName: "www.shop.example.co.uk"}, []site.Name{{"www.shop.example.co.uk", ""}}},
		"a suffix itself":    {site.Config{DomainName: "co.uk"}, []site.Name{{"co.uk", ""}}},
		"www of a suffix":    {site.Config{DomainName: "www.co.uk"}, []site.Name{{"www.co.uk", ""}}},
		"a name for tests":   {site.Config{DomainName: "shop.test"}, []site.Name{{"shop.test", ""}, {"www.shop.test", "shop.test"}}},
		"international":      {site.Config{DomainName: "xn--mnchen-3ya.de"}, []site.Name{{"xn--mnchen-3ya.de", ""}, {"www.xn--mnchen-3ya.de", "xn--mnchen-3ya.de"}}},
		"both configured":    {site.Config{DomainName: "example.com", DomainNames: []string{"WWW.example.com"}}, []site.Name{{"example.com", ""}, {"www.example.com", ""}}},
		"several": {site.Config{DomainName: "www.example.com", DomainNames: []string{"app.example.com", "example.org"}},
			[]site.Name{{"www.example.com", ""}, {"example.com", "www.example.com"}, {"app.example.com", ""}, {"example.org", ""}, {"www.example.org", "example.org"}}},
		"given twice":      {site.Config{DomainName: "example.com", DomainNames: []string{"example.com"}}, []site.Name{{"example.com", ""}, {"www.example.com", "example.com"}}},
		"without partners": {site.Config{DomainName: "example.com", WWWPartner: site.PartnerNone}, []site.Name{{"example.com", ""}}},
		"with partners":    {site.Config{DomainName: "example.com", WWWPartner: site.PartnerRedirect}, []site.Name{{"example.com", ""}, {"www.example.com", "example.com"}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := (&site.Site{Config: tc.config}).Names()
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			redirected := map[string]bool{}
			for _, n := range got {
				redirected[n.Host] = n.RedirectTo != ""
			}
			for _, n := range got {
				if n.RedirectTo != "" && redirected[n.RedirectTo] {
					t.Errorf("%s is redirected to %s, which is redirected too", n.Host, n.RedirectTo)
				}
			}
		})
	}
}

func TestSplitDomains(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
	}{
		"nothing":                {"  ", []string{}},
		"one":                    {"WWW.Example.com", []string{"www.example.com"}},
		"several":                {"a.example, b.example c.example", []string{"a.example", "b.example", "c.example"}},
		"international":          {"München.de", []string{"xn--mnchen-3ya.de"}},
		"what cannot be written": {"a..\u2028 https://b.example", []string{"a..\u2028", "https://b.example"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, site.SplitDomains(tc.text)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// longName is a domain name of so many characters, an apex of which nothing is too long.
func longName(length int) string {
	name := strings.Repeat("a.", (length-3)/2) + "com"
	return strings.Repeat("a", length-len(name)) + name
}

// manyDomains is a configuration with so many apexes.
func manyDomains(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(`"d%d.example"`, i)
	}
	return fmt.Sprintf(`{"repoUrl": ".", "branchName": "main", "domainName": %s, "domainNames": [%s]}`, names[0], strings.Join(names[1:], ", "))
}

// longDomains is a configuration with so many long names, which are no apexes, and an apex.
func longDomains(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(`"n%02d.%s"`, i, longName(242))
	}
	return fmt.Sprintf(`{"repoUrl": ".", "branchName": "main", "domainName": "example.com", "domainNames": [%s]}`, strings.Join(names, ", "))
}
