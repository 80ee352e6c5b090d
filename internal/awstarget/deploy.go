package awstarget

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/binary"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/connection"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/domain"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// deployment is one run of Deploy.
type deployment struct {
	*Hosting
	plan   *plan
	report hosting.Reporter
	stack  *stack.Stack
	state  stack.State
	binary *binary.Binary
	// connection is used by the pipeline; zero for a site that is fed by zip files, or whose stack made its own.
	connection connection.Connection
	// ci are the parameters for the role of a CI.
	ci template.Parameters
	// made is true if this run has made the pipeline, which has then begun to run by itself.
	made bool
	// names is what is being done for the site's own names.
	names *domain.Names
}

var _ domain.Deployment = (*deployment)(nil)

// Current implements domain.Deployment.
func (d *deployment) Current() stack.State { return d.state }

// ChangeNames implements domain.Deployment.
func (d *deployment) ChangeNames(ctx context.Context) error { return d.change(ctx, "Names", true) }

// Deploy creates or updates the site's hosting, runs its pipeline for the newest commit, and returns when that release
// answers. What can be checked here is checked before anything is asked of AWS.
//
// Each step finds out by itself what is done already, so that a deployment that was cut off goes on when it is run again:
//
//	phase 1     bucket, distribution, function, key-value store, artifact bucket
//	connection  to the Git host, which a person completes
//	upload      of the toolkit's Linux program
//	phase 2     the pipeline
//	execution   Source, Build, Release
//	answer      the URL serves the release
//	domain      the site's own names; their certificate is asked for before phase 1, and they come in with phase 2 if it is
//	            issued by then
func (h *Hosting) Deploy(ctx context.Context, opts hosting.DeployOptions, report hosting.Reporter) (hosting.Deployed, error) {
	d := &deployment{Hosting: h, report: report}
	d.names = domain.New(h.Hosting, d, report)
	deployed, err := d.run(ctx, opts)
	if err != nil && h.Account != nil {
		err = h.Explained(err)
	}
	return deployed, err
}

func (d *deployment) run(ctx context.Context, opts hosting.DeployOptions) (hosting.Deployed, error) {
	d.report.Step("Check")
	var err error
	if d.plan, err = d.check(); err != nil {
		return hosting.Deployed{}, err
	}
	d.report.Detail("asking AWS for the account")
	if err := d.Open(ctx); err != nil {
		return hosting.Deployed{}, err
	}
	d.stack = d.Hosting.Stack()
	if err := d.prepare(ctx); err != nil {
		return hosting.Deployed{}, err
	}
	if err := d.names.Begin(ctx); err != nil {
		return hosting.Deployed{}, err
	}
	if err := d.phases(ctx); err != nil {
		return hosting.Deployed{}, err
	}
	done, err := d.release(ctx, opts)
	if err != nil {
		return done, err
	}
	return d.finish(ctx, opts, done)
}

// finish brings the site's own names to what is live. What it returns beside an error is live all the same.
func (d *deployment) finish(ctx context.Context, opts hosting.DeployOptions, done hosting.Deployed) (hosting.Deployed, error) {
	failed := d.names.Finish(ctx, opts)
	if failed == nil && !d.names.Any() {
		return done, nil
	}
	done, err := d.result(ctx, done.Execution, failed)
	if err == nil {
		return done, nil
	}
	hint := "the site is live at " + hosted.OwnURL(d.state)
	if more := fault.HintOf(err); more != "" {
		hint = more + "\n" + hint
	}
	return done, fault.New(fault.KindOf(err), hint, "%w", err)
}

// prepare brings the stack to rest, tries the function, and finds the connection and the Linux program.
func (d *deployment) prepare(ctx context.Context) error {
	d.report.Detail("looking at stack %s in account %s, region %s", d.stack.Name, d.Account.ID, d.Account.Region)
	var err error
	if d.state, err = d.stack.Settle(ctx, d.report); err != nil {
		return err
	}
	if err := d.CheckRegion(d.Account.Region, d.state.Exists()); err != nil {
		return err
	}
	if d.state.Exists() {
		if err := d.tryFunction(ctx); err != nil {
			return err
		}
		for _, what := range d.differs(ctx, d.state) {
			d.report.Warn("the %s has changed since the last deploy; the new one is deployed", what)
		}
	}
	if d.ci, err = d.ciParameters(ctx); err != nil {
		return err
	}
	d.adviseOnNames(ctx)
	if err := d.checkBucket(ctx); err != nil {
		return err
	}
	if d.binary, err = binary.Load(d.Opts.Executable, d.state.Parameters[template.ParamReleaseArchitecture]); err != nil {
		return err
	}
	return d.findConnection(ctx)
}

// findConnection finds or makes the connection to the Git host. A person may complete it while the stack is being made.
func (d *deployment) findConnection(ctx context.Context) error {
	if d.plan.repository.ID == "" {
		return nil
	}
	d.report.Detail("looking for a connection to %s for %s", d.plan.repository.Provider, d.plan.repository.Owner())
	own := d.state.Outputs[template.OutputConnectionArn]
	given := d.state.Parameters[template.ParamConnectionArn]
	var err error
	switch {
	case d.Opts.Connection != "":
		d.connection, err = d.Connections().Find(ctx, d.plan.repository, d.Opts.Connection)
	case own != "" && d.state.Parameters[template.ParamProviderType] == d.plan.repository.Provider:
		// What the site uses already stays: the stack's own one, of a deployment by hand, or the one that was found before.
		d.connection, err = d.Connections().Get(ctx, own)
	default:
		d.connection, err = d.Connections().Find(ctx, d.plan.repository, "")
	}
	if err != nil {
		return err
	}
	if !d.connection.Available {
		d.report.Warn("AWS may not read %s yet. Open this page, choose \"Update pending connection\" and install the app for %s:\n%s",
			d.plan.repository.ID, d.plan.repository.Owner(), d.Connections().Console(d.connection.ARN))
	}
	if own != "" && given == "" && own == d.connection.ARN {
		d.connection.ARN = "" // the template makes it
	}
	return nil
}

