package site_test

import (
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Whatever S3 calls a version, its release has a valid id.
func TestZipRelease(t *testing.T) {
	tests := map[string]struct{ version, want string }{
		"as S3 names them":    {"IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", "zip-IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"},
		"with the beginning":  {"zip-IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", "zip-IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"},
		"before versioning":   {"null", "zip-null"},
		"underscore in front": {"_3s.x-", "zip-_3s.x-"},
		"slash and plus":      {"3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRcxv.lcC", ""},
		"a dot at its end":    {"abc.", ""},
		"very long":           {strings.Repeat("v", 1024), ""},
		"nothing":             {"", ""},
	}
	seen := map[string]string{}
	for name, tc := range tests {
		id := site.ZipRelease(tc.version)
		if err := site.ValidRelease(id); err != nil || tc.want != "" && id != tc.want || !site.IsZipRelease(id) || id != site.ZipRelease(tc.version) {
			t.Errorf("%s: %q, %v", name, id, err)
		}
		if tc.want == "" {
			if other, taken := seen[id]; taken {
				t.Errorf("%s has the id of %s", name, other)
			}
			seen[id] = name
		}
	}
}
