package localtarget

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/functiontest"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// plan is what a deployment is about to write, all of it known to be valid.
type plan struct {
	dir      state.Dir
	site     state.Site
	template []byte
	// function is its function's code.
	function string
	// buildspec is nil if the project has no build file.
	buildspec []byte
	deployed  *state.Deployed
	// previous is what is deployed now; nil if nothing is, or if it cannot be read.
	previous *state.Deployed
}

// plan checks the project and returns what to deploy. Nothing is written.
func (h *Hosting) plan(ctx context.Context) (*plan, error) {
	in, err := template.For(h.project)
	if err != nil {
		return nil, err
	}
	if err := functiontest.Try(ctx, functiontest.Function{Name: site.FunctionFile, Code: in.FunctionCode}, h.liveStore()); err != nil {
		return nil, err
	}
	rendered, err := template.Render(in)
	if err != nil {
		return nil, err
	}
	if err := server.Check(rendered, in.Parameters); err != nil {
		return nil, err
	}
	spec, err := h.project.Buildspec()
	if err != nil {
		return nil, err
	}
	if spec != nil {
		if _, err := buildspec.Parse(h.project.BuildFile(), spec); err != nil {
			return nil, err
		}
	}
	p := &plan{dir: h.dir, site: h.site, template: rendered, function: in.FunctionCode, buildspec: spec, deployed: &state.Deployed{
		Site:        h.project.Name(),
		Project:     h.project.Dir,
		Repository:  h.project.Repository,
		Branch:      h.project.Config.BranchName,
		Subdir:      h.project.Subdir,
		Config:      h.project.Config,
		Parameters:  in.Parameters,
		DeployedAt:  time.Now().UTC(),
		ToolVersion: h.opts.Version,
	}}
	if p.previous, err = h.site.Load(); err != nil {
		p.previous = nil // damaged: this deployment mends it
	} else {
		p.deployed.Pipeline, p.deployed.EnvFile = p.previous.Pipeline, p.previous.EnvFile
	}
	return p, nil
}

// withEnvFile makes the plan one whose builds get the variables of a file, which must be readable now. nil keeps the file of the
// last deployment.
func (p *plan) withEnvFile(file *string) error {
	if file != nil {
		p.deployed.EnvFile = *file
	}
	if p.deployed.EnvFile == "" {
		return nil
	}
	_, err := buildspec.ReadEnvFile(p.deployed.EnvFile)
	return err
}

// liveStore is the key-value store as the edge reads it; nil before the first release.
func (h *Hosting) liveStore() cfjs.KV {
	view, err := disk.OpenKV(h.site.KV()).View()
	if err != nil {
		return nil // damaged beyond what the edge could serve: there is nothing live to protect
	}
	if _, live := view.Get(publish.PathKey); !live {
		return nil
	}
	return view
}

// withPipeline makes the plan one of a site that is built from its source: from its repository, which must be there, with the
// branch, whose commit it returns; or from zip files.
func (p *plan) withPipeline(ctx context.Context) (tip string, err error) {
	p.deployed.Pipeline = true
	if p.deployed.Config.Zips() {
		return "", nil // the folder for them is made with the site
	}
	return source.Check(ctx, p.deployed.Repository, p.deployed.Branch)
}

// apply writes the plan; the server takes it up when site.json, which is last, is replaced.
func (p *plan) apply(context.Context) error {
	if err := errors.Join(p.dir.Create(), p.site.Create()); err != nil {
		return err
	}
	if p.deployed.Pipeline && p.deployed.Config.Zips() {
		if err := os.MkdirAll(p.site.Drop(), 0o700); err != nil {
			return fmt.Errorf("create the folder for zip files: %w", err)
		}
	}
	if err := state.WriteFile(p.site.Template(), p.template); err != nil {
		return err
	}
	if p.buildspec == nil {
		if err := os.Remove(p.site.Buildspec()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	} else if err := state.WriteFile(p.site.Buildspec(), p.buildspec); err != nil {
		return err
	}
	return p.site.Save(p.deployed)
}

// advise warns of what a user may not expect from this deployment.
func (h *Hosting) advise(ctx context.Context, p *plan, tip string, report hosting.Reporter) {
	if p.previous != nil {
		if p.previous.Repository != p.deployed.Repository && p.deployed.Repository != "" {
			report.Warn("the site was deployed from %s and is now deployed from %s", source.Printable(p.previous.Repository), source.Printable(p.deployed.Repository))
		}
		if p.previous.Pipeline {
			for _, what := range h.differs(p.previous) {
				report.Warn("the %s has changed since the last deploy; the new one is deployed", what)
			}
		}
	}
	if _, err := os.Stat(p.site.Buildspec()); err == nil && p.buildspec == nil {
		report.Warn("%s is gone since the last deploy: a commit without it is published as it is, without a build", site.BuildFile)
	}
	for _, line := range h.rivals() {
		report.Warn("%s", line)
	}
	function := functiontest.Function{Name: site.FunctionFile, Code: p.function}
	for _, line := range functiontest.Advice(ctx, function, h.project.Names(), h.liveStore()) {
		report.Warn("%s", line)
	}
	if p.deployed.Config.Zips() {
		return
	}
	tree := source.LookAtWorkTree(ctx, h.project.Dir, p.deployed.Branch, site.Folder)
	if tree.Changed > 0 {
		report.Warn("the project has changes that are not committed; only what is committed is deployed")
	}
	if tree.Branch != "" && tree.Branch != p.deployed.Branch {
		report.Warn("branch %s is checked out here, and branch %s is deployed; init --branch %[1]s changes that", tree.Branch, p.deployed.Branch)
	}
	if !h.project.InRepository() && tree.Head != "" && tree.Head != tip {
		report.Warn("branch %s here is at %.12s, in the repository at %.12s, which is deployed; push to deploy yours", p.deployed.Branch, tree.Head, tip)
	}
}

// buildFile is the place of the build file in the repository.
func (p *plan) buildFile() string { return path.Join(p.deployed.Subdir, site.Folder, site.BuildFile) }
