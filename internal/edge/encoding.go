package edge

import (
	"strings"
)

// encoding is a content coding of the edge.
type encoding int

// The codings, in the order of preference.
const (
	identity encoding = iota
	gzipped
	brotlied
	encodings
)

var encodingNames = [encodings]string{"identity", "gzip", "br"}

// Objects are compressed from minCompress to maxCompress bytes (Developer Guide, ServingCompressedFiles).
const (
	minCompress = 1_000
	maxCompress = 10_000_000
)

// accepted normalises an Accept-Encoding header as CloudFront does for the cache key (Developer Guide,
// controlling-the-cache-key): only gzip and br count, whatever their weight, unless it is 0.
func accepted(header string) (gzip, br bool) {
	for header != "" {
		var item string
		item, header, _ = strings.Cut(header, ",")
		name, params, _ := strings.Cut(item, ";")
		name = strings.TrimSpace(name)
		switch {
		case strings.EqualFold(name, "gzip"):
			gzip = !zeroWeight(params)
		case strings.EqualFold(name, "br"):
			br = !zeroWeight(params)
		}
	}
	return gzip, br
}

// zeroWeight reports whether the parameters of a coding hold q=0, in any of its spellings.
func zeroWeight(params string) bool {
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		name, value, ok := strings.Cut(p, "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		value = strings.TrimSpace(value)
		if value == "" {
			return false
		}
		whole, decimals, _ := strings.Cut(value, ".")
		return strings.Trim(whole, "0") == "" && strings.Trim(decimals, "0") == ""
	}
	return false
}

// negotiate returns the coding that a viewer gets of a compressible object: Brotli before gzip.
func (b *behavior) negotiate(r *request) encoding {
	if !b.gzip && !b.br || r.http10 {
		return identity
	}
	gzip, br := accepted(r.get(hdrAcceptEncoding))
	switch {
	case br && b.br:
		return brotlied
	case gzip && b.gzip:
		return gzipped
	default:
		return identity
	}
}

// compressible reports whether the behaviour compresses an object with this type and size.
func (b *behavior) compressible(contentType string, size int64) bool {
	if !b.gzip && !b.br || size < minCompress || size > maxCompress {
		return false
	}
	media, _, _ := strings.Cut(contentType, ";")
	return compressedTypes[strings.ToLower(strings.TrimSpace(media))]
}

// compressedTypes are the types of the Developer Guide's list, ServingCompressedFiles, "File types that CloudFront
// compresses". Among those that are not in it: font/woff2 and application/manifest+json.
var compressedTypes = func() map[string]bool {
	m := make(map[string]bool)
	for t := range strings.FieldsSeq(`
		application/dash+xml application/eot application/font application/font-sfnt application/javascript
		application/json application/opentype application/otf application/pdf application/pkcs7-mime
		application/protobuf application/rss+xml application/truetype application/ttf application/vnd.apple.mpegurl
		application/vnd.mapbox-vector-tile application/vnd.ms-fontobject application/wasm application/xhtml+xml
		application/xml application/x-font-opentype application/x-font-truetype application/x-font-ttf
		application/x-httpd-cgi application/x-javascript application/x-mpegurl application/x-opentype
		application/x-otf application/x-perl application/x-ttf font/eot font/opentype font/otf font/ttf
		image/svg+xml text/css text/csv text/html text/javascript text/js text/plain text/richtext
		text/tab-separated-values text/xml text/x-component text/x-java-source text/x-script vnd.apple.mpegurl`) {
		m[t] = true
	}
	return m
}()
