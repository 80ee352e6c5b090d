package awstarget

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pointer"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Step is the hosting as the pipeline's release step sees it: what to publish to stands in the environment, and there is
// no project folder. It may publish, and nothing else; the step's role allows no more.
type Step struct {
	site, bucket, store, url string
	keep                     int
	routing                  site.Routing
	version                  string
	account                  *account.Account
}

// ReleaseStep returns the hosting that the environment names, or nil outside of a release step.
func ReleaseStep(version string) *Step {
	s := &Step{
		site: os.Getenv(template.EnvSite), bucket: os.Getenv(template.EnvBucket), store: os.Getenv(template.EnvKeyValueStoreArn),
		url: os.Getenv(template.EnvURL), routing: site.Routing(os.Getenv(template.EnvRouting)), version: version,
	}
	s.keep, _ = strconv.Atoi(os.Getenv(template.EnvKeepReleases)) // 0, the default, if it is not a number
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
	return newPublisher(s.account, s.bucket, s.store, s.keep, s.routing, s.version), nil
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
	return fault.New(fault.Usage, "unset "+template.EnvSite+", and run it in the project's folder",
		"in the release step of %s there is only publish: %w", s.site, errors.ErrUnsupported)
}

// Deploy is not for a release step: it returns a fault.Usage, as do the methods below.
func (s *Step) Deploy(context.Context, hosting.DeployOptions, hosting.Reporter) (hosting.Deployed, error) {
	return hosting.Deployed{}, s.errStep()
}

// Delete returns a fault.Usage.
func (s *Step) Delete(context.Context, hosting.Reporter) (hosting.Removed, error) {
	return hosting.Removed{}, s.errStep()
}

// Execution returns a fault.Usage.
func (s *Step) Execution(context.Context, string) (hosting.Execution, error) {
	return hosting.Execution{}, s.errStep()
}

// Logs returns a fault.Usage.
func (s *Step) Logs(context.Context, string, bool, io.Writer) error { return s.errStep() }

// Publisher returns the publisher of the site's releases. Hosting has to be deployed first: a stack takes minutes, and
// whoever publishes a folder should know about it.
func (h *Hosting) Publisher(ctx context.Context) (*publish.Publisher, error) {
	state, err := h.deployed(ctx)
	if err != nil {
		return nil, err
	}
	return h.publisher(state), nil
}

func (h *Hosting) publisher(state stack.State) *publish.Publisher {
	out := state.Outputs
	return newPublisher(h.account, out[template.OutputHostingBucketName], out[template.OutputKeyValueStoreArn],
		h.project.Keep(), h.project.Config.Routing, h.opts.Version)
}

// newPublisher is the one place in which a publisher for AWS is put together, whoever publishes.
func newPublisher(a *account.Account, bucketName, storeARN string, keep int, routing site.Routing, version string) *publish.Publisher {
	store := bucket.Open(a.Config, bucketName)
	live := pointer.Open(a.Config, storeARN)
	store.Explain, live.Explain = a.Explain, a.Explain
	return &publish.Publisher{
		Store: store, Pointer: live, Keep: keep,
		PageAliases: routing == site.RoutingStatic, ToolVersion: version,
	}
}
