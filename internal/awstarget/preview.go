package awstarget

import (
	"context"
	"fmt"
	"maps"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/binary"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/connection"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/domain"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Preview returns what Deploy would change. It refuses what Deploy refuses without asking AWS. Of a stack that is there,
// CloudFormation works the change out (a change set, which is given up again); of one that is not, the template says what
// would be made. Without credentials the template alone is asked, with a note. Nothing is changed.
func (h *Hosting) Preview(ctx context.Context, report hosting.Reporter) (hosting.Preview, error) {
	v := hosting.Preview{
		Site: h.Project.Name(), Target: string(site.AWS), Region: Region(ctx, h.Opts), Creates: true,
		Changes: []hosting.Planned{}, Notes: []string{},
	}
	p, err := h.check()
	if err != nil {
		return v, err
	}
	report.Detail("asking AWS for the account")
	if err := h.Open(ctx); err != nil {
		if ctx.Err() != nil {
			return v, err
		}
		v.Notes = append(v.Notes, "AWS was not asked, so this is what the template makes where nothing is deployed: "+err.Error())
		return v, h.fromTemplate(&v, p)
	}
	report.Detail("looking at stack %s in account %s, region %s", StackName(h.Project), h.Account.ID, h.Account.Region)
	state, err := h.Stack().Describe(ctx)
	if err != nil {
		if reason.Denied(err) {
			v.Notes = append(v.Notes, "the stack was not looked at: "+err.Error())
			return v, h.fromTemplate(&v, p)
		}
		return v, h.Explained(err)
	}
	if !state.Exists() {
		return v, h.fromTemplate(&v, p)
	}
	v.Creates = false
	if state.Busy() {
		v.Notes = append(v.Notes, fmt.Sprintf("stack %s is being changed (%s): what a deployment would change can be told when it is done", StackName(h.Project), state.Status))
		return v, nil
	}
	return v, h.Explained(h.fromChangeSet(ctx, &v, p, state, report))
}

// fromTemplate lists what the template makes.
func (h *Hosting) fromTemplate(v *hosting.Preview, p *plan) error {
	if err := h.CheckRegion(v.Region, false); err != nil {
		return err
	}
	params := maps.Clone(p.input.Parameters)
	params[template.ParamWithPipeline] = "true"
	if p.ci.Exists() {
		maps.Copy(params, p.ci.Parameters(""))
	}
	params[template.ParamDomainNames] = "" // the names come with their certificate
	if p.repository.ID != "" {
		params[template.ParamConnectionArn] = "arn:aws:codeconnections:us-east-1:000000000000:connection/0"
	}
	params[template.ParamToolkitSHA256] = fmt.Sprintf("%064d", 0)
	if v.Region != "" {
		params["AWS::Region"] = v.Region
	}
	s, err := template.Resolve(p.template, params, func(name, _, attribute string) string { return name + attribute })
	if err != nil {
		return fmt.Errorf("read template: %w", err)
	}
	for _, r := range s.Resources {
		v.Changes = append(v.Changes, hosting.Planned{Action: string(stack.Add), Name: r.Name, Type: r.Type})
	}
	if p.repository.ID != "" {
		v.Notes = append(v.Notes, fmt.Sprintf("a connection to %s for %s is used, or made and completed by you in the console", p.repository.Provider, p.repository.Owner()))
	}
	return nil
}

// fromChangeSet has CloudFormation work out the change, and gives it up.
func (h *Hosting) fromChangeSet(ctx context.Context, v *hosting.Preview, p *plan, state stack.State, report hosting.Reporter) error {
	d := &deployment{Hosting: h, plan: p, report: report, stack: h.Stack(), state: state}
	d.names = domain.New(h.Hosting, d, report)
	var err error
	if d.binary, err = binary.Load(h.Opts.Executable, state.Parameters[template.ParamReleaseArchitecture]); err != nil {
		return err
	}
	if d.ci, err = d.ciParameters(ctx); err != nil {
		return err
	}
	// What the site uses stays, as a deployment would have it; nothing is made for a look.
	d.connection = connection.Connection{ARN: state.Parameters[template.ParamConnectionArn]}
	v.Notes = append(v.Notes, d.names.Foresee(ctx)...)
	report.Detail("having CloudFormation work out what would change")
	change, err := d.stack.Plan(ctx, state, stack.Wanted{
		Template: p.template, Parameters: d.parameters(state.Parameters[template.ParamWithPipeline] == "true"), Full: h.Opts.Full,
		Tags: map[string]string{stack.TagSite: d.stack.Name},
	})
	if fault.KindOf(err) == fault.Other && reason.Denied(err) {
		v.Notes = append(v.Notes, "what would change is not known: "+err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	d.stack.Discard(ctx, change)
	for _, c := range change.Changes {
		v.Changes = append(v.Changes, hosting.Planned{Action: string(c.Kind), Name: c.Resource, Type: c.Type, Causes: c.Causes})
		if why := precious[c.Resource]; why != "" && c.Loses() {
			v.Notes = append(v.Notes, fmt.Sprintf("%s of the %s: %s", c.Kind, c.Resource, why))
		}
	}
	if state.Parameters[template.ParamWithPipeline] != "true" {
		v.Notes = append(v.Notes, "the pipeline would be added then: its roles, builds and logs")
	}
	v.Notes = append(v.Notes, "then the pipeline would run for the branch's newest commit")
	return nil
}
