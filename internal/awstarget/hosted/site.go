package hosted

import (
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/step"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
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

// Reachable refuses a repository that CodePipeline cannot fetch.
func (h *Hosting) Reachable(in template.Input) error {
	const out = "push it to one of them as well and set repoUrl to that, or deploy to --target local"
	if h.Project.Local() || strings.HasPrefix(h.Project.Repository, "file:") {
		return fault.New(fault.Usage, out, "the repository %s is on this machine, and AWS fetches from GitHub, GitLab or Bitbucket only", h.Project.Repository)
	}
	if in.Parameters[template.ParamFullRepositoryID] == "" {
		return fault.New(fault.Usage, out, "AWS cannot fetch from %s: a connection reaches repositories at github.com, gitlab.com and bitbucket.org",
			site.StripCredentials(h.Project.Repository))
	}
	return nil
}
