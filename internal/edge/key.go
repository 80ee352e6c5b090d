package edge

import (
	"strings"
	"unicode/utf8"
)

// objectKey maps a rewritten URI to the key of an object in a bucket: the URI without its leading slash, percent-decoded
// once, with a space for "+", which S3 reads in paths as forms have it (%2B is a plus sign). It returns the status with which S3 refuses a URI that has no key, or 0.
//
//   - 400: the URI is not one. It lacks the leading slash, a percent-encoding is malformed, or the decoded key is not
//     UTF-8 (S3 answers InvalidURI).
//   - 404: the URI is well-formed, and no object can have that key. S3 takes "..", "." and empty segments as they stand,
//     and a release holds no such name; neither does it hold NUL. An encoded slash is a slash, as in S3, and a backslash
//     is no separator, but ".." beside one is refused as well, for origins whose file system splits there.
//
// The key therefore never leaves the folder that the function chose, whatever the viewer sent.
func objectKey(uri string) (key string, refused int) {
	if uri == "" || uri[0] != '/' {
		return "", 400
	}
	key = uri[1:]
	if strings.ContainsAny(key, "%+") {
		var ok bool
		if key, ok = decode(strings.ReplaceAll(key, "+", " ")); !ok {
			return "", 400
		}
	}
	if !utf8.ValidString(key) {
		return "", 400
	}
	if !validKey(key) {
		return key, 404
	}
	return key, 0
}

func decode(s string) (string, bool) {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		c, ok := unescape(s, i)
		if !ok {
			return "", false
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String(), true
}

// validKey reports whether no segment of key is empty, "." or "..", and no byte is NUL.
func validKey(key string) bool {
	start, escape := 0, false
	for i := 0; i <= len(key); i++ {
		if i < len(key) && key[i] != '/' && key[i] != '\\' {
			if key[i] == 0 {
				return false
			}
			continue
		}
		switch key[start:i] {
		case ".", "..":
			return false
		case "":
			if !escape && (i == len(key) || key[i] == '/') {
				return false
			}
		}
		escape = i < len(key) && key[i] == '\\'
		start = i + 1
	}
	return true
}
