package localtarget

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Listed is one site of a state folder.
type Listed struct {
	Site string `json:"site"`
	URL  string `json:"url"`
	// Domain is the name that the site is known by; empty if it has none.
	Domain string `json:"domain"`
	// Project is the folder that the site was deployed from.
	Project string `json:"project"`
	// Release is the live one; empty before the first.
	Release    string    `json:"release"`
	DeployedAt time.Time `json:"deployedAt"`
	// Astray says why no command in the project folder reaches the site: the folder was moved or removed, or is another site
	// by now. Empty if one does.
	Astray string `json:"astray,omitempty"`
	// Problem says why the site's record cannot be read.
	Problem string `json:"problem,omitempty"`
}

// Sites lists the sites of a state folder by name, those that are damaged or without a project included. It changes nothing.
func Sites(ctx context.Context, stateDir string) ([]Listed, error) {
	dir := state.Dir(stateDir)
	names, err := dir.Names()
	if err != nil {
		return nil, err
	}
	holder, _, err := dir.Holder()
	if err != nil {
		return nil, err
	}
	holder.Listen = cmp.Or(holder.Listen, server.DefaultListen)
	list := make([]Listed, 0, len(names))
	for _, name := range names {
		one := Listed{Site: name, URL: holder.SiteURL(name, "")}
		d, err := dir.Site(name).Load()
		if err != nil {
			one.Problem = err.Error()
			list = append(list, one)
			continue
		}
		one.URL, one.Domain = holder.SiteURL(name, d.Config.DomainName), d.Config.DomainName
		one.Project, one.DeployedAt, one.Astray = d.Project, d.DeployedAt, astray(d)
		if live, _, err := pipeline.Publisher(dir.Site(name), d, "").Pointer.Read(ctx); err == nil {
			one.Release = live.Release
		} else {
			one.Problem = err.Error()
		}
		list = append(list, one)
	}
	return list, nil
}

// astray says why the project folder of a site does not lead to it.
func astray(d *state.Deployed) string {
	if _, err := os.Stat(d.Project); errors.Is(err, fs.ErrNotExist) {
		return "its project folder is gone"
	}
	project, err := site.Load(d.Project)
	if err != nil {
		return "its project folder has no configuration that can be read"
	}
	if name := project.Name(); name != d.Site {
		return "its project folder is site " + name + " by now"
	}
	return ""
}

// Find returns the hosting of a site of the state folder by its name, for what needs no project. The error is a
// fault.NotDeployed that names the sites if there is none of that name.
func Find(stateDir, name string, opts Options) (*Hosting, error) {
	dir := state.Dir(stateDir)
	names, err := dir.Names()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(string(dir.Site(name))); err != nil || strings.ContainsAny(name, `/\`) || strings.Trim(name, ".") == "" {
		hint := "no site is deployed on this machine"
		if len(names) > 0 {
			hint = "the sites are " + strings.Join(names, ", ") + "; show --all tells more of them"
		}
		return nil, fault.New(fault.NotDeployed, hint, "there is no site %q in %s", name, stateDir)
	}
	h := &Hosting{dir: dir, site: dir.Site(name), project: &site.Site{}, opts: opts}
	if d, err := h.site.Load(); err == nil { // what is damaged can be deleted all the same
		h.project = &site.Site{Dir: d.Project, Config: d.Config, Repository: d.Repository, Subdir: d.Subdir}
	}
	return h, nil
}

// rivals are the other sites that have one of this site's names. The server gives each name to one of them.
func (h *Hosting) rivals() (list []string) {
	all, err := h.dir.Names()
	if err != nil {
		return nil
	}
	var own []string
	for _, n := range h.project.Names() {
		own = append(own, n.Host)
	}
	for _, name := range all {
		d, err := h.dir.Site(name).Load()
		if name == h.site.Name() || err != nil {
			continue
		}
		for _, n := range d.Config.Names() {
			if slices.Contains(own, n.Host) {
				line := n.Host + " is a name of site " + name + " too"
				if why := astray(d); why != "" {
					line += " (" + why + ")"
				}
				list = append(list, line+", and only one of them is served under it: delete --site "+name+" removes that one")
				break
			}
		}
	}
	return list
}
