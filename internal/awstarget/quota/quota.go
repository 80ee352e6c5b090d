// Package quota tells how many of each kind of resource the account has, and how many it may have: of those kinds that a
// deployment makes. What the account may have is asked of Service Quotas; where that does not tell, the documented default
// counts.
package quota

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
)

// global is the region of the quotas of global services.
const global = "us-east-1"

// Kind is a kind of resource that an account may have only so many of.
type Kind struct {
	// Name is what the kind is called, in the plural.
	Name string
	// Makes is how many of them a first deployment makes.
	Makes int
	// Default is the documented number (CloudFront Developer Guide, "Quotas"; S3 User Guide, "General purpose bucket quotas").
	Default int

	service string
	// names are what Service Quotas may call it: the first quota whose name contains one of them, in lower case, counts.
	names  []string
	global bool
	count  func(ctx context.Context, a *Account) (int, error)
}

// Kinds are those that a deployment makes some of.
var Kinds = []Kind{
	{Name: "distributions", Makes: 1, Default: 500, service: "cloudfront", global: true, count: distributions,
		names: []string{"distributions per aws account", "web distributions per account"}},
	{Name: "functions", Makes: 1, Default: 100, service: "cloudfront", global: true, count: functions,
		names: []string{"functions per aws account", "functions per account"}},
	{Name: "key-value stores", Makes: 1, Default: 50, service: "cloudfront", global: true, count: stores,
		names: []string{"key value stores per aws account", "key value stores per account", "keyvaluestores per account"}},
	{Name: "origin access controls", Makes: 1, Default: 100, service: "cloudfront", global: true, count: controls,
		names: []string{"origin access controls per aws account", "origin access controls per account"}},
	{Name: "buckets", Makes: 2, Default: 10_000, service: "s3", global: true, count: buckets,
		names: []string{"general purpose buckets", "buckets"}},
}

// Builds is how many builds may run at once on the machines of the Build stage. New accounts begin with few, at times with
// none. The default is CodeBuild's (CodeBuild User Guide, "Quotas").
var Builds = Kind{Name: "builds at once", Makes: 1, Default: 60, service: "codebuild", names: []string{"concurrently running builds for linux/small"}}

// Account is where to ask.
type Account struct {
	Config aws.Config
}

// Count is how many of a kind the account has; 0 for Builds.
func (k Kind) Count(ctx context.Context, a *Account) (int, error) {
	if k.count == nil {
		return 0, nil
	}
	n, err := k.count(ctx, a)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", k.Name, reason.Of(err))
	}
	return n, nil
}

// Limit is how many the account may have. With an error, which says why Service Quotas did not tell, it is the default.
func (k Kind) Limit(ctx context.Context, a *Account) (int, error) {
	api := servicequotas.NewFromConfig(a.Config, func(o *servicequotas.Options) {
		if k.global {
			o.Region = global
		}
	})
	// Not the SDK's paginator: it takes the client as an interface, and the linker would then keep all of its operations.
	for in := (&servicequotas.ListServiceQuotasInput{ServiceCode: &k.service, MaxResults: aws.Int32(100)}); ; {
		page, err := api.ListServiceQuotas(ctx, in)
		if err != nil {
			return k.Default, fmt.Errorf("ask for the quota of %s: %w", k.Name, reason.Of(err))
		}
		for _, q := range page.Quotas {
			for _, name := range k.names {
				if strings.Contains(strings.ToLower(aws.ToString(q.QuotaName)), name) && q.Value != nil {
					return int(*q.Value), nil
				}
			}
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return k.Default, nil
		}
	}
}

func distributions(ctx context.Context, a *Account) (int, error) {
	api, n := cloudfront.NewFromConfig(a.Config), 0
	for in := (&cloudfront.ListDistributionsInput{MaxItems: aws.Int32(100)}); ; {
		out, err := api.ListDistributions(ctx, in)
		if err != nil || out.DistributionList == nil {
			return n, err
		}
		n += len(out.DistributionList.Items)
		if in.Marker = out.DistributionList.NextMarker; aws.ToString(in.Marker) == "" {
			return n, nil
		}
	}
}

func functions(ctx context.Context, a *Account) (int, error) {
	api, n := cloudfront.NewFromConfig(a.Config), 0
	for in := (&cloudfront.ListFunctionsInput{MaxItems: aws.Int32(100), Stage: "DEVELOPMENT"}); ; { // every function has one
		out, err := api.ListFunctions(ctx, in)
		if err != nil || out.FunctionList == nil {
			return n, err
		}
		n += len(out.FunctionList.Items)
		if in.Marker = out.FunctionList.NextMarker; aws.ToString(in.Marker) == "" {
			return n, nil
		}
	}
}

func stores(ctx context.Context, a *Account) (int, error) {
	api, n := cloudfront.NewFromConfig(a.Config), 0
	for in := (&cloudfront.ListKeyValueStoresInput{MaxItems: aws.Int32(50)}); ; {
		out, err := api.ListKeyValueStores(ctx, in)
		if err != nil || out.KeyValueStoreList == nil {
			return n, err
		}
		n += len(out.KeyValueStoreList.Items)
		if in.Marker = out.KeyValueStoreList.NextMarker; aws.ToString(in.Marker) == "" {
			return n, nil
		}
	}
}

func controls(ctx context.Context, a *Account) (int, error) {
	api, n := cloudfront.NewFromConfig(a.Config), 0
	for in := (&cloudfront.ListOriginAccessControlsInput{MaxItems: aws.Int32(100)}); ; {
		out, err := api.ListOriginAccessControls(ctx, in)
		if err != nil || out.OriginAccessControlList == nil {
			return n, err
		}
		n += len(out.OriginAccessControlList.Items)
		if in.Marker = out.OriginAccessControlList.NextMarker; aws.ToString(in.Marker) == "" {
			return n, nil
		}
	}
}

func buckets(ctx context.Context, a *Account) (int, error) {
	api, n := s3.NewFromConfig(a.Config, func(o *s3.Options) { o.UsePathStyle = a.Config.BaseEndpoint != nil }), 0
	for in := (&s3.ListBucketsInput{MaxBuckets: aws.Int32(1000)}); ; {
		out, err := api.ListBuckets(ctx, in)
		if err != nil {
			return n, err
		}
		n += len(out.Buckets)
		if in.ContinuationToken = out.ContinuationToken; in.ContinuationToken == nil {
			return n, nil
		}
	}
}
