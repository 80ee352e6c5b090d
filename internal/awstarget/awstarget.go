// Package awstarget hosts a site in the user's own AWS account: it is what the commands do when their target is aws. It
// puts the rooms below it in order; each of them knows one service, or one thing that a deployment needs.
//
//	account     credentials, region and identity
//	stack       one CloudFormation stack: plan, apply, follow, mend
//	certificate the site's certificate, in us-east-1
//	records     the site's DNS records
//	connection  the account's connection to a Git host
//	binary      the toolkit's Linux program, which the release step runs
//	executions  the pipeline's executions and their output
//	bucket      the hosting bucket, as a publish.ObjectStore
//	pointer     the key-value store, as a publish.Pointer
//	reason      what an error of AWS means to a person
package awstarget

import (
	"context"
	"io"
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
	"github.com/aws/smithy-go/logging"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/connection"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/executions"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
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

// Hosting is one site in one account and region. Nothing is asked of AWS before the first call.
type Hosting struct {
	project *site.Site
	opts    Options
	account *account.Account
}

// New returns the hosting of a site, which need not be deployed yet. It touches nothing and asks nobody.
func New(s *site.Site, opts Options) *Hosting { return &Hosting{project: s, opts: opts} }

// open finds the account, once.
func (h *Hosting) open(ctx context.Context) error {
	if h.account != nil {
		return nil
	}
	a, err := account.Open(ctx, account.Options{Profile: h.opts.Profile, Region: h.opts.Region})
	if err != nil {
		return err
	}
	// The SDK warns on standard error of connections that an interrupt has cut off; errors come as errors.
	a.Config.Logger = logging.Nop{}
	h.account = a
	return nil
}

// explained gives an error about credentials or the network its way out, whichever room it comes from.
func (h *Hosting) explained(err error) error {
	if h.account != nil {
		err = h.account.Explain(err)
	}
	return reason.Of(err)
}

// StackName is the name of a site's stack: the site's own name, which no other source has. It has at most 29 characters of
// the 128 that CloudFormation takes.
func StackName(s *site.Site) string { return s.Name() }

// control is the configuration for the clients of the services that a deployment talks to. The SDK takes
// LimitExceededException for throttling, and would try for minutes; with these services it is a quota of the account.
func (h *Hosting) control() aws.Config {
	cfg := h.account.Config.Copy()
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

func (h *Hosting) stack() *stack.Stack {
	return &stack.Stack{API: cloudformation.NewFromConfig(h.control()), Name: StackName(h.project), Region: h.account.Region, Pace: h.opts.Pace}
}

func (h *Hosting) connections() *connection.Connections {
	return &connection.Connections{API: codeconnections.NewFromConfig(h.control()), Region: h.account.Region, Pace: h.opts.Pace}
}

func (h *Hosting) distributions() *cloudfront.Client {
	return cloudfront.NewFromConfig(h.control())
}

func (h *Hosting) pipeline(state stack.State) *executions.Pipeline {
	return &executions.Pipeline{
		API: codepipeline.NewFromConfig(h.control()), Builds: codebuild.NewFromConfig(h.control()),
		Output: cloudwatchlogs.NewFromConfig(h.control()), Name: state.Outputs[template.OutputPipelineName],
		Region: h.account.Region, Pace: h.opts.Pace,
	}
}

// deployed returns the site's stack; a fault.NotDeployed if there is none that holds a site.
func (h *Hosting) deployed(ctx context.Context) (stack.State, error) {
	if err := h.open(ctx); err != nil {
		return stack.State{}, err
	}
	state, err := h.stack().Describe(ctx)
	if err != nil {
		return state, h.explained(err)
	}
	if !state.Exists() || state.Outputs[template.OutputHostingBucketName] == "" {
		return state, fault.New(fault.NotDeployed, "run deploy; if it is deployed elsewhere, give --region or --profile",
			"site %s is not deployed in account %s, region %s", h.project.Name(), h.account.ID, h.account.Region)
	}
	return state, nil
}

// withPipeline is deployed, for what needs the pipeline.
func (h *Hosting) withPipeline(ctx context.Context) (stack.State, error) {
	state, err := h.deployed(ctx)
	if err == nil && state.Outputs[template.OutputPipelineName] == "" {
		err = fault.New(fault.NotDeployed, "run deploy: it goes on from where it stopped", "site %s has no pipeline yet", h.project.Name())
	}
	return state, err
}

// Execution returns an execution, the newest if id is empty.
func (h *Hosting) Execution(ctx context.Context, id string) (hosting.Execution, error) {
	state, err := h.withPipeline(ctx)
	if err != nil {
		return hosting.Execution{}, err
	}
	e, err := h.pipeline(state).Get(ctx, id)
	if err != nil {
		return e, h.explained(err)
	}
	return h.withRelease(ctx, state, hintZip(state, e)), nil
}

// Logs writes the output of an execution's builds, the newest execution's if id is empty. With follow it goes on until the
// execution is done.
func (h *Hosting) Logs(ctx context.Context, id string, follow bool, w io.Writer) error {
	state, err := h.withPipeline(ctx)
	if err != nil {
		return err
	}
	return h.explained(h.pipeline(state).Logs(ctx, id, follow, w))
}
