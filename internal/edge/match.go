package edge

import "strings"

// behaviorFor returns the first behaviour whose pattern matches the viewer's URI; the last one matches everything.
//
// As CloudFront documents it (Developer Guide, DownloadDistValuesPathPattern), the URI is normalised as RFC 3986 has it
// for this comparison only: repeated slashes and dot segments are removed. Functions and origins get the URI as sent.
func (e *Edge) behaviorFor(uri string) *behavior {
	last := len(e.behaviors) - 1
	if last > 0 {
		path := normalizePath(uri)
		for _, b := range e.behaviors[:last] {
			if matchPattern(b.pattern, path) {
				return b
			}
		}
	}
	return e.behaviors[last]
}

// normalizePattern adds the leading slash that a path pattern may omit.
func normalizePattern(p string) string {
	if p == "" || p[0] == '/' || p[0] == '*' {
		return p
	}
	return "/" + p
}

// matchPattern reports whether a path pattern matches all of s: * is any number of characters, ? is exactly one, and
// everything else is itself, case-sensitive.
func matchPattern(pattern, s string) bool {
	var p, i int
	star, mark := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// normalizePath applies the normalisations of RFC 3986, section 6.2.2, to a path: percent-encoded unreserved characters
// are decoded, dot segments are removed, and, as CloudFront does, repeated slashes are merged.
func normalizePath(uri string) string {
	if !strings.Contains(uri, "//") && !strings.Contains(uri, "/.") && strings.IndexByte(uri, '%') < 0 {
		return uri
	}
	segments := strings.Split(decodeUnreserved(uri), "/")
	var out []string
	for i, s := range segments {
		switch s {
		case "":
			continue
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
			fallthrough
		case ".":
			if i == len(segments)-1 {
				segments[i] = ""
			}
		default:
			out = append(out, s)
		}
	}
	path := "/" + strings.Join(out, "/")
	if len(out) > 0 && segments[len(segments)-1] == "" {
		path += "/"
	}
	return path
}

func decodeUnreserved(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if c, ok := unescape(s, i); ok && isUnreserved(c) {
			b.WriteByte(c)
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func isUnreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// unescape returns the byte that the percent-encoding at s[i] stands for.
func unescape(s string, i int) (byte, bool) {
	if s[i] != '%' || i+2 >= len(s) {
		return 0, false
	}
	hi, ok1 := unhex(s[i+1])
	lo, ok2 := unhex(s[i+2])
	return hi<<4 | lo, ok1 && ok2
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
