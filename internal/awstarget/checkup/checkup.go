// Package checkup looks at everything that hosting a site on AWS needs, before anything is deployed and after, and changes nothing.
package checkup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/binary"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/domain"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/permission"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/doctor"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// checkup is what the looks of one Doctor share. Each value is worked out once, by the look that needs it first.
type checkup struct {
	*hosted.Hosting
	signedIn func(ctx context.Context) (struct{}, error)
	state    func(ctx context.Context) (stack.State, error)
	tip      func(ctx context.Context) (string, error)
}

// Doctor looks at everything that hosting the site on AWS needs. It works before anything is deployed, and changes nothing.
func Doctor(ctx context.Context, h *hosted.Hosting, report hosting.Reporter) ([]hosting.Check, error) {
	report.Detail("looking at the project and at AWS")
	c := newCheckup(h)
	looks := append([]doctor.Look{doctor.Git()}, doctor.Project(h.Project)...)
	looks = append(looks,
		doctor.Look{Name: "Repository", Find: c.repository},
		doctor.Look{Name: "Program", Find: c.program},
		doctor.Look{Name: "Credentials", Find: c.credentials},
		doctor.Look{Name: "Region", Find: c.region},
	)
	// Without credentials one line says what is not looked at, rather than one line each.
	inAWS := append([]doctor.Look{{Name: "Permissions", Find: c.permissions}}, c.quotas()...)
	inAWS = append(inAWS,
		doctor.Look{Name: "Stack", Find: c.stackStands},
		doctor.Look{Name: "Connection", Find: c.connectionStands},
		doctor.Look{Name: "Deployed", Find: c.drift},
		doctor.Look{Name: "Pipeline", Find: c.lastExecution},
		doctor.Look{Name: "Release", Find: c.release},
	)
	inAWS = append(inAWS, (&domain.Checkup{Hosting: c.Hosting, Current: c.state, Wrong: c.wrong}).Looks()...)
	inAWS = append(inAWS, doctor.Look{Name: "Site", Find: c.answers})
	for i, look := range inAWS {
		find := look.Find
		inAWS[i].Find = func(ctx context.Context) doctor.Finding {
			if _, err := c.signedIn(ctx); err != nil {
				return doctor.Finding{}
			}
			return find(ctx)
		}
	}
	looks = append(append(looks, inAWS...), doctor.Look{Name: "Account", Find: c.unseen})
	return doctor.Run(ctx, looks)
}

func newCheckup(h *hosted.Hosting) *checkup {
	c := &checkup{Hosting: h}
	c.signedIn = doctor.Once(func(ctx context.Context) (struct{}, error) {
		a, err := account.Load(ctx, account.Options{Profile: h.Opts.Profile, Region: h.Opts.Region})
		if err != nil {
			return struct{}{}, err
		}
		// Who looks would rather know than wait: a deployment tries for longer.
		a.Config.Retryer = func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 3, 2*time.Second })
		}
		if err := a.Identify(ctx); err != nil {
			return struct{}{}, err
		}
		h.Account = a
		return struct{}{}, nil
	})
	c.state = doctor.Once(func(ctx context.Context) (stack.State, error) {
		if _, err := c.signedIn(ctx); err != nil {
			return stack.State{}, err
		}
		return h.Stack().Describe(ctx)
	})
	c.tip = doctor.Once(func(ctx context.Context) (string, error) {
		return doctor.Tip(ctx, h.Project.Repository, h.Project.Config.BranchName)
	})
	return c
}

// wrong is the finding that an error leads to: what the credentials do not allow to be asked is skipped.
func (c *checkup) wrong(err error) doctor.Finding {
	if reason.Denied(err) {
		return doctor.Skipped("let an administrator allow it: doctor --policy prints the policy", "%v", reason.Of(err))
	}
	if code := reason.Code(err); reason.Throttled(err) || strings.HasPrefix(code, "Internal") || strings.HasPrefix(code, "ServiceUnavailable") {
		return doctor.Skipped("run doctor again", "%v", reason.Of(err))
	}
	return doctor.Wrong(c.Explained(err))
}

// unknown is the finding that an error leads to of what is good to know, and keeps no deployment from working.
func (c *checkup) unknown(err error) doctor.Finding {
	if f := c.wrong(err); f.Status == hosting.CheckSkipped {
		return f
	}
	return doctor.Skipped("run doctor again", "%v", reason.Of(err))
}

// repository looks whether AWS can fetch from the repository, and whether the branch is there.
func (c *checkup) repository(ctx context.Context) doctor.Finding {
	if c.Project.Repository == "" {
		return doctor.Finding{}
	}
	in, err := template.For(c.Project)
	if err != nil {
		return doctor.Skipped("", "the configuration has to be mended first")
	}
	if err := c.Reachable(in); err != nil {
		return doctor.Wrong(err)
	}
	id := in.Parameters[template.ParamFullRepositoryID]
	tip, err := c.tip(ctx)
	if errors.Is(err, doctor.ErrNoBranch) {
		return doctor.Failed("push the branch, or set branchName in the configuration", "%s at %s has no branch %q", id, in.Parameters[template.ParamProviderType], c.Project.Config.BranchName)
	}
	if err != nil {
		return doctor.Skipped("AWS reads it through the connection; give git access if you want to compare", "git cannot read %s from here: %v", id, err)
	}
	return doctor.OK("%s at %s; branch %s is at %.7s", id, in.Parameters[template.ParamProviderType], c.Project.Config.BranchName, tip)
}

