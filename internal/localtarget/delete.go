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

// Doomed tells what Delete would remove. What is damaged and cannot be shown can be deleted all the same.
func (h *Hosting) Doomed(ctx context.Context, _ hosting.DeleteOptions) (hosting.Doomed, error) {
	info, err := h.Show(ctx)
	if fault.KindOf(err) == fault.NotDeployed {
		return hosting.Doomed{}, err
	}
	return hosting.Doomed{Releases: info.Releases, URL: info.URL}, nil
}

// Delete removes everything of the site: the server stops serving it, its executions are stopped, and its folder goes.
// It asks nothing. An interrupted deletion is finished by the next one; a site that does not exist is a
// fault.NotDeployed.
func (h *Hosting) Delete(ctx context.Context, opts hosting.DeleteOptions, report hosting.Reporter) (hosting.Removed, error) {
	d, err := h.site.Load()
	if _, statErr := os.Stat(string(h.site)); fault.KindOf(err) == fault.NotDeployed && errors.Is(statErr, fs.ErrNotExist) {
		return hosting.Removed{}, err
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
	left := h.left(d)
	uploads := 0
	if !opts.Uploads {
		uploads = h.uploads()
	}
	if uploads > 0 {
		left = append(left, fmt.Sprintf("the zip files that were put there to be released (%d): %s", uploads, h.site.Drop()))
	}
	if err := h.discard(uploads > 0); err != nil {
		return hosting.Removed{}, err
	}
	return hosting.Removed{Removed: []string{
		"site " + h.site.Name() + " with its releases, executions, logs and build cache: " + string(h.site),
	}, Left: left}, nil
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
