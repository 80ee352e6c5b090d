package awstarget

import (
	"context"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/zones"
)

// HostedZones lists the public hosted zones of the account that the options choose. It needs no site.
func HostedZones(ctx context.Context, opts Options) ([]zones.Zone, error) {
	h := &Hosting{opts: opts}
	if err := h.open(ctx); err != nil {
		return nil, err
	}
	list, err := zones.List(ctx, h.account.Config)
	if err != nil {
		return nil, h.explained(err)
	}
	return list, nil
}
