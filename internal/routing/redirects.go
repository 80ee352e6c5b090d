package routing

import (
	"regexp"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// redirects is the place in the toolkit's functions for the host names that are redirected.
var redirects = regexp.MustCompile(`(?m)^const REDIRECTS = \{`)

// WithRedirects is a function's code with the names that are to be redirected put into its REDIRECTS, before what a person
// may have written there, which counts where both name one host. It is what is deployed, and never written into the
// project's file. Code without that place, such as a person's own, stays as it is.
func WithRedirects(code string, names []site.Name) string {
	at := redirects.FindStringIndex(code)
	if at == nil {
		return code
	}
	var b strings.Builder
	for _, n := range names {
		if n.RedirectTo != "" {
			b.WriteString(" '" + n.Host + "': '" + n.RedirectTo + "',") // letters, digits, dots and hyphens
		}
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	return code[:at[1]] + b.String() + code[at[1]:]
}
