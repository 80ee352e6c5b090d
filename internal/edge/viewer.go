package edge

import (
	"crypto/tls"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// CloudFront's headers about the viewer (Developer Guide, "Add CloudFront request headers"). An edge on one machine knows how
// the viewer is connected, and guesses from User-Agent what kind of device it has; where the viewer is nobody tells it, and
// such headers are not sent, as CloudFront does for an address that it has no place for.

// aboutViewer is the beginning of their names, in lower case.
const aboutViewer = "cloudfront-"

// viewerHeader returns one of CloudFront's headers about the viewer, in any case; "" if nothing is known.
func (r *request) viewerHeader(name string) string {
	agent := r.get(headerName{"User-Agent", "user-agent"})
	switch strings.TrimPrefix(strings.ToLower(name), aboutViewer) {
	case "forwarded-proto":
		if r.secure {
			return "https"
		}
		return "http"
	case "viewer-address":
		return r.address
	case "viewer-http-version":
		return r.version
	case "viewer-tls":
		return tlsText(r.tls)
	case "is-mobile-viewer":
		return strconv.FormatBool(device(agent) == "mobile")
	case "is-tablet-viewer":
		return strconv.FormatBool(device(agent) == "tablet")
	case "is-smarttv-viewer":
		return strconv.FormatBool(device(agent) == "tv")
	case "is-desktop-viewer":
		return strconv.FormatBool(device(agent) == "desktop")
	case "is-ios-viewer":
		return strconv.FormatBool(ios.MatchString(agent))
	case "is-android-viewer":
		return strconv.FormatBool(strings.Contains(agent, "Android"))
	}
	return ""
}

var (
	tv     = regexp.MustCompile(`(?i)smart-?tv|hbbtv|appletv|googletv|bravia|netcast|web0s|webos.*tv|\bcrkey|roku|aft[a-z]\b`)
	tablet = regexp.MustCompile(`(?i)ipad|tablet|kindle|silk/|playbook`)
	mobile = regexp.MustCompile(`(?i)mobile|iphone|ipod|windows phone|opera mini|blackberry`)
	ios    = regexp.MustCompile(`iPhone|iPad|iPod`)
)

// device guesses the kind of a viewer's device. An Android that does not say "Mobile" is a tablet, as Android's own browsers
// have it.
func device(agent string) string {
	switch {
	case tv.MatchString(agent):
		return "tv"
	case tablet.MatchString(agent), strings.Contains(agent, "Android") && !mobile.MatchString(agent):
		return "tablet"
	case mobile.MatchString(agent):
		return "mobile"
	}
	return "desktop"
}

// tlsText is protocol, cipher and kind of handshake, joined with colons; "" without TLS.
func tlsText(state *tls.ConnectionState) string {
	if state == nil || state.Version == 0 {
		return ""
	}
	handshake := "fullHandshake"
	if state.DidResume {
		handshake = "sessionResumed"
	}
	return strings.ReplaceAll(tls.VersionName(state.Version), " ", "v") + ":" + tls.CipherSuiteName(state.CipherSuite) + ":" + handshake
}

// httpVersion is "1.0", "1.1", "2.0" or "3.0".
func httpVersion(hr *http.Request) string {
	switch {
	case hr.ProtoMajor == 3:
		return "3.0"
	case hr.ProtoMajor == 2:
		return "2.0"
	case hr.ProtoMinor == 0:
		return "1.0"
	}
	return "1.1"
}

// addViewerHeaders adds CloudFront's headers that the policies name to those that go to the origin. What a viewer sends under
// such a name is never passed on.
func (r *request) addViewerHeaders(out http.Header) {
	for name := range out {
		if strings.HasPrefix(strings.ToLower(name), aboutViewer) {
			delete(out, name)
		}
	}
	b := r.behavior
	names := b.CachePolicy.Headers.Items
	if p := b.OriginRequestPolicy; p != nil && p.Headers.Behavior != partAllExcept {
		names = slices.Concat(names, p.Headers.Items)
	}
	for _, name := range names {
		if !strings.HasPrefix(strings.ToLower(name), aboutViewer) {
			continue
		}
		if value := r.viewerHeader(name); value != "" {
			out[name] = []string{value} // in CloudFront's own case, which is not Go's
		}
	}
}
