package hosted

import (
	"context"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// withoutConnections are the regions in which CodePipeline has no source action for a connection (CodePipeline User Guide,
// "CodeStarSourceConnection for Bitbucket Cloud, GitHub, …"), and newer ones whose CloudFormation has no connections either (its
// resource schemas by region).
var withoutConnections = []string{
	"ap-east-1", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-northeast-3", "af-south-1", "me-south-1", "me-central-1",
	"eu-south-2", "eu-central-2", "il-central-1", "us-gov-west-1",
	"ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
}

// withoutBuilds are the regions whose CloudFormation has no CodeBuild projects.
var withoutBuilds = []string{"ap-east-2", "ca-west-1", "mx-central-1"}

// Unsupported says why a site's stack cannot be in a region, or "". git is true for a site that is built from a repository.
func Unsupported(region string, git bool) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "CloudFront in China has neither functions nor key-value stores"
	case strings.HasPrefix(region, "us-gov-"):
		return "CloudFront's key-value stores are not a service of GovCloud"
	case slices.Contains(withoutBuilds, region):
		return "CloudFormation has no CodeBuild projects there"
	case git && slices.Contains(withoutConnections, region):
		return "CodePipeline has no connections to Git hosts there"
	}
	return ""
}

// CheckRegion refuses a region that Unsupported has something against. A stack that is there shows that the region has what it
// needs by now, and a connection that somebody names, that there are some.
func (h *Hosting) CheckRegion(region string, there bool) error {
	git := h.Project.Repository != "" && h.Opts.Connection == ""
	if why := Unsupported(region, git); why != "" && !there {
		return fault.New(fault.Usage, "choose another one, such as --region us-east-1", "%s: %s", region, why)
	}
	return nil
}

// ReleasesOnLambda reports whether the release step runs on Lambda compute in a region, as hosting.yaml decides. An empty
// region is taken for one that has it.
func ReleasesOnLambda(region string) bool {
	return region == "" || template.LambdaCompute(region)
}

// Region is the region that the options, the environment and the AWS configuration choose; "" if none does. It asks nobody.
func Region(ctx context.Context, opts Options) string {
	a, err := account.Load(ctx, account.Options{Profile: opts.Profile, Region: opts.Region})
	if err != nil {
		return ""
	}
	return a.Region
}
