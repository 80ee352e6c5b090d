package localtarget

import (
	"context"
	"path/filepath"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
)

// uploadGlance is the time between two looks for the execution of an upload.
const uploadGlance = 100 * time.Millisecond

// begin writes the plan and returns the execution to follow: one that is requested or, for a site that is fed by zip files and
// has none yet, the one of the first that is copied into its folder. The execution has no id if there is nothing to follow.
func (h *Hosting) begin(ctx context.Context, p *plan, opts hosting.DeployOptions, report hosting.Reporter) (hosting.Execution, error) {
	if !p.deployed.Config.Zips() {
		return h.request(ctx, p)
	}
	_, found, err := pipeline.Uploads(h.site).Newest(ctx)
	if err != nil {
		return hosting.Execution{}, err
	}
	if found {
		return h.request(ctx, p)
	}
	before, _, err := h.records().Newest()
	if err != nil {
		return hosting.Execution{}, err
	}
	if err := p.apply(ctx); err != nil {
		return hosting.Execution{}, err
	}
	if !opts.AwaitUpload || opts.NoWait {
		return hosting.Execution{}, nil
	}
	report.Step("Upload")
	report.Warn("there is no zip file yet. Copy one into this folder, and it is released:\n%s", h.site.Drop())
	report.Detail("waiting for a zip file")
	return h.awaitUpload(ctx, before.ID)
}

// awaitUpload waits for an execution that is newer than the one given.
func (h *Hosting) awaitUpload(ctx context.Context, before string) (hosting.Execution, error) {
	glances := time.NewTicker(uploadGlance)
	defer glances.Stop()
	for {
		if e, ok := h.newer(before); ok {
			return e, nil
		}
		if err := h.alive(); err != nil {
			return hosting.Execution{}, err
		}
		select {
		case <-glances.C:
		case <-ctx.Done():
			return hosting.Execution{}, fault.New(fault.Other, "the site is deployed: copy a .zip file into "+h.site.Drop()+" at any time",
				"stopped waiting for a zip file: %w", context.Cause(ctx))
		}
	}
}

// uploadFolder is where zip files go, for people: with a separator at its end.
func (h *Hosting) uploadFolder() string { return h.site.Drop() + string(filepath.Separator) }

// comes is what a release of the site comes as.
func (p *plan) comes() string {
	if p.deployed.Config.Zips() {
		return "zip file"
	}
	return "commit"
}
