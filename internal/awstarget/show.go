package awstarget

import (
	"context"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/domain"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Show returns where the site lives and what it serves; a fault.NotDeployed if nothing is deployed.
func (h *Hosting) Show(ctx context.Context) (hosting.Info, error) {
	state, err := h.Deployed(ctx)
	if err != nil {
		return hosting.Info{}, err
	}
	info, err := h.info(ctx, state)
	return info, h.Explained(err)
}

func (h *Hosting) info(ctx context.Context, state stack.State) (hosting.Info, error) {
	info := h.place(state)
	info.Differs, info.DomainState = h.differs(ctx, state), domain.State(ctx, h.Hosting, state)
	p := h.PublisherOf(state)
	live, _, err := p.Pointer.Read(ctx)
	info.Release = live.Release
	if err != nil {
		return info, err
	}
	releases, err := p.Releases(ctx)
	if err != nil {
		return info, err
	}
	info.Releases = len(releases)
	for _, r := range releases {
		info.Bytes += r.Bytes
	}
	return info, nil
}

// place is what the stack alone tells.
func (h *Hosting) place(state stack.State) hosting.Info {
	c := h.Project.Config
	var names []hosting.Name
	for _, n := range h.Project.Names() {
		names = append(names, hosting.Name(n))
	}
	return hosting.Info{
		Names: names,
		Site:  h.Project.Name(), Target: string(site.AWS), URL: hosted.URL(state), Domain: c.DomainName,
		Source:   hosting.Source{Repository: site.StripCredentials(h.Project.Repository), Branch: c.BranchName, Bucket: c.S3Bucket, Path: c.S3Path},
		Upload:   uploadPlace(state),
		Serving:  true,
		Location: state.ID,
		CIRole:   ciRole(state, h.Account.Region),
	}
}

// differs names what of the project differs from what is deployed. A project that cannot be rendered differs; a template
// that cannot be read says nothing.
func (h *Hosting) differs(ctx context.Context, state stack.State) []string {
	in, err := template.For(h.Project)
	if err != nil {
		return []string{template.DiffersConfiguration}
	}
	deployed, err := h.Stack().Template(ctx)
	if err != nil {
		return nil
	}
	return template.Differs(deployed, in)
}

// withRelease adds which release an execution published: the one that is live, if it is of that revision, else the revision
// itself. (A rebuild of a commit has a number at its end.)
func (h *Hosting) withRelease(ctx context.Context, state stack.State, e hosting.Execution) hosting.Execution {
	if e.Status != hosting.Succeeded || e.Revision == "" {
		return e
	}
	e.Release = releaseID(state, e.Revision)
	if live, _, err := h.PublisherOf(state).Pointer.Read(ctx); err == nil && numberedFrom(live.Release, e.Release) {
		e.Release = live.Release
	}
	return e
}

// releaseID is what the pipeline asks the release step to call the release of a revision (hosting.yaml, RELEASE).
func releaseID(state stack.State, revision string) string {
	if state.Parameters[template.ParamSourceType] == "s3" {
		return site.ZipRelease(revision)
	}
	return revision
}

// numberedFrom reports whether a release id is the wanted one, or that with a number.
func numberedFrom(id, wanted string) bool {
	rest, ok := strings.CutPrefix(id, wanted)
	return ok && (rest == "" || strings.HasPrefix(rest, "-"))
}
