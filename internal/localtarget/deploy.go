package localtarget

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// sitePatience is how long a deployment waits for a site that another process is about to let go.
const sitePatience = 30 * time.Second

// Deploy creates or updates the site's hosting, runs the pipeline for the newest commit of its branch, and returns when
// that release answers. Everything is checked before anything is written. If the execution fails, the error is a
// fault.Failed and the result says which one it was; what was live stays live. When ctx ends, an execution in a server
// goes on.
func (h *Hosting) Deploy(ctx context.Context, opts hosting.DeployOptions, report hosting.Reporter) (hosting.Deployed, error) {
	report.Step("Check")
	report.Detail("reading the configuration")
	p, err := h.plan(ctx)
	if err != nil {
		return hosting.Deployed{}, err
	}
	if err := p.withEnvFile(opts.EnvFile); err != nil {
		return hosting.Deployed{}, err
	}
	if p.deployed.Repository != "" {
		report.Detail("asking %s for branch %s", source.Printable(p.deployed.Repository), p.deployed.Branch)
	}
	tip, err := p.withPipeline(ctx)
	if err != nil {
		return hosting.Deployed{}, err
	}
	h.advise(ctx, p, tip, report)
	if err := h.dir.Create(); err != nil {
		return hosting.Deployed{}, err
	}
	if opts.NoServe {
		return h.deployHere(ctx, p, opts, report)
	}
	report.Step("Server")
	holder, err := h.ensureServer(ctx, report)
	if err != nil {
		return hosting.Deployed{}, err
	}
	return h.deployThere(ctx, p, holder, opts, report)
}

// deployThere has the execution run by the server.
func (h *Hosting) deployThere(ctx context.Context, p *plan, holder state.Holder, opts hosting.DeployOptions, report hosting.Reporter) (hosting.Deployed, error) {
	e, err := h.begin(ctx, p, opts, report)
	if err != nil || e.ID == "" {
		return h.result(ctx, p, e, err)
	}
	var why error
	if !opts.NoWait {
		if e, why = h.follow(ctx, p, e, report); why == nil {
			report.Step("Live")
			why = h.awaitAnswer(ctx, holder, e, report)
		}
	}
	return h.result(ctx, p, e, why)
}

// deployHere runs the execution in this process. A server that runs already does it instead: two processes cannot.
func (h *Hosting) deployHere(ctx context.Context, p *plan, opts hosting.DeployOptions, report hosting.Reporter) (hosting.Deployed, error) {
	lock, holder, err := h.lockOrServer(ctx, report)
	if err != nil {
		return hosting.Deployed{}, err
	}
	if lock == nil {
		report.Detail("the server that runs does the work")
		return h.deployThere(ctx, p, holder, opts, report)
	}
	defer func() { _ = lock.Unlock() }() // the end of the process frees it in any case
	err = h.dir.SaveHolder(state.Holder{PID: os.Getpid(), Command: "deploy", Listen: holder.Listen, StartedAt: time.Now().UTC(), Version: h.opts.Version})
	if err != nil {
		return hosting.Deployed{}, err
	}
	opts.AwaitUpload = false // nobody would take it up
	e, err := h.begin(ctx, p, opts, report)
	if err != nil || e.ID == "" {
		return h.result(ctx, p, e, err)
	}
	running, err := pipeline.Start(ctx, h.site, h.opts.Version, sitePatience, slog.New(slog.DiscardHandler))
	if err != nil {
		return hosting.Deployed{}, err
	}
	e, why := h.follow(ctx, p, e, report)
	running.Stop()
	if ctx.Err() != nil {
		why = fault.New(fault.Other, "run deploy again; what was live before still is", "execution %s was stopped: %w", e.ID, context.Cause(ctx))
		if ended, err := h.records().Load(e.ID); err == nil {
			e = ended
		}
	}
	return h.result(ctx, p, e, why)
}

// request writes the plan and the request to run the pipeline. The server takes up the request of a site that it watches
// already at once, and so finds the new configuration; of any other site it begins with the request, and so does not run
// the same commit twice.
func (h *Hosting) request(ctx context.Context, p *plan) (hosting.Execution, error) {
	watched := p.previous != nil && p.previous.Pipeline
	if watched {
		if err := p.apply(ctx); err != nil {
			return hosting.Execution{}, err
		}
		return h.records().Create(pipeline.TriggerDeploy, "", "")
	}
	if err := p.site.Create(); err != nil {
		return hosting.Execution{}, err
	}
	e, err := h.records().Create(pipeline.TriggerDeploy, "", "")
	if err != nil {
		return e, err
	}
	return e, p.apply(ctx)
}

