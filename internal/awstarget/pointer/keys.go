package pointer

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	kvs "github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
)

// Keys returns all keys of the store with their values, those that are not the pointer's, too: what the site's function
// reads. A write between two pages may be seen in one of them only.
func (p *Pointer) Keys(ctx context.Context) (map[string]string, error) {
	values := map[string]string{}
	for in := (&kvs.ListKeysInput{KvsARN: &p.arn}); ; {
		page, err := p.client.ListKeys(ctx, in)
		if err != nil {
			return nil, p.explain(err)
		}
		for _, item := range page.Items {
			values[aws.ToString(item.Key)] = aws.ToString(item.Value)
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return values, nil
		}
	}
}
