package awstarget

import (
	"context"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/connection"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pointer"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/functiontest"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// plan is what a deployment is going to do, before anything is asked of AWS.
type plan struct {
	input template.Input
	// template is ready to be sent.
	template []byte
	// repository is where the sources are; zero for a site that is fed by zip files.
	repository connection.Repository
	// ci is the role that was asked for; zero for none.
	ci template.CIRole
}

// check works out what the project wants, and refuses what AWS would refuse later, or cannot do.
func (h *Hosting) check() (*plan, error) {
	in, err := template.For(h.Project)
	if err != nil {
		return nil, err
	}
	if err := checkPrefix(h.Project.Config); err != nil {
		return nil, err
	}
	p := &plan{input: in}
	if h.Opts.CIRole != "" {
		if p.ci, err = template.ParseCIRole(h.Opts.CIRole, h.Project.Config.BranchName); err != nil {
			return nil, err
		}
	}
	if h.Project.Repository != "" {
		if err := h.Reachable(in); err != nil {
			return nil, err
		}
		p.repository = connection.Repository{Provider: in.Parameters[template.ParamProviderType], ID: in.Parameters[template.ParamFullRepositoryID]}
	}
	for _, b := range in.Behaviours {
		if why := b.Unreachable(); why != "" {
			return nil, fault.New(fault.Usage, `give it a public name in "behaviours", or deploy to --target local`, "%s", why)
		}
	}
	if _, err := cfjs.Compile(site.FunctionFile, in.FunctionCode, cfjs.Options{}); err != nil {
		if fault.HintOf(err) == "" {
			err = fault.New(fault.Usage, `mend it, and see it work with "cloudfront-hosting-toolkit function test --url /"; nothing was changed`, "%w", err)
		}
		return nil, err
	}
	if p.template, err = template.Render(in); err != nil {
		return nil, err
	}
	_, err = template.Compile(p.template, nil)
	return p, err
}

// tryFunction refuses a function that would answer the start page of a site that is live with an error: it is called with
// what is in the site's key-value store. Before the first release, and where the store is gone, there is nothing to protect.
func (d *deployment) tryFunction(ctx context.Context) error {
	arn := d.state.Outputs[template.OutputKeyValueStoreArn]
	if arn == "" {
		return nil
	}
	d.report.Detail("trying the function")
	keys, err := pointer.Open(d.Account.Config, arn).Keys(ctx)
	switch {
	case fault.KindOf(err) == fault.NotDeployed || err == nil && keys[publish.PathKey] == "":
		return nil
	case err != nil:
		return err
	}
	return functiontest.Try(ctx, d.function(), functiontest.Store(keys))
}

// adviseOnNames says what of the function a user may not expect.
func (d *deployment) adviseOnNames(ctx context.Context) {
	for _, line := range functiontest.Advice(ctx, d.function(), d.Project.Names(), nil) {
		d.report.Warn("%s", line)
	}
}

func (d *deployment) function() functiontest.Function {
	return functiontest.Function{Name: site.FunctionFile, Code: d.plan.input.FunctionCode}
}
