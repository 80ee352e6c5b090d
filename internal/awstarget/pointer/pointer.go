// Package pointer is the pointer of a site in its CloudFront KeyValueStore: the keys that name the live release.
//
// The store's ETag, which is one for all of its keys, is the version: a write that names it is refused when anything has
// changed since (CloudFront Developer Guide, "Work with key value data").
package pointer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	kvs "github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore/types"
	"github.com/aws/smithy-go"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	"golang.org/x/sync/errgroup"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pace"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

var _ publish.Pointer = (*Pointer)(nil)

const (
	// settleWithin is how long the store may show the state before a write after it has confirmed it.
	settleWithin = 15 * time.Second
	// firstPause is the pause between two looks; it doubles up to maxPause.
	firstPause = 25 * time.Millisecond
	maxPause   = time.Second
	// maxPage is how many keys a page of a listing has at most.
	maxPage = 50
	// swapKey holds a random text, another one with every swap: AWS does not say that an update that changes no value
	// makes a new version, nor that a version never comes back with the values.
	swapKey = "swap"
)

// liveKeys are the keys that a Live is read from.
var liveKeys = []string{publish.PathKey, publish.PreviousKey, publish.StartedAtKey, publish.SwappedAtKey}

// Pointer is the pointer of one site.
type Pointer struct {
	// Explain, if set, adds the way out to errors that are not about the store, such as expired credentials.
	Explain func(error) error

	client *kvs.Client
	arn    string
}

// Open returns the pointer in the key-value store with this ARN. It asks nobody.
func Open(cfg aws.Config, arn string) *Pointer { return &Pointer{client: NewClient(cfg), arn: arn} }

// NewClient returns a client of the key-value stores' data plane.
//
// A custom endpoint (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE) gets the account's number before its
// host, as AWS's own endpoint does, unless the host is an IP address or "localhost", which have no names below them.
func NewClient(cfg aws.Config) *kvs.Client {
	return kvs.NewFromConfig(cfg, func(o *kvs.Options) {
		o.EndpointResolverV2 = endpoints{kvs.NewDefaultEndpointResolverV2()}
	})
}

// endpoints resolves endpoints as NewClient says.
type endpoints struct{ kvs.EndpointResolverV2 }

// ResolveEndpoint implements kvs.EndpointResolverV2.
func (e endpoints) ResolveEndpoint(ctx context.Context, params kvs.EndpointParameters) (smithyendpoints.Endpoint, error) {
	found, err := e.EndpointResolverV2.ResolveEndpoint(ctx, params)
	if err != nil || params.Endpoint == nil {
		return found, err
	}
	custom, err := url.Parse(*params.Endpoint)
	if err != nil {
		return found, err
	}
	if host := custom.Hostname(); host == "localhost" || net.ParseIP(host) != nil {
		found.URI.Host = custom.Host
	}
	return found, nil
}

// Read implements publish.Pointer. The version is looked at before and after the keys: what is returned has been in the store
// at one moment.
func (p *Pointer) Read(ctx context.Context) (publish.Live, publish.Version, error) {
	before, err := p.version(ctx)
	for err == nil {
		var values map[string]string
		if values, err = p.values(ctx); err != nil {
			break
		}
		var after publish.Version
		if after, err = p.version(ctx); err != nil || after != before {
			before = after
			continue
		}
		return live(values, before)
	}
	return publish.Live{}, "", readable(p.explain(err))
}

// live understands the keys. Times that nobody can read leave the releases known.
func live(values map[string]string, version publish.Version) (publish.Live, publish.Version, error) {
	l, err := publish.LiveOf(func(key string) (string, bool) { v, ok := values[key]; return v, ok })
	if err != nil {
		l = publish.Live{Release: values[publish.PathKey], Previous: values[publish.PreviousKey]}
		return l, version, fmt.Errorf("key-value store: %w: %w", publish.ErrDamaged, err)
	}
	return l, version, nil
}

func (p *Pointer) version(ctx context.Context) (publish.Version, error) {
	store, err := p.client.DescribeKeyValueStore(ctx, &kvs.DescribeKeyValueStoreInput{KvsARN: &p.arn})
	if err != nil {
		return "", err
	}
	return publish.Version(aws.ToString(store.ETag)), nil
}

