package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cost"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

var (
	_ target = (*awstarget.Hosting)(nil)
	_ target = (*awstarget.Step)(nil)
)

// awsChoices are what flags choose of the aws target.
type awsChoices struct {
	profile, region string
	// wait and connection are flags of deploy.
	wait       string
	connection string
	waitLimit  time.Duration
	// ciRole is a flag of deploy and synth.
	ciRole string
}

// The values of --wait.
const (
	waitExpress = "express"
	waitFull    = "full"
)

// waits is the value of --wait.
func (s *session) waits() choice[string] {
	return choice[string]{&s.aws.wait, []string{waitExpress, waitFull}}
}

// aloneLimit is how long a deployment that nobody attends waits for what a person elsewhere, ACM or DNS have to do: those who pay
// for a CI's minutes do not want to wait for the 72 hours that ACM gives them.
const aloneLimit = 30 * time.Minute

// waitLimit is the value of --wait-timeout; 0 waits for as long as it takes. With --yes nobody attends, terminal or not.
func (s *session) waitLimit() time.Duration {
	if s.aws.waitLimit == 0 && (s.Yes || !s.InTerminal) {
		return aloneLimit
	}
	return s.aws.waitLimit
}

// checkWaitLimit refuses a limit that has passed before the wait begins.
func (s *session) checkWaitLimit() error {
	if s.aws.waitLimit < 0 {
		return usage("give a time such as 5m or 72h", "--wait-timeout %s is no time to wait", s.aws.waitLimit)
	}
	return nil
}

// words are the flags that choose the account, for the command lines in hints.
func (c awsChoices) words() (words []string) {
	if c.profile != "" {
		words = append(words, "--profile", shellWord(c.profile))
	}
	if c.region != "" {
		words = append(words, "--region", shellWord(c.region))
	}
	return words
}

// openAWS opens the aws target. It asks nobody for anything yet.
func openAWS(s *session, project *site.Site) (target, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return awstarget.New(project, awstarget.Options{
		Profile: s.aws.profile, Region: s.aws.region, Executable: executable, Version: thisBuild().Version,
		Full: s.aws.wait == waitFull, Connection: s.aws.connection, CIRole: s.aws.ciRole, Unattended: s.Yes, WaitLimit: s.waitLimit(),
	}), nil
}

// releaseStep returns the target of a pipeline's release step, or nil outside of one.
func releaseStep(s *session) target {
	if s.target != site.AWS {
		return nil
	}
	if step := awstarget.ReleaseStep(thisBuild().Version); step != nil {
		return step
	}
	return nil
}

// isCommit reports whether a release id is the id of a commit.
func isCommit(id string) bool {
	return (len(id) == 40 || len(id) == 64) && strings.Trim(id, "0123456789abcdef") == ""
}

// awsZones lists the hosted zones of the account that the flags and the environment choose.
type awsZones struct{ *session }

// HostedZones implements zoneLister.
func (z awsZones) HostedZones(ctx context.Context) ([]hostedZone, error) {
	list, err := awstarget.HostedZones(ctx, awstarget.Options{Profile: z.aws.profile, Region: z.aws.region})
	zones := make([]hostedZone, len(list))
	for i, l := range list {
		zones[i] = hostedZone(l)
	}
	return zones, err
}

// awsCost is what of the project's hosting matters for its cost.
func (s *session) awsCost(ctx context.Context, project *site.Site) cost.Hosting {
	region := awstarget.Region(ctx, awstarget.Options{Profile: s.aws.profile, Region: s.aws.region})
	return cost.Hosting{
		Region: region, Zone: project.Config.HostedZoneID != "",
		ReleaseOnEC2: !awstarget.ReleasesOnLambda(region),
	}
}

// awsPolicy is the policy for whoever deploys the project, which may be nil, and why the account is not in it, if it is not.
func (s *session) awsPolicy(ctx context.Context, project *site.Site) (string, error) {
	return awstarget.Policy(ctx, project, awstarget.Options{Profile: s.aws.profile, Region: s.aws.region})
}
