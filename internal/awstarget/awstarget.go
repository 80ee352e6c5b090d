// Package awstarget hosts a site in the user's own AWS account: it is what the commands do when their target is aws, and what a
// deployment does. It puts the rooms below it in order; each of them knows one service, or one thing that a deployment needs.
//
//	hosted      one site in one account: what was chosen, the clients, the stack that holds it
//	domain      the site's own names: brought to its distribution, looked at, removed again
//	checkup     what doctor looks at
//	removal     what delete does
//	account     credentials, region and identity
//	stack       one CloudFormation stack: plan, apply, follow, mend, delete
//	certificate the site's certificate, in us-east-1
//	records     the site's DNS records
//	zones       the account's hosted zones
//	connection  the account's connection to a Git host
//	binary      the toolkit's Linux program, which the release step runs
//	step        the hosting as that program sees it
//	executions  the pipeline's executions and their output
//	zipbucket   the bucket that zip files are uploaded to
//	bucket      the hosting bucket, as a publish.ObjectStore
//	pointer     the key-value store, as a publish.Pointer
//	teardown    empties buckets
//	permission  the deployer's policy, and whether somebody is allowed it
//	quota       what the account has, and may have
//	reason      what an error of AWS means to a person
//	pace        the pause between two looks
package awstarget

import (
	"context"
	"io"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/checkup"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/domain"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/removal"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/zones"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Options are what a Hosting depends on.
type Options = hosted.Options

// Resolver asks public DNS.
type Resolver = hosted.Resolver

// Hosting is one site in one account and region. Nothing is asked of AWS before the first call.
type Hosting struct{ *hosted.Hosting }

// New returns the hosting of a site, which need not be deployed yet. It touches nothing and asks nobody.
func New(s *site.Site, opts Options) *Hosting { return &Hosting{hosted.New(s, opts)} }

// StackName is the name of a site's stack.
func StackName(s *site.Site) string { return hosted.StackName(s) }

// Region is the region that the options, the environment and the AWS configuration choose; "" if none does. It asks nobody.
func Region(ctx context.Context, opts Options) string { return hosted.Region(ctx, opts) }

// ReleasesOnLambda reports whether the release step runs on Lambda compute in a region. An empty region is taken for one that
// has it.
func ReleasesOnLambda(region string) bool { return hosted.ReleasesOnLambda(region) }

// HostedZones lists the public hosted zones of the account that the options choose. It needs no site.
func HostedZones(ctx context.Context, opts Options) ([]zones.Zone, error) {
	return domain.HostedZones(ctx, opts)
}

// Doctor looks at everything that hosting the site on AWS needs. It works before anything is deployed, and changes nothing.
func (h *Hosting) Doctor(ctx context.Context, report hosting.Reporter) ([]hosting.Check, error) {
	return checkup.Doctor(ctx, h.Hosting, report)
}

// Policy is the policy for whoever deploys a site, as IAM takes it: see checkup.Policy.
func Policy(ctx context.Context, s *site.Site, opts Options) (string, error) {
	return checkup.Policy(ctx, s, opts)
}

// Doomed tells what Delete would remove and leave. It changes nothing. A fault.NotDeployed means that there is nothing of the
// site in the account; what may not be deleted is an error, too.
func (h *Hosting) Doomed(ctx context.Context, opts hosting.DeleteOptions) (hosting.Doomed, error) {
	return removal.Doomed(ctx, h.Hosting, opts)
}

// Delete removes the site's hosting from the account. It asks nothing, and goes on where an earlier one was cut off.
func (h *Hosting) Delete(ctx context.Context, opts hosting.DeleteOptions, report hosting.Reporter) (hosting.Removed, error) {
	return removal.Delete(ctx, h.Hosting, opts, report)
}

// Execution returns an execution, the newest if id is empty.
func (h *Hosting) Execution(ctx context.Context, id string) (hosting.Execution, error) {
	state, err := h.WithPipeline(ctx)
	if err != nil {
		return hosting.Execution{}, err
	}
	e, err := h.PipelineOf(state).Get(ctx, id)
	if err != nil {
		return e, h.Explained(err)
	}
	return h.withRelease(ctx, state, hintZip(state, e)), nil
}

// Logs writes the output of an execution's builds, the newest execution's if id is empty. With follow it goes on until the
// execution is done.
func (h *Hosting) Logs(ctx context.Context, id string, follow bool, w io.Writer) error {
	state, err := h.WithPipeline(ctx)
	if err != nil {
		return err
	}
	return h.Explained(h.PipelineOf(state).Logs(ctx, id, follow, w))
}
