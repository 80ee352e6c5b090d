package edge

import (
	"strings"
	"testing"
	"unicode/utf8"
)

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
