package records_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/records"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/zones"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

func over(t *testing.T, a *double.Account, chosen string) *records.Records {
	t.Helper()
	cfg := aws.Config{Region: double.Region, BaseEndpoint: aws.String(a.URL()), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	all, err := zones.List(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := records.Open(cfg, all, chosen)
	r.Pace = time.Millisecond
	return r
}

// The zone of a name is the longest public one, unless another one that holds it was chosen.
func TestZoneOf(t *testing.T) {
	a := double.New(t)
	ids := map[string]string{}
	for _, domain := range []string{"org", "example.com", "app.example.com", "unrelated.net"} {
		ids[domain] = a.AddZone(domain, false)
	}
	a.AddZone("deep.app.example.com", true)
	tests := []struct{ name, chosen, want string }{
		{"example.com", "", "example.com"}, {"www.example.com", "", "example.com"}, {"app.example.com", "", "app.example.com"},
		{"deep.app.example.com", "", "app.example.com"}, {"app.example.com", "example.com", "example.com"},
		{"myexample.com", "", ""}, {"Example.ORG", "", "org"}, {"example.org", "example.com", "org"},
	}
	for _, tc := range tests {
		t.Run(tc.name+" "+tc.chosen, func(t *testing.T) {
			zone, ok := over(t, a, ids[tc.chosen]).ZoneOf(tc.name)
			if zone.Domain != tc.want || ok != (tc.want != "") {
				t.Errorf("zone %+v, %t, want %q", zone, ok, tc.want)
			}
		})
	}
}

// Defect 27: a record with another value is not taken for the wanted one; Defect 26: an alias is A and AAAA.
func TestDefect26And27_Alias(t *testing.T) {
	tests := map[string]struct {
		typ, value string
		want       string
	}{
		"nothing":             {"", "", "missing"},
		"another address":     {"A", "192.0.2.1", "www.example.com in zone example.com (Z000000000001) has A 192.0.2.1; the site needs ALIAS " + target},
		"another address six": {"AAAA", "2001:db8::1", "www.example.com in zone example.com (Z000000000001) has AAAA 2001:db8::1; the site needs ALIAS " + target},
		"another host":        {"CNAME", "old.example.net.", "www.example.com in zone example.com (Z000000000001) has CNAME old.example.net; the site needs ALIAS " + target},
		"the distribution":    {"CNAME", target + ".", "present"},
		"mail":                {"MX", "10 mail.example.net.", "missing"},
		// Browsers follow HTTPS records before addresses.
		"another service":      {"HTTPS", "0 cdn.example.net.", "www.example.com in zone example.com (Z000000000001) has HTTPS 0 cdn.example.net; the site needs ALIAS " + target},
		"addresses in a hint":  {"HTTPS", `1 . alpn="h3,h2" ipv4hint=192.0.2.1`, `www.example.com in zone example.com (Z000000000001) has HTTPS 1 . alpn="h3,h2" ipv4hint=192.0.2.1; the site needs ALIAS ` + target},
		"keys of another":      {"HTTPS", "1 . ech=AEX", "www.example.com in zone example.com (Z000000000001) has HTTPS 1 . ech=aex; the site needs ALIAS " + target},
		"protocols":            {"HTTPS", `1 . alpn="h3,h2"`, "missing"},
		"the distribution too": {"HTTPS", "0 " + target + ".", "missing"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			a := double.New(t)
			id := a.AddZone("example.com", false)
			if tc.typ != "" {
				a.AddRecord(id, "www.example.com", tc.typ, tc.value)
			}
			r := over(t, a, "")
			p, err := r.Plan(t.Context(), []records.Record{{Name: "www.example.com", Type: records.Alias, Value: target}})
			if err != nil {
				t.Fatal(err)
			}
			got := "present"
			switch {
			case len(p.Conflicts) > 0:
				got = p.Conflicts[0].String()
			case len(p.Missing) > 0:
				got = "missing"
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if err := r.Apply(t.Context(), p, true); err != nil {
				t.Fatal(err)
			}
			all := strings.Join(a.Records(), "\n")
			for _, want := range []string{"www.example.com A ALIAS " + target, "www.example.com AAAA ALIAS " + target} {
				if tc.want != "present" && !strings.Contains(all, want) {
					t.Errorf("%s is not among\n%s", want, all)
				}
			}
			if tc.typ == "MX" && !strings.Contains(all, "MX") {
				t.Error("the mail is gone")
			}
			if stays := strings.Contains(all, " HTTPS "); tc.typ == "HTTPS" && stays != (tc.want == "missing") {
				t.Errorf("the HTTPS record stays: %t", stays)
			}
		})
	}
}

// A zone that was changed since it was looked at refuses the whole change, in its own words, and nothing is lost.
func TestChangedSince(t *testing.T) {
	a := double.New(t)
	a.AddZone("example.com", false)
	r := over(t, a, "")
	p, err := r.Plan(t.Context(), []records.Record{{Name: "www.example.com", Type: records.Alias, Value: target}})
	if err != nil {
		t.Fatal(err)
	}
	a.AddRecord(a.Zone("example.com"), "www.example.com", "CNAME", "new.example.net")
	err = r.Apply(t.Context(), p, false)
	if err == nil || fault.HintOf(err) == "" || !strings.Contains(err.Error(), "conflicts with other records") {
		t.Errorf("got %v", err)
	}
	if all := a.Records(); len(all) != 1 || all[0] != "www.example.com CNAME new.example.net" {
		t.Errorf("the zone holds %q", all)
	}
}

// What a person copies into another provider's form.
func TestTable(t *testing.T) {
	got := records.Table([]records.Record{
		{Name: "_x.www.example.com", Type: records.CNAME, Value: "_y.acm-validations.aws"}, {Name: "example.com", Type: records.Alias, Value: target},
	})
	want := "NAME                TYPE   VALUE\n_x.www.example.com  CNAME  _y.acm-validations.aws\nexample.com         ALIAS  " + target + "\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
