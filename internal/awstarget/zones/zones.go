// Package zones lists the hosted zones of an account's Route 53, in which a site's domain can have its records.
package zones

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
)

// Zone is a public hosted zone.
type Zone struct {
	// ID is as the configuration and CloudFormation have it: Z…, without "/hostedzone/".
	ID string
	// Domain is without the last dot.
	Domain string
}

// List returns the account's public zones, all pages of them, in Route 53's order. A private zone answers in a network of
// the user's own only, so no viewer would find a site through it.
func List(ctx context.Context, cfg aws.Config) ([]Zone, error) {
	api := route53.NewFromConfig(cfg)
	var list []Zone
	var marker *string
	for {
		page, err := api.ListHostedZones(ctx, &route53.ListHostedZonesInput{Marker: marker})
		if err != nil {
			return nil, fmt.Errorf("list hosted zones: %w", err)
		}
		for _, z := range page.HostedZones {
			if z.Config != nil && z.Config.PrivateZone {
				continue
			}
			list = append(list, Zone{ID: strings.TrimPrefix(aws.ToString(z.Id), "/hostedzone/"), Domain: strings.TrimSuffix(aws.ToString(z.Name), ".")})
		}
		if !page.IsTruncated {
			return list, nil
		}
		marker = page.NextMarker
	}
}
