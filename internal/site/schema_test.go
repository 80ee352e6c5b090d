package site_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

type schema struct {
	ID         string `json:"$id"`
	Properties map[string]struct {
		Description      string
		Type             string
		Enum             []string
		Pattern          string
		Minimum, Maximum int
		Items            struct{ Pattern string }
	}
}

// TestSchema holds the published schema against the loader: the same keys, the same values, the same limits.
func TestSchema(t *testing.T) {
	data, err := os.ReadFile("../../schema/cloudfront-hosting-toolkit-config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	if s.ID != site.SchemaURL {
		t.Errorf("$id is %s, want %s", s.ID, site.SchemaURL)
	}
	var keys []string
	for key, p := range s.Properties {
		keys = append(keys, key)
		if p.Description == "" {
			t.Errorf("%s is not described", key)
		}
		for _, value := range p.Enum {
			wantParse(t, key, fmt.Sprintf("%q", value), true)
		}
		if len(p.Enum) > 0 {
			wantParse(t, key, `"other"`, false)
		}
		if p.Type == "integer" {
			wantParse(t, key, fmt.Sprint(p.Minimum), true)
			wantParse(t, key, fmt.Sprint(p.Maximum), true)
			wantParse(t, key, fmt.Sprint(p.Minimum-1), false)
			wantParse(t, key, fmt.Sprint(p.Maximum+1), false)
		}
	}
	want := site.Keys()
	slices.Sort(keys)
	slices.Sort(want)
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("keys (-loader +schema)\n%s", diff)
	}
	items := regexp.MustCompile(s.Properties["domainNames"].Items.Pattern)
	for _, value := range []string{"a.b", "www.Example.com", "a", "a.b.", "*.a.b", "https://a.b", ""} {
		wantParse(t, "domainNames", fmt.Sprintf("[%q]", value), items.MatchString(value))
	}
	for key, values := range map[string][]string{
		"domainName":   {"a.b", "www.Example.com", "x--y.example", "a", "a.b.", "-a.b", "a_b.c", "*.a.b", "https://a.b"},
		"hostedZoneId": {"Z1", "/hostedzone/Z1", "z1", "hostedzone/Z1", "Z"},
		"siteName":     {"a", "hello-3f9a2c71", "a-", "1a", "A", "a234567890123456789-b"},
		"s3bucket":     {"abc", "a.b-c", "ab", "Abc", "-abc", "s3://abc"},
	} {
		pattern := regexp.MustCompile(s.Properties[key].Pattern)
		for _, value := range values {
			wantParse(t, key, fmt.Sprintf("%q", value), pattern.MatchString(value))
		}
	}
}

// wantParse checks whether the loader accepts a value of a key, in a configuration that is valid otherwise.
func wantParse(t *testing.T, key, value string, ok bool) {
	t.Helper()
	text := fmt.Sprintf(`{"repoUrl": ".", "branchName": "main", %q: %s}`, key, value)
	switch key {
	case "s3bucket", "siteName":
		text = fmt.Sprintf(`{%q: %s}`, key, value)
	case "domainNames":
		text = fmt.Sprintf(`{"repoUrl": ".", "branchName": "main", "domainName": "other.example", %q: %s}`, key, value)
	case "hostedZoneId":
		text = fmt.Sprintf(`{"repoUrl": ".", "branchName": "main", "domainName": "a.b", %q: %s}`, key, value)
	}
	if _, err := site.Parse("c.json", []byte(text)); (err == nil) != ok {
		t.Errorf("%s: the schema says %t, the loader says %v", text, ok, err)
	}
}
