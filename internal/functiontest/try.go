package functiontest

import (
	"context"
	"net/http"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Try says whether a viewer-request function may be deployed to a site that is live: it compiles and, called for the start
// page with the site's key-value store as it is, does not fail. A function that fails there would answer every viewer with
// an error. kv is nil before the first release; what the function reads may not be there yet, so it is only compiled.
// The error is a fault.Usage.
func Try(ctx context.Context, f Function, kv cfjs.KV) error {
	if kv == nil {
		_, err := cfjs.Compile(f.Name, f.Code, cfjs.Options{Runtime: f.Runtime})
		return err
	}
	event, err := URLEvent(http.MethodGet, "/", nil)
	if err != nil {
		return err
	}
	outcome, err := Run(ctx, f, event, kv, time.Time{})
	if err != nil {
		return err
	}
	if outcome.Failure != nil {
		return fault.New(fault.Usage, `mend it, and see it work with "cloudfront-hosting-toolkit function test --url /"; the site stays as it is`,
			"the function would answer / with an error: %w", outcome.Failure)
	}
	return nil
}
