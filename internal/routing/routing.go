// Package routing holds the toolkit's own CloudFront Functions: how the path that a viewer asks for becomes the key of a
// file in the current release.
//
// Both read the id of the release from the key-value store (the key "path") and put it before the path. They never decode
// the path or encode it again, and answer 503 with Retry-After themselves when the store has no release. testdata holds
// what each maps to what, as JSON lists of name, uri and want (without the release).
package routing

import (
	_ "embed"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

//go:embed spa.js
var spa string

//go:embed static.js
var static string

// Code returns the function of a routing. RoutingCustom has none: its function is the user's own file.
func Code(r site.Routing) (string, error) {
	switch r {
	case site.RoutingSPA:
		return spa, nil
	case site.RoutingStatic:
		return static, nil
	case site.RoutingCustom:
		return "", fault.New(fault.Usage, "write "+site.Folder+"/"+site.FunctionFile+", or choose the routing spa or static",
			"the routing custom has no function of the toolkit's")
	}
	return "", fault.New(fault.Usage, "choose spa, static or custom", "unknown routing %q", r)
}
