package cli

import (
	"context"
	"io"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// target is where a site is hosted.
type target interface {
	hoster
	pipeline
	publisher
	examiner
}

// examiner looks without changing anything.
type examiner interface {
	// Doctor works before anything is deployed. Its error is that of the context; everything else is a check.
	Doctor(ctx context.Context, report hosting.Reporter) ([]hosting.Check, error)
	// Preview returns what Deploy would do. It refuses what Deploy refuses before it asks anybody.
	Preview(ctx context.Context, report hosting.Reporter) (hosting.Preview, error)
}

// hoster creates, shows and removes a site's hosting.
type hoster interface {
	// Show returns fault.NotDeployed if nothing is deployed.
	Show(ctx context.Context) (hosting.Info, error)
	// Deploy returns fault.Failed, with what was deployed, if the pipeline's run failed.
	Deploy(ctx context.Context, options hosting.DeployOptions, report hosting.Reporter) (hosting.Deployed, error)
	// Doomed tells what Delete would do; a fault.NotDeployed if there is nothing to delete.
	Doomed(ctx context.Context, options hosting.DeleteOptions) (hosting.Doomed, error)
	// Delete asks nothing. With an error it returns what was removed all the same.
	Delete(ctx context.Context, options hosting.DeleteOptions, report hosting.Reporter) (hosting.Removed, error)
}

// pipeline tells of executions; the empty id is the newest one.
type pipeline interface {
	Execution(ctx context.Context, id string) (hosting.Execution, error)
	Logs(ctx context.Context, id string, follow bool, w io.Writer) error
}

// publisher gives the publisher of the site's releases. Before the first deployment it creates what a release needs.
type publisher interface {
	Publisher(ctx context.Context) (*publish.Publisher, error)
}

// openTarget chooses the target: --target, else the configuration's, else the local one.
func openTarget(s *session, project *site.Site) (target, error) {
	where := s.target
	if where == "" {
		where = project.Config.Target
	}
	switch where {
	case site.AWS:
		return openAWS(s, project)
	default:
		return openLocal(s, project)
	}
}
