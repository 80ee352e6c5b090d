package edge

import (
	"net/http"
	"strings"
	"time"
)

// precondition evaluates the conditional headers against a representation, in the order of RFC 9110, section 13.2.2.
// It returns 304, 412, or 0 to go on.
func precondition(r *request, etag string, modified time.Time) int {
	if h := r.get(hdrIfMatch); h != "" {
		if !etagListed(h, etag, strongMatch) {
			return http.StatusPreconditionFailed
		}
	} else if h := r.get(hdrIfUnmodifiedSince); h != "" {
		if t, err := http.ParseTime(h); err == nil && !modified.IsZero() && modified.Truncate(time.Second).After(t) {
			return http.StatusPreconditionFailed
		}
	}
	if h := r.get(hdrIfNoneMatch); h != "" {
		if etagListed(h, etag, weakMatch) {
			return http.StatusNotModified
		}
	} else if h := r.get(hdrIfModifiedSince); h != "" {
		if t, err := http.ParseTime(h); err == nil && !modified.IsZero() && !modified.Truncate(time.Second).After(t) {
			return http.StatusNotModified
		}
	}
	return 0
}

// rangeApplies evaluates If-Range (RFC 9110, section 13.1.5): a strong entity tag or the exact date of the last change.
func rangeApplies(ifRange, etag string, modified time.Time) bool {
	if ifRange == "" {
		return true
	}
	if strings.HasPrefix(ifRange, `"`) || strings.HasPrefix(ifRange, "W/") {
		return strongMatch(strings.TrimSpace(ifRange), etag)
	}
	t, err := http.ParseTime(ifRange)
	return err == nil && !modified.IsZero() && modified.Truncate(time.Second).Equal(t)
}

// etagListed reports whether a list of entity tags, or *, holds etag.
func etagListed(list, etag string, match func(a, b string) bool) bool {
	for list = strings.TrimSpace(list); list != ""; {
		if list[0] == ',' || list[0] == ' ' || list[0] == '\t' {
			list = list[1:]
			continue
		}
		if list[0] == '*' {
			return true
		}
		tag, rest, ok := cutETag(list)
		if !ok {
			return false
		}
		if match(tag, etag) {
			return true
		}
		list = rest
	}
	return false
}

// cutETag splits the entity tag off the beginning of s.
func cutETag(s string) (tag, rest string, ok bool) {
	start := 0
	if strings.HasPrefix(s, "W/") {
		start = 2
	}
	if start >= len(s) || s[start] != '"' {
		return "", "", false
	}
	end := strings.IndexByte(s[start+1:], '"')
	if end < 0 {
		return "", "", false
	}
	end += start + 2
	return s[:end], s[end:], true
}

func strongMatch(a, b string) bool {
	return a == b && strings.HasPrefix(a, `"`)
}

func weakMatch(a, b string) bool {
	return b != "" && strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}

// validETag returns the entity tag as CloudFront passes it on, "" for one that is not valid, which it drops (Developer
// Guide, ServingCompressedFiles, "ETag header conversion").
func validETag(etag string) string {
	if tag, rest, ok := cutETag(etag); ok && rest == "" {
		return tag
	}
	return ""
}

// weaken returns the entity tag of a form that the edge compressed.
func weaken(etag string) string {
	if strings.HasPrefix(etag, `"`) {
		return "W/" + etag
	}
	return etag
}
