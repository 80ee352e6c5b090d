package publish

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A wrong "yes" leaves stale files in browsers for a year, a wrong "no" costs a 304: whatever could be a word, a date, a
// version or an identifier of something that changes is not a fingerprint.

// codeExts are made by bundlers and hardly by hand; assetExts may be both. Documents and data are in neither: their names
// are often keys ("posts/3f2a1b9c.json") rather than digests.
var (
	codeExts  = []string{"js", "mjs", "cjs", "css", "wasm"}
	assetExts = []string{"woff", "woff2", "ttf", "otf", "eot", "png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico",
		"mp4", "webm", "ogg", "mp3", "m4a", "wav", "glb", "riv", "lottie"}
)

var (
	// base32Hash is esbuild's and Angular's: main-B6TNHZQ6.js.
	base32Hash = regexp.MustCompile(`^[A-Z0-9]{8}$`)
	// base32Names are the names that esbuild and Angular put such a digest after.
	base32Names = regexp.MustCompile(`^(?:chunk|main|polyfills|styles|scripts|worker)-[A-Z0-9]{8}$`)
	// base64Hash is Rollup's and Vite's: index-BX3k29aa.js.
	base64Hash = regexp.MustCompile(`^[A-Za-z0-9_-]{8}$`)
	hexHash    = regexp.MustCompile(`^(?:[0-9a-f]{8,64}|[0-9A-F]{8,64})$`)
	uuid       = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	// hexDate is a date with a month's name that happens to be hexadecimal: 2024feb1, 20240102a.
	hexDate = regexp.MustCompile(`^(?:19|20)\d{2}(?:feb|dec|[01]\d[0-3]\d)`)
	// words is what a person types: one case, or capitalised words, then perhaps a number.
	words = regexp.MustCompile(`^(?:[a-z]+|[A-Z]+|[A-Z]?[a-z]+(?:[A-Z][a-z]+)*)[_-]?\d*$`)
	// nanoid is Next's build id.
	nanoid = regexp.MustCompile(`^[A-Za-z0-9_-]{21}$`)
)

// fingerprinted reports whether a bundler put a digest of the content into the name of the file.
func fingerprinted(p string) bool {
	dirs := strings.Split(path.Dir(p), "/")
	if within(dirs, "_app", "immutable") {
		return true // SvelteKit: everything in this folder
	}
	stem, ext := split(path.Base(p))
	code := slices.Contains(codeExts, ext)
	if !code && !slices.Contains(assetExts, ext) {
		return false
	}
	if i := slices.Index(dirs, "_next"); i >= 0 && len(dirs) == i+3 && dirs[i+1] == "static" && nanoid.MatchString(dirs[i+2]) && mixed(dirs[i+2]) {
		return true // _next/static/<build id>/_buildManifest.js
	}
	bundled := slices.Contains(dirs, "_astro") || slices.Contains(dirs, "_nuxt") || within(dirs, "_next", "static")
	if uuid.MatchString(stem) {
		return false
	}
	return isHash(stem, code, bundled, slices.Contains(dirs, "assets"))
}

// isHash looks for a digest at the end of stem, or for a stem that is nothing but one.
func isHash(stem string, code, bundled, assets bool) bool {
	if i := strings.LastIndexAny(stem, "-._"); i > 0 {
		token := stem[i+1:]
		if isHex(token) || stem[i] != '_' && isBase32(token, code && base32Names.MatchString(stem)) {
			return true
		}
	}
	if n := len(stem) - 8; n > 1 && strings.IndexByte("-.", stem[n-1]) >= 0 && isBase64(stem[n:], bundled || assets && code) {
		return true
	}
	// A name that is nothing but a digest: in a bundler's folder, or long enough to be nothing else.
	if bundled && (isHex(stem) || isBase64(stem, true)) {
		return true
	}
	return code && len(stem) >= 16 && isHex(stem)
}

func isHex(s string) bool {
	return hexHash.MatchString(s) && !hexDate.MatchString(s) &&
		strings.ContainsAny(s, "0123456789") && strings.ContainsAny(s, "abcdefABCDEF")
}

// isBase32 takes any eight capitals and digits for a digest after one of a bundler's names; after other names they must
// not look like a word.
func isBase32(s string, named bool) bool {
	if !base32Hash.MatchString(s) || strings.ToLower(s) == s {
		return false
	}
	return named || strings.ContainsAny(s, "0123456789") && !words.MatchString(s)
}

// isBase64 wants letters of both cases; in a bundler's folder CamelCase may be a digest, elsewhere it is a name.
func isBase64(s string, bundled bool) bool {
	if !base64Hash.MatchString(s) || !mixed(s) {
		return false
	}
	if bundled {
		return !strings.ContainsAny(s, "0123456789") || !words.MatchString(s)
	}
	return strings.ContainsAny(s, "0123456789") && !words.MatchString(s)
}

func mixed(s string) bool { return strings.ToLower(s) != s && strings.ToUpper(s) != s }

// within reports whether dirs has a followed by b.
func within(dirs []string, a, b string) bool {
	for i := 0; i+1 < len(dirs); i++ {
		if dirs[i] == a && dirs[i+1] == b {
			return true
		}
	}
	return false
}

// split takes the extension off a file name, and what bundlers put between the digest and the extension.
func split(base string) (stem, ext string) {
	base = strings.TrimSuffix(base, ".map")
	ext = path.Ext(base)
	stem = strings.TrimSuffix(base, ext)
	for _, s := range []string{".min", ".chunk", ".bundle", ".module", ".lean", ".legacy", ".esm", "-s.p", "-s"} {
		stem = strings.TrimSuffix(stem, s)
	}
	return stem, strings.ToLower(strings.TrimPrefix(ext, "."))
}
