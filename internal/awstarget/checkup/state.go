package checkup

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/connection"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/executions"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/quota"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/doctor"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// quotas are one look for each kind of resource that a first deployment makes some of.
func (c *checkup) quotas() []doctor.Look {
	looks := []doctor.Look{{Name: "Builds", Find: c.builds}}
	for _, k := range quota.Kinds {
		looks = append(looks, doctor.Look{Name: "Quota", Find: func(ctx context.Context) doctor.Finding { return c.room(ctx, k) }})
	}
	return looks
}

// room looks whether the account may have as many more of a kind as a deployment makes.
func (c *checkup) room(ctx context.Context, k quota.Kind) doctor.Finding {
	a := &quota.Account{Config: c.Control()}
	n, err := k.Count(ctx, a)
	if err != nil {
		return c.unknown(err)
	}
	limit, unknown := k.Limit(ctx, a)
	of := fmt.Sprintf("%d of %d %s", n, limit, k.Name)
	if unknown != nil {
		of += " (the documented quota: Service Quotas could not be asked)"
	}
	state, err := c.state(ctx)
	makes := k.Makes
	if err == nil && hosted.HoldsSite(state) {
		makes = 0
	}
	const hint = "remove what is not needed any more, or ask for more in the Service Quotas console"
	switch {
	case n+makes > limit:
		return doctor.Failed(hint, "%s are there, and a deployment makes %d more", of, makes)
	case 10*(n+makes) >= 9*limit:
		return doctor.Warning(hint, "%s are there", of)
	}
	return doctor.OK("%s", of)
}

// builds looks how many builds may run at once: new accounts begin with few, at times with none.
func (c *checkup) builds(ctx context.Context) doctor.Finding {
	limit, err := quota.Builds.Limit(ctx, &quota.Account{Config: c.Control()})
	if err != nil {
		return c.unknown(err)
	}
	if limit < quota.Builds.Makes {
		return doctor.Failed("ask for more under Service Quotas > AWS CodeBuild (Concurrently running builds for Linux/Small environment)",
			"the account may run no build at all")
	}
	return doctor.OK("%d may run at once", limit)
}

// stackStands looks at the status of the site's stack.
func (c *checkup) stackStands(ctx context.Context) doctor.Finding {
	state, err := c.state(ctx)
	if err != nil {
		return c.wrong(err)
	}
	name := hosted.StackName(c.Project)
	if !state.Exists() {
		return doctor.OK("%s is not there yet: deploy makes it", name)
	}
	because := ""
	if state.Reason != "" {
		because = ": " + state.Reason
	}
	switch state.Status {
	case types.StackStatusRollbackComplete, types.StackStatusCreateFailed, types.StackStatusRollbackFailed:
		return doctor.Failed("run deploy: it removes what is left, and creates it", "%s could not be created (%s)%s", name, state.Status, because)
	case types.StackStatusUpdateRollbackFailed:
		return doctor.Failed("run deploy: it continues the rollback; events: "+c.Stack().Console(state.ID), "the last change of %s could not be taken back%s", name, because)
	case types.StackStatusDeleteFailed:
		return doctor.Failed("run delete again; events: "+c.Stack().Console(state.ID), "%s could not be deleted%s", name, because)
	case types.StackStatusUpdateFailed:
		return doctor.Warning("run deploy again; events: "+c.Stack().Console(state.ID), "the last change of %s failed, and was not taken back%s", name, because)
	case types.StackStatusImportRollbackFailed:
		return doctor.Failed("mend it in the console: "+c.Stack().Console(state.ID), "%s is in a state that no deployment goes on from (%s)%s", name, state.Status, because)
	case types.StackStatusUpdateRollbackComplete:
		return doctor.Warning("run deploy again; events: "+c.Stack().Console(state.ID), "the last change of %s was taken back%s", name, because)
	}
	if state.Busy() {
		return doctor.Warning("wait until it is done, or run deploy, which waits", "%s is being changed (%s)", name, state.Status)
	}
	if state.Parameters[template.ParamWithPipeline] != "true" {
		return doctor.Warning("run deploy: it goes on from where it stopped", "%s has no pipeline yet (%s)", name, state.Status)
	}
	return doctor.OK("%s: %s", name, state.Status)
}

