package hosted

import (
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/step"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// HoldsSite reports whether a stack is there that holds a site.
func HoldsSite(state stack.State) bool {
	return state.Exists() && state.Outputs[template.OutputHostingBucketName] != ""
}

// URL is the address of the site: its first domain name once it has a certificate, else the distribution's name.
func URL(state stack.State) string {
	host := state.Outputs[template.OutputDistributionDomainName]
	if names := state.Parameters[template.ParamDomainNames]; names != "" && state.Parameters[template.ParamCertificateArn] != "" {
		host, _, _ = strings.Cut(names, ",")
	}
	return "https://" + host + "/"
}

// OwnURL is the site's address under CloudFront's own name.
func OwnURL(state stack.State) string {
	return "https://" + state.Outputs[template.OutputDistributionDomainName] + "/"
}

// PublisherOf is the publisher of the releases that a stack holds.
func (h *Hosting) PublisherOf(state stack.State) *publish.Publisher {
	out := state.Outputs
	return step.NewPublisher(h.Account, out[template.OutputHostingBucketName], out[template.OutputKeyValueStoreArn],
		h.Project.Keep(), h.Project.Config.Routing, h.Opts.Version)
}
