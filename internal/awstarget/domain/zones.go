package domain

import (
	"context"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/zones"
)

// HostedZones lists the public hosted zones of the account that the options choose. It needs no site.
func HostedZones(ctx context.Context, opts hosted.Options) ([]zones.Zone, error) {
	h := hosted.New(nil, opts)
	if err := h.Open(ctx); err != nil {
		return nil, err
	}
	list, err := zones.List(ctx, h.Account.Config)
	if err != nil {
		return nil, h.Explained(err)
	}
	return list, nil
}
