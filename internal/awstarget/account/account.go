// Package account finds the AWS account to work in: credentials, region and identity, by the SDK's default chain
// (environment, profiles, IAM Identity Center, web identity, containers, instance metadata). Credentials that are missing,
// expired or refused become one sentence that names the source, with the command that mends it.
package account

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

const (
	// maxAttempts and maxBackoff carry a request over a minute or so of throttling. The SDK's own three attempts are
	// made for servers that answer somebody; a deployment would rather wait.
	maxAttempts = 10
	maxBackoff  = 20 * time.Second
	// appID is sent in the User-Agent, so that the tool's calls can be told apart in CloudTrail.
	appID = "cloudfront-hosting-toolkit"
)

// Options choose the account. Empty ones leave the choice to the environment and the AWS configuration files.
type Options struct {
	// Profile is a profile of those files; it goes before keys in the environment.
	Profile string
	Region  string
}

// Account is an AWS account in one region, and how to act in it.
type Account struct {
	// Config is what clients are made of.
	Config aws.Config
	// Region is where the site's stack is.
	Region string
	// Source is where the credentials come from.
	Source Source
	// ID is the account's number, ARN who acts in it, and Partition the group of regions it belongs to ("aws",
	// "aws-cn"). They are empty until Identify.
	ID, ARN, Partition string
}

// Load finds region and credentials, and asks nobody yet whether they are any good: see Identify. AWS_ENDPOINT_URL, its
// forms for single services and every other setting of the SDK's count.
func Load(ctx context.Context, opts Options) (*Account, error) {
	// The SDK warns on standard error of a metadata service of another kind, or of connections that an interrupt has cut off: errors
	// come as errors.
	load := []func(*config.LoadOptions) error{config.WithAppID(appID), config.WithLogger(logging.Nop{})}
	if opts.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(opts.Profile))
	}
	if opts.Region != "" {
		load = append(load, config.WithRegion(opts.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, unloadable(err)
	}
	source := sourceOf(cfg, opts)
	if cfg.Region == "" {
		return nil, fault.New(fault.Usage, regionHint(source), "no AWS region is chosen")
	}
	if !retriesChosen(cfg) {
		cfg.Retryer = patient
	}
	cfg.APIOptions = append(cfg.APIOptions, plainBodies)
	return &Account{Config: cfg, Region: cfg.Region, Source: source}, nil
}

// Open is Load and Identify.
func Open(ctx context.Context, opts Options) (*Account, error) {
	a, err := Load(ctx, opts)
	if err != nil {
		return nil, err
	}
	return a, a.Identify(ctx)
}

// Identify asks AWS whose credentials these are. Nobody can be denied this; an error is about the credentials or the
// network, and Explain has been applied to it.
func (a *Account) Identify(ctx context.Context) error {
	who, err := sts.NewFromConfig(a.Config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return a.Explain(fmt.Errorf("ask AWS for the account: %w", err))
	}
	a.ID, a.ARN = aws.ToString(who.Account), aws.ToString(who.Arn)
	a.Partition = partition(a.ARN)
	return nil
}

// patient retries what is worth a retry, with growing and random pauses. It has no quota for retries: that protects a
// server with many callers from its own client, and here it would end an upload that S3 has asked to slow down.
func patient() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff, o.RateLimiter = maxAttempts, maxBackoff, ratelimit.None
	})
}

// retriesChosen reports whether the user has set a mode or a number of retries.
func retriesChosen(cfg aws.Config) bool {
	for _, s := range cfg.ConfigSources {
		switch c := s.(type) {
		case config.EnvConfig:
			if c.RetryMaxAttempts != 0 || c.RetryMode != "" {
				return true
			}
		case config.SharedConfig:
			if c.RetryMaxAttempts != 0 || c.RetryMode != "" {
				return true
			}
		}
	}
	return false
}