// phases makes the stack what it has to be. A site that has its pipeline needs one change, one that has not needs two,
// with the connection's completion and the upload between them.
func (d *deployment) phases(ctx context.Context) error {
	if d.state.Parameters[template.ParamWithPipeline] == "true" {
		if err := d.awaitConnection(ctx); err != nil {
			return err
		}
		if err := d.upload(ctx); err != nil {
			return err
		}
		return d.changeWithNames(ctx, "Stack")
	}
	if err := d.change(ctx, "Hosting", false); err != nil {
		return err
	}
	if err := d.awaitConnection(ctx); err != nil {
		return err
	}
	if err := d.upload(ctx); err != nil {
		return err
	}
	d.made = true
	return d.changeWithNames(ctx, "Pipeline")
}

// changeWithNames is change. Where CloudFront refuses the names, it changes all but them.
func (d *deployment) changeWithNames(ctx context.Context, step string) error {
	err := d.change(ctx, step, true)
	if !d.names.Refused(err) {
		return err
	}
	if d.state, err = d.stack.Settle(ctx, d.report); err != nil {
		return err
	}
	d.report.Warn("CloudFront refuses the names of the site; going on without them")
	return d.change(ctx, step, true)
}

// change takes the stack through one phase.
func (d *deployment) change(ctx context.Context, step string, withPipeline bool) error {
	d.report.Step(step)
	d.report.Detail("working out what has to change")
	if err := d.names.Look(ctx); err != nil {
		return err
	}
	p, err := d.stack.Plan(ctx, d.state, stack.Wanted{
		Template: d.plan.template, Parameters: d.parameters(withPipeline), Full: d.Opts.Full,
		Tags: map[string]string{stack.TagSite: d.stack.Name},
	})
	if err != nil {
		return err
	}
	if len(p.Changes) > 0 {
		fmt.Fprintf(d.report.Output(), "%s: %s\n%s", d.stack.Name, p.Summary(), p.Table())
	}
	if err := d.confirmLoss(ctx, p); err != nil {
		return err
	}
	d.report.Detail("%s", p.Summary())
	state, err := d.stack.Apply(ctx, p, d.report)
	if err == nil {
		d.state = state
	}
	return err
}

// parameters are all that the stack gets. The defaults of the rendered template are given, too: an update without them
// would keep what the stack has.
func (d *deployment) parameters(withPipeline bool) map[string]string {
	params := maps.Clone(d.plan.input.Parameters)
	maps.Copy(params, d.ci)
	params[template.ParamDomainNames], params[template.ParamCertificateArn] = d.names.Served(withPipeline)
	params[template.ParamConnectionArn] = d.connection.ARN
	params[template.ParamReleaseArchitecture] = d.binary.Architecture()
	params[template.ParamWithPipeline] = "false"
	if withPipeline {
		params[template.ParamWithPipeline] = "true"
		params[template.ParamToolkitSHA256] = d.binary.SHA256
	}
	return params
}

// precious are the resources whose loss viewers would notice, and what it means.
var precious = map[string]string{
	"HostingBucket": "every release would have to be published anew, and the site answers with an error until then (the old bucket stays in the account)",
	"Distribution":  "the site gets another address, and a domain that points at the old one stops working",
	"KeyValueStore": "the site does not know its release any more until the pipeline has run (the old store stays in the account)",
}

// confirmLoss asks again before something is replaced or removed that viewers would miss. Whatever else is replaced can
// be made again.
func (d *deployment) confirmLoss(ctx context.Context, p *stack.Plan) error {
	var lost []string
	for _, c := range p.Changes {
		if why := precious[c.Resource]; why != "" && c.Loses() {
			lost = append(lost, fmt.Sprintf("%s of the %s: %s", c.Kind, c.Resource, why))
		}
	}
	if len(lost) == 0 {
		return nil
	}
	yes, err := d.report.Confirm("This change of " + d.stack.Name + " is not harmless.\n  " + strings.Join(lost, "\n  ") + "\nGo on?")
	if err == nil && yes {
		return nil
	}
	d.stack.Discard(ctx, p)
	if err != nil {
		return err
	}
	return fault.New(fault.Other, "nothing was changed", "the change of stack %s was declined", d.stack.Name)
}

// awaitConnection waits until the connection can be used.
func (d *deployment) awaitConnection(ctx context.Context) error {
	if d.plan.repository.ID == "" || d.connection.Available {
		return nil
	}
	one := d.connection
	if one.ARN == "" {
		one.ARN = d.state.Outputs[template.OutputConnectionArn]
	}
	d.report.Step("Connection")
	ctx, done := d.Limited(ctx)
	defer done()
	if err := d.Connections().Await(ctx, one, d.plan.repository, d.report); err != nil {
		return err
	}
	d.connection.Available = true
	return nil
}

// upload puts the Linux program into the artifact bucket, where the release step takes it from and checks its digest.
func (d *deployment) upload(ctx context.Context) error {
	d.report.Step("Upload")
	d.report.Detail("the toolkit's Linux program, %.12s, for the release step", d.binary.SHA256)
	store := bucket.Open(d.Account.Config, d.state.Outputs[template.OutputArtifactBucketName])
	_, err := binary.Upload(ctx, store, template.ToolkitKey(d.binary.SHA256), d.binary)
	return err
}
