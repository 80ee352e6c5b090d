// Package localtarget hosts a site on this machine: it is what the commands do when their target is local. It writes what
// is wanted into the state folder and reads there what has become of it; package server does the work.
package localtarget

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// StateDir returns the state folder as an absolute path: the flag, else $CHT_STATE_DIR, else the platform's folder for
// state.
func StateDir(flag string) (string, error) { return state.Resolve(flag) }

// Options are what a Hosting depends on.
type Options struct {
	// Executable is the program that Deploy starts the server with.
	Executable string
	Version    string
	// Listen is the address for a server that has to be started. Empty, or the default, means the address of the last
	// server, else the default, else any free port if that is taken. Any other address is used as it is or not at all.
	Listen string
	// Resolve looks a host name up in DNS; the system's resolver does if it is nil.
	Resolve func(ctx context.Context, host string) ([]string, error)
}

// Hosting is one site on this machine.
type Hosting struct {
	dir     state.Dir
	project *site.Site
	site    state.Site
	opts    Options
}

// New returns the hosting of a site, which need not be deployed yet. It touches nothing.
func New(stateDir string, s *site.Site, opts Options) *Hosting {
	dir := state.Dir(stateDir)
	return &Hosting{dir: dir, project: s, site: dir.Site(s.Name()), opts: opts}
}

func (h *Hosting) records() pipeline.Records { return pipeline.Records{Dir: h.site.Executions()} }

// Show returns where the site lives and what it serves; a fault.NotDeployed if nothing is deployed.
func (h *Hosting) Show(ctx context.Context) (hosting.Info, error) {
	d, err := h.site.Load()
	if err != nil {
		return hosting.Info{}, err
	}
	return h.info(ctx, d)
}

func (h *Hosting) info(ctx context.Context, d *state.Deployed) (hosting.Info, error) {
	holder, running, err := h.dir.Holder()
	if err != nil {
		return hosting.Info{}, err
	}
	holder.Listen = cmp.Or(holder.Listen, server.DefaultListen)
	info := hosting.Info{
		Site:     d.Site,
		Target:   string(site.Local),
		URL:      holder.SiteURL(d.Site, d.Config.DomainName),
		Domain:   d.Config.DomainName,
		Names:    names(d.Config),
		Source:   hosting.Source{Repository: source.Printable(d.Repository), Branch: d.Branch, Bucket: d.Config.S3Bucket, Path: d.Config.S3Path},
		Serving:  running && holder.Serves(),
		Location: string(h.site),
		Differs:  h.differs(d),
	}
	if info.Serving {
		info.TryDomain, info.Addresses = tryDomain(h.dir, holder, info.URL, info.Domain), holder.Addresses()
	}
	if d.Config.Zips() && d.Pipeline {
		info.Upload = h.uploadFolder()
	} else if _, err := os.Stat(h.site.Source()); err == nil {
		info.PushURL = h.site.Source()
	}
	if data, err := os.ReadFile(h.site.SourceError()); err == nil {
		info.SourceError = strings.TrimSpace(string(data))
	}
	if data, err := os.ReadFile(h.site.PassedOver()); err == nil {
		info.PassedOver = strings.TrimSpace(string(data))
	}
	p := pipeline.Publisher(h.site, d, h.opts.Version)
	live, _, err := p.Pointer.Read(ctx)
	if err != nil {
		return info, err
	}
	info.Release = live.Release
	releases, err := p.Releases(ctx)
	if err != nil {
		return info, err
	}
	info.Releases = len(releases)
	for _, r := range releases {
		info.Bytes += r.Bytes
	}
	info.Disk, info.BuildCache = disk.Use(string(h.site)), disk.Use(h.site.Cache())
	return info, nil
}

// differs names what of the project differs from what is deployed. A project that cannot be rendered differs.
func (h *Hosting) differs(d *state.Deployed) []string {
	deployed, err := os.ReadFile(h.site.Template())
	if err != nil {
		return []string{template.DiffersTemplate}
	}
	in, err := template.For(h.project)
	if err != nil {
		return []string{template.DiffersConfiguration}
	}
	differs := template.Differs(deployed, in)
	same := d.Repository == h.project.Repository && d.Config.Equal(h.project.Config) && d.Subdir == h.project.Subdir
	if !same && !slices.Contains(differs, template.DiffersConfiguration) {
		differs = append(differs, template.DiffersConfiguration)
	}
	return differs
}

// Execution returns an execution, the newest if id is empty. Of one that has joined another one, it returns that one.
func (h *Hosting) Execution(_ context.Context, id string) (hosting.Execution, error) {
	if _, err := h.site.Load(); err != nil {
		return hosting.Execution{}, err
	}
	if id != "" {
		e, err := h.records().Load(id)
		if by, joined := h.records().Joined(e); joined {
			return by, nil
		}
		return e, err
	}
	e, ok, err := h.records().Current()
	if err == nil && !ok {
		err = fault.New(fault.NotDeployed, "run deploy", "site %s has had no execution of its pipeline yet", h.site.Name())
	}
	return e, err
}

// Logs writes the build's output of an execution, the newest if id is empty. With follow it goes on until the execution
// is done.
func (h *Hosting) Logs(ctx context.Context, id string, follow bool, w io.Writer) error {
	e, err := h.Execution(ctx, id)
	if err != nil {
		return err
	}
	if follow {
		done, err := pipeline.Follower{Records: h.records(), Output: w, Alive: h.alive}.Follow(ctx, e.ID)
		if by, joined := h.records().Joined(done); joined && err == nil {
			_, err = pipeline.Follower{Records: h.records(), Output: w, Alive: h.alive}.Follow(ctx, by.ID)
		}
		return err
	}
	f, err := os.Open(h.records().Log(e.ID))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("copy log: %w", err)
	}
	return nil
}

// alive returns an error if no process works on executions.
func (h *Hosting) alive() error {
	_, running, err := h.dir.Holder()
	if err == nil && !running {
		err = fault.New(fault.Other, "run serve, which takes it up again", "no server runs that would work on the execution")
	}
	return err
}

// Publisher returns the publisher of the site's releases. If nothing is deployed yet, it deploys the configuration
// without a pipeline, so that releases can be published from anywhere.
func (h *Hosting) Publisher(ctx context.Context) (*publish.Publisher, error) {
	d, err := h.site.Load()
	if fault.KindOf(err) == fault.NotDeployed {
		var p *plan
		if p, err = h.plan(ctx); err != nil {
			return nil, err
		}
		d = p.deployed
		err = p.apply(ctx)
	}
	if err != nil {
		return nil, err
	}
	return pipeline.Publisher(h.site, d, h.opts.Version), nil
}
