// Package step is the hosting as the pipeline's release step sees it: what to publish to stands in the environment, and there
// is no project folder. It knows no service but those that a publication needs, so that the program that only publishes
// stays small.
package step

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pointer"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// The environment of a release step: hosting.yaml sets it.
const (
	envSite             = "CHT_SITE"
	envBucket           = "CHT_BUCKET"
	envKeyValueStoreArn = "CHT_KEY_VALUE_STORE_ARN"
	envKeepReleases     = "CHT_KEEP_RELEASES"
	envRouting          = "CHT_ROUTING"
	envURL              = "CHT_URL"
)

// Step is the hosting of a release step. It may publish, and nothing else; the step's role allows no more.
type Step struct {
	site, bucket, store, url string
	keep                     int
	routing                  site.Routing
	version                  string
	account                  *account.Account
}

// FromEnvironment returns the hosting that the environment names, or nil outside of a release step.
func FromEnvironment(version string) *Step {
	s := &Step{
		site: os.Getenv(envSite), bucket: os.Getenv(envBucket), store: os.Getenv(envKeyValueStoreArn),
		url: os.Getenv(envURL), routing: site.Routing(os.Getenv(envRouting)), version: version,
	}
	s.keep, _ = strconv.Atoi(os.Getenv(envKeepReleases)) // 0, the default, if it is not a number
	if s.site == "" || s.bucket == "" || s.store == "" {
		return nil
	}
	return s
}

// Publisher returns the publisher of the site's releases.
func (s *Step) Publisher(ctx context.Context) (*publish.Publisher, error) {
	if s.account == nil {
		a, err := account.Load(ctx, account.Options{})
		if err != nil {
			return nil, err
		}
		s.account = a
	}
	return NewPublisher(s.account, s.bucket, s.store, s.keep, s.routing, s.version), nil
}

// Show returns what the step knows: the site's address and its live release.
func (s *Step) Show(ctx context.Context) (hosting.Info, error) {
	p, err := s.Publisher(ctx)
	if err != nil {
		return hosting.Info{}, err
	}
	live, _, err := p.Pointer.Read(ctx)
	return hosting.Info{Site: s.site, Target: string(site.AWS), URL: s.url, Release: live.Release, Serving: true, Location: "s3://" + s.bucket}, err
}

// errStep is what a release step is not for.
func (s *Step) errStep() error {
	return fault.New(fault.Usage, "unset "+envSite+", and run it in the project's folder",
		"in the release step of %s there is only publish: %w", s.site, errors.ErrUnsupported)
}

// Deploy is not for a release step: it returns a fault.Usage, as do the methods below.
func (s *Step) Deploy(context.Context, hosting.DeployOptions, hosting.Reporter) (hosting.Deployed, error) {
	return hosting.Deployed{}, s.errStep()
}

// Doomed returns a fault.Usage.
func (s *Step) Doomed(context.Context, hosting.DeleteOptions) (hosting.Doomed, error) {
	return hosting.Doomed{}, s.errStep()
}

// Delete returns a fault.Usage.
func (s *Step) Delete(context.Context, hosting.DeleteOptions, hosting.Reporter) (hosting.Removed, error) {
	return hosting.Removed{}, s.errStep()
}

// Execution returns a fault.Usage.
func (s *Step) Execution(context.Context, string) (hosting.Execution, error) {
	return hosting.Execution{}, s.errStep()
}

// Logs returns a fault.Usage.
func (s *Step) Logs(context.Context, string, bool, io.Writer) error { return s.errStep() }

// NewPublisher is the one place in which a publisher for AWS is put together, whoever publishes.
func NewPublisher(a *account.Account, bucketName, storeARN string, keep int, routing site.Routing, version string) *publish.Publisher {
	store := bucket.Open(a.Config, bucketName)
	live := pointer.Open(a.Config, storeARN)
	store.Explain, live.Explain = a.Explain, a.Explain
	return &publish.Publisher{
		Store: store, Pointer: live, Keep: keep,
		PageAliases: routing == site.RoutingStatic, ToolVersion: version,
	}
}

// IsCommit reports whether a release id is the id of a commit: the release step has a checkout without .git.
func IsCommit(id string) bool {
	return (len(id) == 40 || len(id) == 64) && strings.Trim(id, "0123456789abcdef") == ""
}
