package localtarget

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// Doomed tells what Delete would remove. What is damaged and cannot be shown can be deleted all the same, and so can what is left
// of a site by a deletion.
func (h *Hosting) Doomed(ctx context.Context, opts hosting.DeleteOptions) (hosting.Doomed, error) {
	var doomed hosting.Doomed
	info, err := h.Show(ctx)
	switch {
	case fault.KindOf(err) != fault.NotDeployed:
		doomed.Releases, doomed.URL = info.Releases, info.URL
	case !exists(string(h.site)):
		return doomed, err
	case !h.onlyUploads():
		doomed.Removes = append(doomed.Removes, "what is left of the site: "+string(h.site))
	case !opts.Uploads:
		return doomed, h.nothingButUploads()
	}
	if uploads := h.uploads(); uploads != "" && opts.Uploads {
		doomed.Removes = append(doomed.Removes, uploads)
	} else if uploads != "" {
		doomed.Leaves = append(doomed.Leaves, uploads)
	}
	return doomed, nil
}

// nothingButUploads is the error of a deletion that has nothing to remove but zip files, and was not asked to.
func (h *Hosting) nothingButUploads() error {
	return fault.New(fault.NotDeployed, "delete --site "+h.site.Name()+" --uploads removes them", "site %s is not deployed; what is left of it are %s", h.site.Name(), h.uploads())
}

// Delete removes everything of the site: the server stops serving it, its executions are stopped, and its folder goes.
// It asks nothing. An interrupted deletion is finished by the next one; a site that does not exist is a
// fault.NotDeployed.
func (h *Hosting) Delete(ctx context.Context, opts hosting.DeleteOptions, report hosting.Reporter) (hosting.Removed, error) {
	d, err := h.site.Load()
	if fault.KindOf(err) == fault.NotDeployed && !exists(string(h.site)) {
		return hosting.Removed{}, err
	}
	if h.onlyUploads() {
		return h.deleteUploads(opts, report)
	}
	// A configuration that cannot be read must not keep its site from being deleted.
	report.Step("Stop")
	report.Detail("ending what runs for the site")
	if err := os.Remove(h.site.File()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return hosting.Removed{}, fmt.Errorf("delete site %s: %w", h.site.Name(), err)
	}
	lock, err := h.site.Lock(ctx, sitePatience)
	if errors.Is(err, state.ErrLocked) {
		return hosting.Removed{}, fault.New(fault.Other, "run delete again, or stop the server with serve --stop first", "delete site %s: its executions do not end", h.site.Name())
	}
	if err != nil {
		return hosting.Removed{}, err
	}
	if err := lock.Unlock(); err != nil {
		return hosting.Removed{}, err
	}
	report.Step("Delete")
	report.Detail("removing %s", h.site)
	removed := hosting.Removed{
		Removed: []string{"site " + h.site.Name() + " with its releases, executions, logs and build cache: " + string(h.site)},
		Left:    h.left(d),
	}
	uploads := h.uploads()
	if uploads != "" && opts.Uploads {
		removed.Removed = append(removed.Removed, uploads)
	} else if uploads != "" {
		removed.Left = append(removed.Left, uploads)
	}
	if err := h.discard(uploads != "" && !opts.Uploads); err != nil {
		return hosting.Removed{}, err
	}
	return removed, nil
}

// deleteUploads removes the zip files that an earlier deletion has left, if it is asked to.
func (h *Hosting) deleteUploads(opts hosting.DeleteOptions, report hosting.Reporter) (hosting.Removed, error) {
	if !opts.Uploads {
		return hosting.Removed{}, h.nothingButUploads()
	}
	report.Step("Delete")
	removed := hosting.Removed{Removed: []string{h.uploads()}, Left: h.left(nil)}
	if err := h.discard(false); err != nil {
		return hosting.Removed{}, err
	}
	return removed, nil
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// left lists what a deletion does not touch.
func (h *Hosting) left(d *state.Deployed) []string {
	var left []string
	if folder := filepath.Dir(h.project.ConfigFile()); h.project.Dir != "" && exists(folder) {
		left = append(left, "the project with its configuration: "+folder)
	}
	if d != nil && d.Repository != "" && (!filepath.IsAbs(d.Repository) || exists(d.Repository)) {
		left = append(left, "the repository: "+source.Printable(d.Repository))
	}
	if holder, running, err := h.dir.Holder(); err == nil && running && holder.Serves() {
		left = append(left, fmt.Sprintf("the server, for all sites of %s: process %d; serve --stop ends it", h.dir, holder.PID))
	}
	return left
}
