package localtarget

import (
	"context"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
)

// Edge returns what the edge of the deployed site is made of, for whoever asks why it answers as it does. The error is a
// fault.NotDeployed if nothing is deployed.
func (h *Hosting) Edge(context.Context) (edge.Options, error) { return server.Deployed(h.site) }
