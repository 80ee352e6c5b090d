package localtarget

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	folder := pipeline.Uploads(h.site)
	_, found, err := folder.Newest(ctx)
	if err != nil {
		return hosting.Execution{}, err
	}
	strays, err := folder.Strays()
	if err != nil {
		return hosting.Execution{}, err
	}
	for _, s := range strays {
		report.Warn("%s is not released: it is %s", filepath.Join(folder.Dir, s.Name), s.Why)
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

// uploads says what is in the site's folder for zip files, whatever else somebody put there; "" if nothing is.
func (h *Hosting) uploads() string {
	files, err := os.ReadDir(h.site.Drop())
	if err != nil || len(files) == 0 {
		return ""
	}
	what := "zip files"
	if slices.ContainsFunc(files, func(e os.DirEntry) bool { return !strings.HasSuffix(e.Name(), ".zip") }) {
		what = "files"
	}
	return fmt.Sprintf("the %s that were put there to be released (%d): %s", what, len(files), h.site.Drop())
}

// onlyUploads reports whether what a deletion leaves is all that there is of the site.
func (h *Hosting) onlyUploads() bool {
	entries, err := os.ReadDir(string(h.site))
	return err == nil && len(entries) == 1 && entries[0].Name() == filepath.Base(h.site.Drop()) && h.uploads() != ""
}

// discard removes the site's folder. With keep the folder for zip files stays in it: they may be the only copy.
func (h *Hosting) discard(keep bool) error {
	if !keep {
		return h.dir.Discard(h.site)
	}
	entries, err := os.ReadDir(string(h.site))
	if err != nil {
		return fmt.Errorf("delete site %s: %w", h.site.Name(), err)
	}
	// What is moved away as a whole is another folder, with everything but the zip files.
	rest := h.dir.Site(h.site.Name() + ".deleted")
	if err := os.MkdirAll(string(rest), 0o700); err != nil {
		return fmt.Errorf("delete site %s: %w", h.site.Name(), err)
	}
	for _, e := range entries {
		from := filepath.Join(string(h.site), e.Name())
		if from == h.site.Drop() {
			continue
		}
		if err := os.Rename(from, filepath.Join(string(rest), e.Name())); err != nil {
			return fmt.Errorf("delete site %s: %w", h.site.Name(), err)
		}
	}
	return h.dir.Discard(rest)
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