// connectionStands looks whether the connection to the Git host can be used.
func (c *checkup) connectionStands(ctx context.Context) doctor.Finding {
	in, err := template.For(c.Project)
	repository := connection.Repository{Provider: in.Parameters[template.ParamProviderType], ID: in.Parameters[template.ParamFullRepositoryID]}
	if err != nil || repository.ID == "" {
		return doctor.Finding{}
	}
	one, found, err := c.connectionOf(ctx, repository)
	switch {
	case err != nil:
		return c.wrong(err)
	case !found:
		return doctor.OK("none to %s for %s yet: deploy makes it, and you complete it once in the console", repository.Provider, repository.Owner())
	case !one.Available:
		return doctor.Failed("open "+c.Connections().Console(one.ARN)+" and choose \"Update pending connection\"", "%s to %s is not completed yet", one.Name, repository.Provider)
	}
	return doctor.OK("%s to %s is available", one.Name, repository.Provider)
}

// connectionOf is the connection that a deployment would use; the second result is false if it would make one.
func (c *checkup) connectionOf(ctx context.Context, r connection.Repository) (connection.Connection, bool, error) {
	state, err := c.state(ctx)
	own := state.Outputs[template.OutputConnectionArn]
	if err == nil && own != "" && c.Opts.Connection == "" {
		one, err := c.Connections().Get(ctx, own)
		return one, true, err
	}
	return c.Connections().Look(ctx, r, c.Opts.Connection)
}

// drift compares the project with the deployed template.
func (c *checkup) drift(ctx context.Context) doctor.Finding {
	state, err := c.state(ctx)
	if err != nil || !hosted.HoldsSite(state) {
		return doctor.Finding{}
	}
	in, err := template.For(c.Project)
	if err != nil {
		return doctor.Skipped("", "the configuration has to be mended first")
	}
	deployed, err := c.Stack().Template(ctx)
	if err != nil {
		return c.wrong(err)
	}
	return doctor.Differs(template.Differs(deployed, in))
}

// lastExecution looks how the newest execution of the pipeline went.
func (c *checkup) lastExecution(ctx context.Context) doctor.Finding {
	state, err := c.state(ctx)
	if err != nil || state.Outputs[template.OutputPipelineName] == "" {
		return doctor.Finding{}
	}
	p := c.PipelineOf(state)
	id, err := p.Newest(ctx)
	if err != nil {
		return c.wrong(err)
	}
	if id == "" {
		return doctor.Warning("run deploy", "%s has never run", p.Name)
	}
	e, err := p.Get(ctx, id)
	if err != nil {
		return c.wrong(err)
	}
	switch e.Status {
	case hosting.Failed:
		words := fmt.Sprintf("the newest execution, %.8s, failed", e.ID)
		if s := e.FailedStage(); s != nil {
			words += " in " + s.Name
			if s.Error != "" {
				words += ": " + s.Error
			}
		}
		return doctor.Failed("run logs", "%s", words)
	case hosting.InProgress:
		return doctor.OK("execution %.8s is in progress", e.ID)
	case hosting.Stopped:
		if s := e.FailedStage(); s != nil && s.Error == executions.NoZip {
			return doctor.OK("ready for the first zip file")
		}
	}
	return doctor.OK("the newest execution, %.8s, has ended: %s", e.ID, strings.ToLower(string(e.Status)))
}

// release looks whether the release that the key-value store points at is whole, and whether it is the newest commit.
func (c *checkup) release(ctx context.Context) doctor.Finding {
	state, err := c.state(ctx)
	if err != nil || !hosted.HoldsSite(state) {
		return doctor.Finding{}
	}
	p := c.PublisherOf(state)
	live, _, err := p.Pointer.Read(ctx)
	if err != nil {
		return c.wrong(err)
	}
	if live.Release == "" {
		return doctor.Newest("", "", "")
	}
	if err := p.Check(ctx, live.Release); err != nil {
		if f := c.wrong(err); f.Status == hosting.CheckSkipped {
			return f // the bucket cannot be read, which says nothing of the release
		}
		return doctor.Failed("run rollback, or deploy", "release %.7s is live, and is not whole: %v", live.Release, err)
	}
	tip := ""
	if c.Project.Repository != "" {
		if tip, err = c.tip(ctx); err != nil {
			tip = "" // the line about the repository says why
		}
	}
	return doctor.Newest(live.Release, tip, c.Project.Config.BranchName)
}
