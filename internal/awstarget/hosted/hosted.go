// Package hosted is one site in one AWS account and region: what was chosen, the account as soon as it is open, the clients
// for what a site has there, and the stack that holds it. Whatever is done with a site begins here; nothing here changes
// anything.
package hosted

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/connection"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/executions"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pace"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Options are what a Hosting depends on.
type Options struct {
	// Profile and Region choose the account; empty ones leave it to the environment and the AWS configuration.
	Profile, Region string
	// Executable is this program: on Linux, the release step runs a copy of it.
	Executable string
	Version    string
	// Full waits until CloudFormation calls every resource ready, instead of doing so only for what the first release needs.
	Full bool
	// Connection is the ARN or the name of the connection to use; empty finds one, or makes one.
	Connection string
	// CIRole is whose CI may publish with a role of its own, in the words of template.ParseCIRole; empty leaves it as it is.
	CIRole string
	// Pace is the time between two looks at a long operation; each has its own default if it is 0.
	Pace time.Duration
	// HTTP asks the site's URL; a client of its own if it is nil.
	HTTP *http.Client
	// DNS asks public DNS for the site's own names; the machine's resolver if it is nil.
	DNS Resolver
	// WaitLimit is how long each thing is waited for that only somebody else can do: a connection that a person completes, a
	// certificate that ACM issues, DNS records that are made elsewhere. 0 waits for as long as it takes.
	WaitLimit time.Duration
	// Patience is how long a name that the tool has led to the site may take to answer; some minutes if it is 0.
	Patience time.Duration
	// Unattended says that questions are answered with yes by nobody: what only a person may decide is an error then.
	Unattended bool
}

// Hosting is one site in one account and region. Nothing is asked of AWS before Open, and clients are made of an open one only.
type Hosting struct {
	// Project is nil where the account alone is asked.
	Project *site.Site
	Opts    Options
	// Account is nil before Open.
	Account *account.Account
}

// New returns the hosting of a site, which need not be deployed yet. It touches nothing and asks nobody.
func New(s *site.Site, opts Options) *Hosting { return &Hosting{Project: s, Opts: opts} }

// Open finds the account, once.
func (h *Hosting) Open(ctx context.Context) error {
	if h.Account != nil {
		return nil
	}
	a, err := account.Open(ctx, account.Options{Profile: h.Opts.Profile, Region: h.Opts.Region})
	if err != nil {
		return err
	}
	h.Account = a
	return nil
}

// Explained gives an error about credentials or the network its way out, whichever room it comes from.
func (h *Hosting) Explained(err error) error {
	if h.Account != nil {
		err = h.Account.Explain(err)
	}
	return reason.Of(err)
}

// StackName is the name of a site's stack: the site's own name, which no other source has. It has at most 29 characters of
// the 128 that CloudFormation takes.
func StackName(s *site.Site) string { return s.Name() }

// Control is the configuration for the clients of the services that a deployment talks to. The SDK takes
// LimitExceededException for throttling, and would try for minutes; with these services it is a quota of the account.
func (h *Hosting) Control() aws.Config {
	cfg := h.Account.Config.Copy()
	base := cfg.Retryer
	if base == nil {
		base = func() aws.Retryer { return retry.NewStandard() }
	}
	cfg.Retryer = func() aws.Retryer {
		if r, ok := base().(aws.RetryerV2); ok {
			return quotas{r}
		}
		return base()
	}
	return cfg
}

// quotas retries what the retryer in it does, but for quotas.
type quotas struct{ aws.RetryerV2 }

// IsErrorRetryable implements aws.Retryer.
func (q quotas) IsErrorRetryable(err error) bool {
	return reason.Code(err) != "LimitExceededException" && q.RetryerV2.IsErrorRetryable(err)
}

// Stack is the site's stack, whether it is there or not.
func (h *Hosting) Stack() *stack.Stack {
	return &stack.Stack{API: cloudformation.NewFromConfig(h.Control()), Name: StackName(h.Project), Region: h.Account.Region, Pace: h.Opts.Pace}
}

// Connections are the account's connections to Git hosts.
func (h *Hosting) Connections() *connection.Connections {
	return &connection.Connections{API: codeconnections.NewFromConfig(h.Control()), Region: h.Account.Region, Pace: h.Opts.Pace}
}

// Distributions is a client of CloudFront.
func (h *Hosting) Distributions() *cloudfront.Client {
	return cloudfront.NewFromConfig(h.Control())
}

// DistributionIsGone reports whether the account has no such distribution. One that may not be looked at is there.
func (h *Hosting) DistributionIsGone(ctx context.Context, id string) (bool, error) {
	_, err := h.Distributions().GetDistribution(ctx, &cloudfront.GetDistributionInput{Id: &id})
	switch {
	case reason.Code(err) == "NoSuchDistribution":
		return true, nil
	case err == nil || reason.Denied(err):
		return false, nil
	}
	return false, fmt.Errorf("look at distribution %s: %w", id, reason.Of(err))
}

// PipelineOf is the pipeline of a stack.
func (h *Hosting) PipelineOf(state stack.State) *executions.Pipeline {
	return &executions.Pipeline{
		API: codepipeline.NewFromConfig(h.Control()), Builds: codebuild.NewFromConfig(h.Control()),
		Output: cloudwatchlogs.NewFromConfig(h.Control()), Name: state.Outputs[template.OutputPipelineName],
		Region: h.Account.Region, Pace: h.Opts.Pace,
	}
}

// Deployed returns the site's stack; a fault.NotDeployed if there is none that holds a site.
func (h *Hosting) Deployed(ctx context.Context) (stack.State, error) {
	if err := h.Open(ctx); err != nil {
		return stack.State{}, err
	}
	state, err := h.Stack().Describe(ctx)
	if err != nil {
		return state, h.Explained(err)
	}
	if !state.Exists() || state.Outputs[template.OutputHostingBucketName] == "" {
		return state, fault.New(fault.NotDeployed, "run deploy; if it is deployed elsewhere, give --region or --profile",
			"site %s is not deployed in account %s, region %s", h.Project.Name(), h.Account.ID, h.Account.Region)
	}
	return state, nil
}

// WithPipeline is Deployed, for what needs the pipeline.
func (h *Hosting) WithPipeline(ctx context.Context) (stack.State, error) {
	state, err := h.Deployed(ctx)
	if err == nil && state.Outputs[template.OutputPipelineName] == "" {
		err = fault.New(fault.NotDeployed, "run deploy: it goes on from where it stopped", "site %s has no pipeline yet", h.Project.Name())
	}
	return state, err
}

// Limited is a context for what only somebody else can do.
func (h *Hosting) Limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if h.Opts.WaitLimit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, h.Opts.WaitLimit, fmt.Errorf("it has taken %s", h.Opts.WaitLimit))
}

// Pause waits for the pause of the options, or for the usual one if they have none.
func (h *Hosting) Pause(ctx context.Context, usual time.Duration) error {
	return pace.Wait(ctx, cmp.Or(h.Opts.Pace, usual))
}