// values returns those of liveKeys that the store has. A request costs a tenth of a cent: all keys of a store that has one
// page of them come with one.
func (p *Pointer) values(ctx context.Context) (map[string]string, error) {
	page, err := p.client.ListKeys(ctx, &kvs.ListKeysInput{KvsARN: &p.arn, MaxResults: aws.Int32(maxPage)})
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, item := range page.Items {
		if key := aws.ToString(item.Key); slices.Contains(liveKeys, key) {
			values[key] = aws.ToString(item.Value)
		}
	}
	if page.NextToken == nil {
		return values, nil
	}
	return values, p.others(ctx, values)
}

// others adds those of liveKeys that are not in values.
func (p *Pointer) others(ctx context.Context, values map[string]string) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	unknown := slices.DeleteFunc(slices.Clone(liveKeys), func(key string) bool { _, known := values[key]; return known })
	for _, key := range unknown {
		g.Go(func() error {
			got, err := p.client.GetKey(ctx, &kvs.GetKeyInput{KvsARN: &p.arn, Key: &key})
			if isMissing(err) {
				return nil // or the store is missing, which the next look at its version says
			}
			if err != nil {
				return fmt.Errorf("key %s: %w", key, err)
			}
			mu.Lock()
			defer mu.Unlock()
			values[key] = aws.ToString(got.Value)
			return nil
		})
	}
	return g.Wait()
}

// Swap implements publish.Pointer. It returns when the store shows what was written.
func (p *Pointer) Swap(ctx context.Context, old publish.Version, next publish.Live) error {
	put, remove := next.Keys()
	remove, err := p.existing(ctx, remove)
	if err != nil {
		return p.explain(err)
	}
	put[swapKey] = rand.Text()
	if err := p.update(ctx, old, put, remove); err != nil {
		return p.explain(err)
	}
	return p.explain(p.settle(ctx, old))
}

// existing returns those of the keys that the store has: it refuses to delete others.
func (p *Pointer) existing(ctx context.Context, keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	values, err := p.values(ctx)
	return slices.DeleteFunc(keys, func(key string) bool { _, ok := values[key]; return !ok }), err
}

// update writes and removes keys together, if the store still has the version.
func (p *Pointer) update(ctx context.Context, old publish.Version, put map[string]string, remove []string) error {
	in := &kvs.UpdateKeysInput{KvsARN: &p.arn, IfMatch: aws.String(string(old))}
	for _, key := range slices.Sorted(maps.Keys(put)) {
		in.Puts = append(in.Puts, types.PutKeyRequestListItem{Key: &key, Value: aws.String(put[key])})
	}
	for _, key := range remove {
		in.Deletes = append(in.Deletes, types.DeleteKeyRequestListItem{Key: &key})
	}
	_, err := p.client.UpdateKeys(ctx, in)
	var conflict *types.ConflictException
	if errors.As(err, &conflict) {
		return publish.ErrConflict
	}
	return err
}

// settle waits until the store shows a version after the one that was written over: AWS does not say that a read follows
// a write at once.
func (p *Pointer) settle(ctx context.Context, old publish.Version) error {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		shown, err := p.version(ctx)
		if err == nil && shown != old {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err := pace.Wait(ctx, pause); err != nil {
			return fault.New(fault.Other, "run the same command again", "the key-value store took the new release, and does not show it after %s: %w", settleWithin, err)
		}
	}
}

func isMissing(err error) bool {
	var missing *types.ResourceNotFoundException
	return errors.As(err, &missing)
}

// explain adds what a user can do.
func (p *Pointer) explain(err error) error {
	var api smithy.APIError
	switch {
	case err == nil || errors.Is(err, publish.ErrConflict):
		return err
	case isMissing(err):
		return fault.New(fault.NotDeployed, "create the hosting again: cloudfront-hosting-toolkit deploy", "the site's key-value store %s does not exist: %w", p.arn, err)
	case errors.As(err, &api) && api.ErrorCode() == "AccessDeniedException":
		return fault.New(fault.Other, "these credentials need cloudfront-keyvaluestore:DescribeKeyValueStore, GetKey, ListKeys and UpdateKeys on it",
			"use the key-value store %s: %w", p.arn, err)
	}
	err = fmt.Errorf("use the key-value store %s: %w", p.arn, err)
	if p.Explain != nil {
		return p.Explain(err)
	}
	return err
}
