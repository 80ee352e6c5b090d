package edge

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// The rules are those of the Developer Guide, "Path pattern" (DownloadDistValuesPathPattern).
func TestMatchPattern(t *testing.T) {
	tests := map[string]struct {
		pattern, uri string
		want         bool
	}{
		"folder":                      {"/images/*", "/images/a.jpg", true},
		"no leading slash":            {"images/*", "/images/a.jpg", true},
		"star is any number":          {"/images/*", "/images/", true},
		"star crosses slashes":        {"/images/*.jpg", "/images/a/b/c.jpg", true},
		"suffix":                      {"*.jpg", "/images/a.jpg", true},
		"question mark is one":        {"/a?c", "/abc", true},
		"question mark is not zero":   {"/a?c", "/ac", false},
		"question mark is not two":    {"/a?c", "/abbc", false},
		"everything but the root":     {"/?*", "/", false},
		"case-sensitive":              {"/Images/*", "/images/a.jpg", false},
		"whole path":                  {"/a", "/ab", false},
		"backtracks":                  {"/*a*b*c", "/xxaxxbxxbxxc", true},
		"dot is a dot":                {"/*.js", "/xjs", false},
		"dot segments are removed":    {"/a/b*", "/a/b/..", false},
		"encoded dots as well":        {"/_errors/*", "/_errors/%2e%2E/v1/x", false},
		"double slashes are merged":   {"/a/b", "//a//b", true},
		"unreserved letters decoded":  {"/api/*", "/%61pi/x", true},
		"an encoded slash stays":      {"/a/b", "/a%2Fb", false},
		"climbing above the root":     {"/x", "/../../x", true},
		"trailing dot keeps a folder": {"/a/", "/a/.", true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := matchPattern(normalizePattern(tc.pattern), normalizePath(tc.uri)); got != tc.want {
				t.Errorf("pattern %q, uri %q: got %v, want %v", tc.pattern, tc.uri, got, tc.want)
			}
		})
	}
}

func TestObjectKey(t *testing.T) {
	tests := map[string]struct {
		uri, key string
		refused  int
	}{
		"plain":                     {"/r1/index.html", "r1/index.html", 0},
		"encoded space":             {"/r1/a%20b.html", "r1/a b.html", 0},
		"space as it is":            {"/r1/a b.html", "r1/a b.html", 0},
		"UTF-8":                     {"/r1/%C3%BCber.html", "r1/über.html", 0},
		"plus is a space":           {"/r1/a+b.html", "r1/a b.html", 0},
		"encoded plus":              {"/r1/c%2B%2B.html", "r1/c++.html", 0},
		"decoded once":              {"/r1/100%2525.html", "r1/100%25.html", 0},
		"encoded slash is a slash":  {"/r1/a%2Fb", "r1/a/b", 0},
		"dots in names":             {"/r1/..a/...", "r1/..a/...", 0},
		"backslash in a name":       {`/r1/a%5Cb`, `r1/a\b`, 0},
		"double-encoded dots":       {"/r1/%252e%252e/x", "r1/%2e%2e/x", 0},
		"dot dot":                   {"/r1/../r2/x", "r1/../r2/x", 404},
		"encoded dot dot":           {"/r1/%2e%2e/r2/x", "r1/../r2/x", 404},
		"encoded slash and dots":    {"/r1/..%2fr2%2fx", "r1/../r2/x", 404},
		"backslash and dots":        {`/r1/..%5cr2`, `r1/..\r2`, 404},
		"dots after a backslash":    {`/r1/x\..`, `r1/x\..`, 404},
		"single dot":                {"/r1/./x", "r1/./x", 404},
		"empty segment":             {"/r1//x", "r1//x", 404},
		"trailing slash":            {"/r1/docs/", "r1/docs/", 404},
		"root":                      {"/", "", 404},
		"NUL":                       {"/r1/a%00.html", "r1/a\x00.html", 404},
		"malformed encoding":        {"/r1/%zz", "", 400},
		"cut encoding":              {"/r1/%4", "", 400},
		"not UTF-8":                 {"/r1/%ff", "", 400},
		"overlong encoding of dots": {"/r1/%c0%ae%c0%ae/x", "", 400},
		"no leading slash":          {"r1/x", "", 400},
		"empty":                     {"", "", 400},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			key, refused := objectKey(tc.uri)
			if refused != tc.refused || (refused != 400 && key != tc.key) {
				t.Errorf("objectKey(%q) = %q, %d, want %q, %d", tc.uri, key, refused, tc.key, tc.refused)
			}
		})
	}
}

func FuzzObjectKey(f *testing.F) {
	for _, s := range []string{"/a/b", "/..%2f", "/%00", `/a\..\b`, "/%25%32%65", "//", "/é", "/%C3%A9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		normalized := normalizePath(uri)
		if strings.HasPrefix(uri, "/") && !strings.HasPrefix(normalized, "/") {
			t.Fatalf("normalizePath(%q) = %q", uri, normalized)
		}
		key, refused := objectKey("/release" + uri)
		if refused != 0 {
			return
		}
		if !utf8.ValidString(key) || strings.ContainsRune(key, 0) {
			t.Fatalf("objectKey(%q) = %q", uri, key)
		}
		for _, s := range strings.FieldsFunc(key, func(r rune) bool { return r == '/' || r == '\\' }) {
			if s == ".." || s == "." {
				t.Fatalf("objectKey(%q) = %q: leaves its folder", uri, key)
			}
		}
		if strings.HasPrefix(uri, "/") && !strings.HasPrefix(key, "release/") {
			t.Fatalf("objectKey(%q) = %q: leaves its folder", uri, key)
		}
	})
}
