// Package zipbucket is the bucket that a site's zip files are uploaded to: whether it is as the pipeline needs it, and the
// newest zip file in it. Nothing in it is ever written or removed.
package zipbucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Bucket is a bucket for zip files.
type Bucket struct {
	api *s3.Client
	// Name is the bucket's; Prefix is what the keys of the site's zip files begin with.
	Name, Prefix string
	// Account and Region are where the pipeline is: the bucket has to be there too.
	account, region string
}

// Open returns a bucket. It asks nobody.
func Open(cfg aws.Config, account, name, prefix string) *Bucket {
	return &Bucket{api: bucket.Client(cfg), Name: name, Prefix: prefix, account: account, region: cfg.Region}
}

// Missing is a setting that a bucket lacks.
type Missing struct {
	// What is it, in words.
	What string
	// Command switches it on, with the AWS CLI.
	Command string

	mend func(context.Context) error
}

// Check returns what the bucket lacks. That it is not there, or not where the pipeline is, is an error: CodePipeline reads
// zip files only from a bucket of its own region (CodePipeline User Guide, "Amazon S3 source action reference"), by version,
// and EventBridge tells it of them.
func (b *Bucket) Check(ctx context.Context) ([]Missing, error) {
	if err := b.find(ctx); err != nil {
		return nil, err
	}
	versioning, err := b.api.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &b.Name, ExpectedBucketOwner: &b.account})
	if err != nil {
		return nil, fmt.Errorf("ask whether bucket %s is versioned: %w", b.Name, reason.Of(err))
	}
	told, err := b.api.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: &b.Name, ExpectedBucketOwner: &b.account})
	if err != nil {
		return nil, fmt.Errorf("ask what bucket %s notifies: %w", b.Name, reason.Of(err))
	}
	var missing []Missing
	if versioning.Status != types.BucketVersioningStatusEnabled {
		missing = append(missing, Missing{"it is not versioned, so that a later upload could change what a run releases",
			fmt.Sprintf("aws s3api put-bucket-versioning --region %s --bucket %s --versioning-configuration Status=Enabled", b.region, b.Name), b.version})
	}
	if told.EventBridgeConfiguration == nil {
		whole := &types.NotificationConfiguration{
			EventBridgeConfiguration:     &types.EventBridgeConfiguration{},
			LambdaFunctionConfigurations: told.LambdaFunctionConfigurations, QueueConfigurations: told.QueueConfigurations, TopicConfigurations: told.TopicConfigurations,
		}
		missing = append(missing, Missing{"it does not notify EventBridge, so that an upload would start nothing",
			fmt.Sprintf("aws s3api put-bucket-notification-configuration --region %s --bucket %s --notification-configuration '%s'", b.region, b.Name, asJSON(whole)),
			func(ctx context.Context) error { return b.notify(ctx, whole) }})
	}
	return missing, nil
}

// Mend switches on what is missing. Notifications that the bucket sends already stay.
func (b *Bucket) Mend(ctx context.Context, missing []Missing) error {
	for _, m := range missing {
		if err := m.mend(ctx); err != nil {
			return fault.New(fault.Other, "run it yourself, or have it run:\n"+m.Command, "change bucket %s: %w", b.Name, reason.Of(err))
		}
	}
	return nil
}

func (b *Bucket) version(ctx context.Context) error {
	_, err := b.api.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &b.Name, ExpectedBucketOwner: &b.account,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	return err
}

func (b *Bucket) notify(ctx context.Context, whole *types.NotificationConfiguration) error {
	_, err := b.api.PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{Bucket: &b.Name, ExpectedBucketOwner: &b.account, NotificationConfiguration: whole})
	return err
}

// asJSON is a configuration as the AWS CLI takes it: without what is not set. A quotation mark of the shell cannot be in it but
// in a filter, and is taken apart there.
func asJSON(configuration *types.NotificationConfiguration) string {
	data, err := json.Marshal(configuration)
	var tree any
	if err == nil {
		err = json.Unmarshal(data, &tree)
	}
	if err == nil {
		data, err = json.Marshal(without(tree))
	}
	if err != nil {
		panic(err) // plain data
	}
	return strings.ReplaceAll(string(data), "'", `'\''`)
}

// without leaves nulls and empty texts away; an empty object is one that is asked for.
func without(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, one := range v {
			if one == nil || one == "" {
				delete(v, key)
				continue
			}
			v[key] = without(one)
		}
	case []any:
		for i := range v {
			v[i] = without(v[i])
		}
	}
	return value
}

// find returns an error unless the bucket is in the pipeline's account and region.
func (b *Bucket) find(ctx context.Context) error {
	out, err := b.api.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.Name, ExpectedBucketOwner: &b.account})
	region := ""
	if err == nil {
		region = aws.ToString(out.BucketRegion)
	}
	var answer *awshttp.ResponseError
	status := 0
	if errors.As(err, &answer) {
		status = answer.HTTPStatusCode()
		region = answer.Response.Header.Get("X-Amz-Bucket-Region")
	}
	switch {
	case status == http.StatusNotFound:
		return fault.New(fault.Usage, fmt.Sprintf("make it: aws s3 mb --region %s s3://%s\nor run init --s3 --bucket '', and deploy makes one", b.region, b.Name),
			"there is no bucket %s", b.Name)
	case region != "" && region != b.region:
		return fault.New(fault.Usage, fmt.Sprintf("deploy there with --region %s, or name another bucket with init --bucket", region),
			"bucket %s is in region %s, and the pipeline in %s: CodePipeline reads from a bucket of its own region only", b.Name, region, b.region)
	case status == http.StatusForbidden:
		return fault.New(fault.Usage, "name a bucket of your own with init --bucket, or have whoever owns the account allow you s3:ListBucket on it",
			"bucket %s is of another account than %s, or you may not look at it", b.Name, b.account)
	case err != nil:
		return fmt.Errorf("look at bucket %s: %w", b.Name, reason.Of(err))
	}
	return nil
}

// Zip is a zip file in the bucket.
type Zip struct {
	Key, Version string
	Modified     time.Time
}

// Newest returns the zip file of the site that was uploaded last; false if there is none.
func (b *Bucket) Newest(ctx context.Context) (Zip, bool, error) {
	var newest Zip
	// Not the SDK's paginator: it takes the client as an interface, and the linker would then keep all of its operations.
	for in := (&s3.ListObjectsV2Input{Bucket: &b.Name, Prefix: &b.Prefix}); ; {
		page, err := b.api.ListObjectsV2(ctx, in)
		if err != nil {
			return Zip{}, false, fmt.Errorf("look for zip files in s3://%s/%s: %w", b.Name, b.Prefix, reason.Of(err))
		}
		for _, o := range page.Contents {
			if strings.HasSuffix(aws.ToString(o.Key), ".zip") && aws.ToTime(o.LastModified).After(newest.Modified) {
				newest = Zip{Key: aws.ToString(o.Key), Modified: aws.ToTime(o.LastModified)}
			}
		}
		if in.ContinuationToken = page.NextContinuationToken; in.ContinuationToken == nil {
			break
		}
	}
	if newest.Key == "" {
		return Zip{}, false, nil
	}
	head, err := b.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.Name, Key: &newest.Key})
	if err != nil {
		return Zip{}, false, fmt.Errorf("look at s3://%s/%s: %w", b.Name, newest.Key, reason.Of(err))
	}
	newest.Version = aws.ToString(head.VersionId)
	return newest, true, nil
}
