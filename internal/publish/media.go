package publish

import (
	"path"
	"strings"
)

// contentTypes is the whole table of types by lower-case extension. It is fixed, so that a release is the same whichever
// machine publishes it: package mime reads files of the machine. Types are those that IANA registers.
var contentTypes = map[string]string{
	"html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8", "shtml": "text/html; charset=utf-8",
	"xhtml": "application/xhtml+xml; charset=utf-8",
	"css":   "text/css; charset=utf-8",
	"js":    "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8", "cjs": "text/javascript; charset=utf-8",
	"json": "application/json; charset=utf-8", "map": "application/json; charset=utf-8",
	"json5": "application/json5; charset=utf-8", "jsonld": "application/ld+json; charset=utf-8",
	"geojson": "application/geo+json; charset=utf-8", "topojson": "application/json; charset=utf-8",
	"ndjson": "application/x-ndjson; charset=utf-8", "webmanifest": "application/manifest+json; charset=utf-8",
	"xml": "application/xml; charset=utf-8", "xsl": "application/xml; charset=utf-8",
	"rss": "application/rss+xml; charset=utf-8", "atom": "application/atom+xml; charset=utf-8",
	"svg": "image/svg+xml; charset=utf-8",
	"txt": "text/plain; charset=utf-8", "text": "text/plain; charset=utf-8", "log": "text/plain; charset=utf-8",
	"md": "text/markdown; charset=utf-8", "markdown": "text/markdown; charset=utf-8",
	"csv": "text/csv; charset=utf-8", "tsv": "text/tab-separated-values; charset=utf-8",
	"yaml": "application/yaml; charset=utf-8", "yml": "application/yaml; charset=utf-8",
	"toml": "application/toml; charset=utf-8",
	"vtt":  "text/vtt; charset=utf-8", "srt": "text/plain; charset=utf-8", "ics": "text/calendar; charset=utf-8",
	"vcf": "text/vcard; charset=utf-8", "glsl": "text/plain; charset=utf-8", "htc": "text/x-component; charset=utf-8",
	"wasm": "application/wasm", "pdf": "application/pdf", "rtf": "application/rtf", "epub": "application/epub+zip",
	"png": "image/png", "apng": "image/apng", "jpg": "image/jpeg", "jpeg": "image/jpeg", "jfif": "image/jpeg",
	"gif": "image/gif", "webp": "image/webp", "avif": "image/avif", "jxl": "image/jxl", "heic": "image/heic",
	"bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff", "ico": "image/vnd.microsoft.icon", "cur": "image/vnd.microsoft.icon",
	"woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf", "ttc": "font/collection",
	"eot": "application/vnd.ms-fontobject",
	"mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm", "ogv": "video/ogg", "mov": "video/quicktime",
	"avi": "video/vnd.avi", "mkv": "video/matroska", "ts": "video/mp2t", "m3u8": "application/vnd.apple.mpegurl",
	"mpd": "application/dash+xml; charset=utf-8", "m4s": "video/iso.segment",
	"mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "ogg": "audio/ogg", "oga": "audio/ogg", "opus": "audio/ogg",
	"wav": "audio/wav", "flac": "audio/flac", "weba": "audio/webm", "mid": "audio/midi", "midi": "audio/midi",
	"zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip", "tar": "application/x-tar",
	"bz2": "application/x-bzip2", "7z": "application/x-7z-compressed", "xz": "application/x-xz", "zst": "application/zstd",
	"glb": "model/gltf-binary", "gltf": "model/gltf+json", "stl": "model/stl", "obj": "model/obj", "usdz": "model/vnd.usdz+zip",
	"doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"odt":  "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
	"asc": "application/pgp-signature", "sig": "application/pgp-signature", "pem": "application/x-pem-file",
	"apk": "application/vnd.android.package-archive", "dmg": "application/x-apple-diskimage", "exe": "application/vnd.microsoft.portable-executable",
	"pkpass": "application/vnd.apple.pkpass", "parquet": "application/vnd.apache.parquet", "sqlite": "application/vnd.sqlite3",
	"bin": "application/octet-stream", "data": "application/octet-stream", "dat": "application/octet-stream",
}

// namedTypes is for files that have no extension, or whose extension does not tell.
var namedTypes = map[string]string{
	// Apple's and Android's app association files; Apple's has no extension and must be JSON.
	".well-known/apple-app-site-association": "application/json; charset=utf-8",
	"apple-app-site-association":             "application/json; charset=utf-8",
	".well-known/security.txt":               "text/plain; charset=utf-8",
	"LICENSE":                                "text/plain; charset=utf-8",
	"CNAME":                                  "text/plain; charset=utf-8",
	"_redirects":                             "text/plain; charset=utf-8",
	"_headers":                               "text/plain; charset=utf-8",
}

// contentType returns the Content-Type of a path of a release.
func contentType(p string) string {
	if t, ok := namedTypes[p]; ok {
		return t
	}
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(p), "."))
	if t, ok := contentTypes[ext]; ok {
		return t
	}
	// ACME's and other well-known files are text without an extension.
	if ext == "" && strings.HasPrefix(p, ".well-known/") {
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// The cache-control classes. A release has a folder of its own in the edge's cache key, so edges may keep everything for
// a year; only what the browser may keep without asking differs.
const (
	// cacheRevalidate is for names that stay while their content changes: HTML, and whatever has no fingerprint. The
	// browser asks each time and gets a 304 from the edge.
	cacheRevalidate = "public, max-age=0, s-maxage=31536000, must-revalidate"
	// cacheImmutable is for names that change with the content.
	cacheImmutable = "public, max-age=31536000, immutable"
	// cacheErrorPage is for the one object that is not in a release's folder and is overwritten.
	cacheErrorPage = "public, max-age=0, s-maxage=10, must-revalidate"
	// cacheNever is for the publisher's own objects, which no viewer can reach.
	cacheNever = "no-store"
)

// cacheControl returns the Cache-Control of a path of a release.
func cacheControl(p string) string {
	if fingerprinted(p) {
		return cacheImmutable
	}
	return cacheRevalidate
}