// program looks whether there is a Linux program for the release step.
func (c *checkup) program(context.Context) doctor.Finding {
	b, err := binary.Load(c.Opts.Executable, "")
	if err != nil {
		return doctor.Wrong(err)
	}
	return doctor.OK("the release step's program for Linux (%s), %d MB", b.Architecture(), len(b.Content)>>20)
}

// credentials looks who acts, and for how long.
func (c *checkup) credentials(ctx context.Context) doctor.Finding {
	if _, err := c.signedIn(ctx); err != nil {
		var connect *net.OpError
		if errors.As(err, &connect) {
			return doctor.Failed(doctor.HintOf(err, "check the network, and AWS_ENDPOINT_URL if that is set"), "AWS does not answer: %v", connect)
		}
		return doctor.Wrong(err)
	}
	a := c.Account
	words := fmt.Sprintf("account %s, as %s, from %s", a.ID, a.ARN, a.Source)
	got, err := a.Config.Credentials.Retrieve(ctx)
	if err != nil || !got.CanExpire {
		return doctor.OK("%s", words)
	}
	left := time.Until(got.Expires).Round(time.Minute)
	if left < shortly && !renewed(a.Source) {
		return doctor.Warning("sign in again before you deploy", "%s; they end in %s, and a first deployment takes some minutes", words, left)
	}
	return doctor.OK("%s; they end in %s", words, left)
}

// shortly is how long a first deployment may take, connection included.
const shortly = 20 * time.Minute

// renewed reports whether the SDK gets new credentials from a source by itself: those of a role that a profile names last 15 minutes,
// and those of "aws login", too.
func renewed(s account.Source) bool {
	return s.Role != "" || slices.Contains([]account.Kind{account.Container, account.Instance, account.Process, account.WebIdentity, account.Login}, s.Kind)
}

// region looks whether the region has what a site's stack needs.
func (c *checkup) region(ctx context.Context) doctor.Finding {
	region := hosted.Region(ctx, c.Opts)
	if region == "" {
		return doctor.Finding{} // the line about the credentials says so
	}
	if why := hosted.Unsupported(region, c.Project.Repository != ""); why != "" {
		return doctor.Failed("choose another one, such as --region us-east-1", "%s: %s", region, why)
	}
	if !hosted.ReleasesOnLambda(region) {
		return doctor.OK("%s; CodeBuild has no Lambda compute there, so the release step takes some tens of seconds longer", region)
	}
	return doctor.OK("%s has all that is needed", region)
}

// permissions asks IAM whether whoever acts may do what a deployment does.
func (c *checkup) permissions(ctx context.Context) doctor.Finding {
	const hint = "let an administrator allow them: doctor --policy prints the policy"
	missing, err := permission.Simulate(ctx, iam.NewFromConfig(c.Account.Config).SimulatePrincipalPolicy, c.Account.ARN, c.scope())
	switch {
	case errors.Is(err, permission.ErrRoot):
		return doctor.Warning("use a role with the policy that doctor --policy prints", "%v; no deployment needs as much", err)
	case reason.Code(err) == "NoSuchEntity":
		return doctor.Skipped("", "IAM does not find the role of %s under that name", c.Account.ARN)
	case err != nil && reason.Code(err) == "":
		return doctor.Skipped("", "%v", err)
	case err != nil:
		return c.unknown(err)
	case len(missing) == 0:
		return doctor.OK("all that a deployment needs is allowed (organisations' policies are not seen)")
	}
	const most = 6
	named := strings.Join(missing[:min(most, len(missing))], ", ")
	if more := len(missing) - most; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return doctor.Failed(hint, "not allowed: %s", named)
}

// scope is what the policy of this site is narrowed to.
func (c *checkup) scope() permission.Scope {
	return permission.Scope{
		Partition: c.Account.Partition, Region: c.Account.Region, Account: c.Account.ID,
		Site: hosted.StackName(c.Project), Pipeline: pipelineName(c.Project),
	}
}

func pipelineName(s *site.Site) string {
	in, err := template.For(s)
	if err != nil {
		return ""
	}
	return in.Parameters[template.ParamPipelineName]
}

// answers asks the site.
func (c *checkup) answers(ctx context.Context) doctor.Finding {
	state, err := c.state(ctx)
	if err != nil || !hosted.HoldsSite(state) {
		return doctor.Finding{}
	}
	client := c.Opts.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	url := hosted.URL(state)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return doctor.Wrong(err)
	}
	res, err := client.Do(req)
	if err != nil {
		return doctor.Failed("explain "+url+" tells how a request is answered", "%s does not answer: %v", url, err)
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		return doctor.Failed("explain "+url+" tells how a request is answered", "%s answers with status %d", url, res.StatusCode)
	}
	return doctor.OK("%s answers", url)
}

// unseen says what is not looked at without credentials.
func (c *checkup) unseen(ctx context.Context) doctor.Finding {
	if _, err := c.signedIn(ctx); err == nil {
		return doctor.Finding{}
	}
	return doctor.Skipped("", "permissions, quotas, stack, connection, certificate, pipeline and releases, without credentials")
}

// Policy is the policy for whoever deploys a site, as IAM takes it: narrowed to the account and region that the options
// choose, as far as they are known, and to the site if it is not nil. The error says why the account is not known; the policy
// is good all the same.
func Policy(ctx context.Context, s *site.Site, opts hosted.Options) (string, error) {
	scope := permission.Scope{Region: hosted.Region(ctx, opts)}
	h := hosted.New(nil, opts)
	err := h.Open(ctx)
	if err == nil {
		scope.Account, scope.Partition = h.Account.ID, h.Account.Partition
	}
	if s != nil {
		scope.Site, scope.Pipeline = hosted.StackName(s), pipelineName(s)
	}
	return permission.Policy(scope), err
}
