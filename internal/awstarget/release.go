package awstarget

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/executions"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// ownStart is how long a new pipeline may take to begin its first execution by itself.
const ownStart = 20 * time.Second

// release runs the pipeline, follows it, and waits until the site serves what it published.
func (d *deployment) release(ctx context.Context, opts hosting.DeployOptions) (hosting.Deployed, error) {
	if d.plan.repository.ID == "" {
		return d.releaseZip(ctx, opts)
	}
	pipeline := d.PipelineOf(d.state)
	id, err := d.execution(ctx, pipeline)
	if err != nil {
		return hosting.Deployed{}, err
	}
	return d.attend(ctx, pipeline, id, pipeline.Start, opts)
}

// attend follows an execution until the site serves what it published, unless nobody waits for that. again starts another one
// for the same source.
func (d *deployment) attend(ctx context.Context, pipeline *executions.Pipeline, id string, again func(context.Context) (string, error), opts hosting.DeployOptions) (hosting.Deployed, error) {
	if opts.NoWait {
		e, err := pipeline.Get(ctx, id)
		return d.result(ctx, e, err)
	}
	e, err := d.follow(ctx, pipeline, id)
	if d.made && e.Status == hosting.Failed && notYetAllowed(e) {
		d.report.Warn("the new roles of the pipeline are not known everywhere yet; running it once more")
		if id, err = again(ctx); err == nil {
			e, err = d.follow(ctx, pipeline, id)
		}
	}
	if err == nil {
		e = d.withRelease(ctx, d.state, e)
		d.report.Step("Live")
		err = d.awaitAnswer(ctx, e)
	}
	return d.result(ctx, e, err)
}

// execution returns the execution to follow: the one that a new pipeline begins by itself, or a new one.
func (d *deployment) execution(ctx context.Context, pipeline *executions.Pipeline) (string, error) {
	if !d.made {
		return pipeline.Start(ctx)
	}
	limit := time.Now().Add(ownStart)
	for {
		id, err := pipeline.Newest(ctx)
		if err != nil || id != "" {
			return id, err
		}
		if time.Now().After(limit) {
			return pipeline.Start(ctx)
		}
		if err := d.Pause(ctx, time.Second); err != nil {
			return "", err
		}
	}
}

// follow reports on an execution until it is done, and on the one that superseded it, if one did. Its error is nil if the
// last one has succeeded.
func (d *deployment) follow(ctx context.Context, pipeline *executions.Pipeline, id string) (hosting.Execution, error) {
	for {
		e, err := d.followOne(ctx, pipeline, id)
		if ctx.Err() != nil {
			return e, fault.New(fault.Other, "it goes on by itself; see how with status and logs --follow", "stopped waiting for execution %s: %w", id, context.Cause(ctx))
		}
		if err != nil {
			return e, err
		}
		if e.Status != hosting.Superseded {
			return e, verdict(pipeline, e)
		}
		newer, err := pipeline.Newest(ctx)
		if err != nil || newer == id {
			return e, err
		}
		d.report.Warn("a newer one took the place of this execution; following execution %s", newer)
		id = newer
	}
}

func (d *deployment) followOne(ctx context.Context, pipeline *executions.Pipeline, id string) (hosting.Execution, error) {
	shown := 0
	return pipeline.Follow(ctx, id, executions.Watcher{
		Output: d.report.Output(),
		Changed: func(e hosting.Execution) {
			// A stage may begin and end between two looks.
			for ; shown < len(e.Stages) && e.Stages[shown].StartedAt != nil; shown++ {
				d.report.Step(e.Stages[shown].Name)
			}
			if shown == 0 {
				d.report.Detail("waiting for the pipeline")
			}
		},
		Waiting: func(text string) { d.report.Detail("%s", text) },
	})
}

// verdict is the error of an execution that is done.
func verdict(pipeline *executions.Pipeline, e hosting.Execution) error {
	if e.Status == hosting.Succeeded {
		return nil
	}
	hint := "run logs for the whole output; what was live before still is\n" + pipeline.Console(e.ID)
	s := e.FailedStage()
	switch {
	case s == nil:
		return fault.New(fault.Failed, hint, "execution %s: %s", e.ID, e.Status)
	case explainable(s.Error):
		sentence, out := reason.Explain("", s.Error)
		return fault.New(fault.Failed, out+"\n"+pipeline.Console(e.ID), "execution %s failed in stage %s: %s: %s", e.ID, s.Name, sentence, s.Error)
	case e.Status == hosting.Stopped:
		return fault.New(fault.Failed, "run deploy again; what was live before still is", "execution %s was stopped in stage %s: %s", e.ID, s.Name, s.Error)
	case s.Name == hosting.StageSource:
		hint = "see whether the connection may read the repository and the branch exists; then run deploy again\n" + pipeline.Console(e.ID)
	}
	return fault.New(fault.Failed, hint, "execution %s failed in stage %s: %s", e.ID, s.Name, s.Error)
}

// notYetAllowed reports whether an execution was refused what its roles allow: IAM takes some seconds to spread a role (IAM
// User Guide, "Changes that I make are not always immediately visible").
func notYetAllowed(e hosting.Execution) bool {
	s := e.FailedStage()
	return s != nil && (strings.Contains(s.Error, "not authorized to perform") || strings.Contains(s.Error, "assume"))
}

func explainable(why string) bool {
	_, hint := reason.Explain("", why)
	return hint != ""
}

// result adds where the site lives to what became of the execution. If why is not nil it is the error.
func (d *deployment) result(ctx context.Context, e hosting.Execution, why error) (hosting.Deployed, error) {
	info, err := d.info(context.WithoutCancel(ctx), d.state)
	if why != nil {
		err = why
	}
	if err != nil && !errors.Is(err, why) {
		err = fault.New(fault.Other, "run show", "read what is deployed: %w", err)
	}
	return hosting.Deployed{Info: info, Execution: e}, err
}
