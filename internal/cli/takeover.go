package cli

import (
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/scaffold"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// warnUnconverted says that the project's own builds would publish nothing, to somebody who publishes without them. The release
// step of a pipeline has no project.
func (s *session) warnUnconverted(project *site.Site) {
	if project == nil {
		return
	}
	if err := scaffold.Unconverted(project); err != nil {
		s.warn("%v", err)
		s.next([2]string{"To convert it", s.command("init")})
	}
}