// follow reports on an execution until it is done, and on the one that superseded it, if one did. Its error is nil if the
// last one has succeeded.
func (h *Hosting) follow(ctx context.Context, p *plan, e hosting.Execution, report hosting.Reporter) (hosting.Execution, error) {
	advised := ""  // the commit that was advised on
	newest := e.ID // of those that were followed
	for {
		newest = max(newest, e.ID)
		done, err := h.followOne(ctx, p, e, &advised, report)
		if ctx.Err() != nil {
			return done, fault.New(fault.Other, "see how it goes with status and logs --follow", "stopped waiting for execution %s: %w", e.ID, context.Cause(ctx))
		}
		if (err != nil || done.Status == hosting.Stopped || done.Status == hosting.Failed) && !exists(h.site.File()) {
			return done, fault.New(fault.Failed, "run deploy to make it again", "site %s was deleted while execution %s ran", h.site.Name(), e.ID)
		}
		if err != nil {
			return done, err
		}
		if done.Status != hosting.Superseded {
			return done, verdict(done)
		}
		next, ok := h.inItsPlace(done, newest)
		switch {
		case !ok:
			report.Warn("%s", done.FailedStage().Error) // a publication from elsewhere is live
			return done, nil
		case next.ID < done.ID:
			report.Detail("following execution %s, which makes this release already", next.ID)
		default:
			report.Warn("a newer %s took the place of this one; following execution %s", p.comes(), next.ID)
		}
		e = next
	}
}

// inItsPlace returns the execution that does the work of one that was superseded: the one that its record names, else one that is
// newer than all that are known.
func (h *Hosting) inItsPlace(done hosting.Execution, newest string) (hosting.Execution, bool) {
	if done.SupersededBy != "" {
		if e, err := h.records().Load(done.SupersededBy); err == nil {
			return e, true
		}
	}
	return h.newer(newest)
}

// newer returns the newest execution if it is newer than id.
func (h *Hosting) newer(id string) (hosting.Execution, bool) {
	e, ok, err := h.records().Newest()
	return e, err == nil && ok && e.ID > id
}

// followOne reports on one execution until it is done. It gives advice on a commit unless it is the one that was advised on.
func (h *Hosting) followOne(ctx context.Context, p *plan, e hosting.Execution, advised *string, report hosting.Reporter) (hosting.Execution, error) {
	shown := 0
	follower := pipeline.Follower{
		Records: h.records(),
		Output:  report.Output(),
		Alive:   h.alive,
		Changed: func(e hosting.Execution) {
			// A stage may begin and end between two looks at the record.
			for ; shown < len(e.Stages) && e.Stages[shown].StartedAt != nil; shown++ {
				report.Step(e.Stages[shown].Name)
			}
			if e.Stages[0].Status == hosting.Succeeded && *advised != e.Revision {
				*advised = e.Revision
				h.adviseOnBuildFile(ctx, p, e, report)
			}
		},
		Progress: func(text string) { report.Detail("%s", text) },
	}
	if e.Stages[0].Status == "" {
		report.Detail("waiting for the pipeline")
	}
	return follower.Follow(ctx, e.ID)
}

// adviseOnBuildFile warns if the project has a build file that the commit has not.
func (h *Hosting) adviseOnBuildFile(ctx context.Context, p *plan, e hosting.Execution, report hosting.Reporter) {
	if p.buildspec == nil || p.deployed.Config.Zips() {
		return
	}
	mirror := source.Mirror{Dir: h.site.Source(), Address: p.deployed.Repository, Branch: p.deployed.Branch}
	if !mirror.Has(ctx, e.Revision, p.buildFile()) && ctx.Err() == nil {
		report.Warn("commit %.12s has no %s; yours is used until it is committed", e.Revision, p.buildFile())
	}
}

// verdict is the error of an execution that is done.
func verdict(e hosting.Execution) error {
	if e.Status == hosting.Succeeded {
		return nil
	}
	hint := "run logs for the whole output; what was live before still is"
	s := e.FailedStage()
	if s == nil {
		return fault.New(fault.Failed, hint, "execution %s: %s", e.ID, e.Status)
	}
	if e.Status == hosting.Stopped {
		return fault.New(fault.Failed, "run deploy again; what was live before still is", "execution %s was stopped in stage %s: %s", e.ID, s.Name, s.Error)
	}
	return fault.New(fault.Failed, hint, "execution %s failed in stage %s: %s", e.ID, s.Name, s.Error)
}

// result adds where the site lives to what became of the execution. If why is not nil it is the error.
func (h *Hosting) result(ctx context.Context, p *plan, e hosting.Execution, why error) (hosting.Deployed, error) {
	info, err := h.info(context.WithoutCancel(ctx), p.deployed)
	if why != nil {
		err = why
	}
	if err != nil && !errors.Is(err, why) {
		err = fmt.Errorf("read what is deployed: %w", err)
	}
	return hosting.Deployed{Info: info, Execution: e}, err
}
