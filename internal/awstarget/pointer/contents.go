package pointer

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	kvs "github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/smithy-go"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Contents is all that the store held at one moment, as the site's function sees it.
type Contents struct {
	Values           map[string]string
	Created, Updated time.Time
}

// Contents returns what the store holds. It only reads: it needs DescribeKeyValueStore and ListKeys.
func (p *Pointer) Contents(ctx context.Context) (Contents, error) {
	for {
		before, err := p.client.DescribeKeyValueStore(ctx, &kvs.DescribeKeyValueStoreInput{KvsARN: &p.arn})
		if err != nil {
			return Contents{}, readable(p.explain(err))
		}
		values, err := p.Keys(ctx)
		if err != nil {
			return Contents{}, readable(err)
		}
		after, err := p.version(ctx)
		if err != nil {
			return Contents{}, readable(p.explain(err))
		}
		if string(after) == aws.ToString(before.ETag) {
			return Contents{values, aws.ToTime(before.Created), aws.ToTime(before.LastModified)}, nil
		}
	}
}

// readable names, to whoever may not read, only what reading needs.
func readable(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "AccessDeniedException" {
		return fault.New(fault.Other, "these credentials need cloudfront-keyvaluestore:DescribeKeyValueStore and ListKeys on it", "%w", err)
	}
	return err
}
