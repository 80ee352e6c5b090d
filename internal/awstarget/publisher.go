package awstarget

import (
	"context"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/step"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Step is the hosting as the pipeline's release step sees it.
type Step = step.Step

// ReleaseStep returns the hosting that the environment names, or nil outside of a release step.
func ReleaseStep(version string) *Step { return step.FromEnvironment(version) }

// StepSource is what a release step publishes, and under which id: of a zip file, the folder in it that is the site.
func StepSource(dir, release string) (folder, id string, err error) {
	folder, err = step.Folder(dir, release)
	return folder, step.ReleaseID(release), err
}

// Publisher returns the publisher of the site's releases. Hosting has to be deployed first: a stack takes minutes, and
// whoever publishes a folder should know about it.
func (h *Hosting) Publisher(ctx context.Context) (*publish.Publisher, error) {
	state, err := h.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	p := h.PublisherOf(state)
	if state.Outputs[template.OutputPipelineName] != "" {
		p.Messages = h.PipelineOf(state).Messages
	}
	return p, nil
}
