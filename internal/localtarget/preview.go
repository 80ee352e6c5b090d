package localtarget

import (
	"context"
	"os"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// What a deployment does to a thing.
const (
	actionAdd    = "add"
	actionChange = "change"
)

// Preview returns what Deploy would write, start and build. It checks what Deploy checks, and changes nothing.
func (h *Hosting) Preview(ctx context.Context, report hosting.Reporter) (hosting.Preview, error) {
	v := hosting.Preview{Site: h.project.Name(), Target: string(site.Local), Changes: []hosting.Planned{}, Notes: []string{}}
	report.Detail("reading the configuration")
	p, err := h.plan(ctx)
	if err != nil {
		return v, err
	}
	if p.deployed.Repository != "" {
		report.Detail("asking %s for branch %s", source.Printable(p.deployed.Repository), p.deployed.Branch)
	}
	tip, err := p.withPipeline(ctx)
	if err != nil {
		return v, err
	}
	deployed, err := h.site.Load()
	if err != nil {
		v.Creates = fault.KindOf(err) == fault.NotDeployed
		v.Changes = append(v.Changes, hosting.Planned{Action: actionAdd, Name: string(h.site), Type: "folder of the site"})
	} else {
		for _, what := range h.differs(deployed) {
			v.Changes = append(v.Changes, hosting.Planned{Action: actionChange, Name: what, Type: "configuration of the site"})
		}
	}
	if _, err := os.Stat(h.site.Source()); err != nil {
		v.Changes = append(v.Changes, hosting.Planned{Action: actionAdd, Name: h.site.Source(), Type: "repository to push to"})
	}
	holder, running, err := h.dir.Holder()
	switch {
	case err != nil:
		return v, err
	case running && holder.Serves():
		v.Notes = append(v.Notes, "the server that runs at "+holder.URL+" does the work")
	default:
		listen, _ := h.listen(holder)
		v.Changes = append(v.Changes, hosting.Planned{Action: actionAdd, Name: listen, Type: "server in the background (unless --no-serve)"})
	}
	if tip != "" {
		v.Notes = append(v.Notes, "commit "+tip[:min(7, len(tip))]+" of branch "+p.deployed.Branch+" would be built and released")
	}
	return v, nil
}
