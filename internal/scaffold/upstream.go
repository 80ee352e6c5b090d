package scaffold

import (
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Unconverted returns a fault.Usage if the project's build file is still the upstream toolkit's: it copies the site into a
// bucket whose name nobody sets, and names no artifacts, so that its builds fail or publish nothing. A project without a
// build file, and one whose file cannot be read as a buildspec, are none of its business.
func Unconverted(s *site.Site) error {
	data, err := s.Buildspec()
	if err != nil || !buildspec.Upstream(data) {
		return nil
	}
	spec, err := buildspec.Parse(s.BuildFile(), data)
	if err != nil || spec.Artifacts != nil {
		return nil
	}
	return fault.New(fault.Usage, "run: cloudfront-hosting-toolkit init\nIt converts the file, shows what it changes, and keeps yours beside it; then commit and push it.",
		"%s/%s is still the upstream toolkit's: it copies the site into a bucket of its own and names no artifacts, so that nothing would be published", site.Folder, site.BuildFile)
}
