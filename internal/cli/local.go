package cli

import (
	"fmt"
	"os"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

var _ target = (*localtarget.Hosting)(nil)

// openLocal opens the local target.
func openLocal(s *session, project *site.Site) (target, error) {
	dir, err := localtarget.StateDir(s.stateDir)
	if err != nil {
		return nil, err
	}
	s.debug("state    %s", dir)
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return localtarget.New(dir, project, localtarget.Options{Executable: executable, Version: thisBuild().Version, Listen: s.listen}), nil
}
