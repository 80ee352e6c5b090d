package awstarget

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pointer"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Edge returns what the edge of the deployed site is made of, for whoever asks why it answers as it does: the template that
// the stack was made from with the stack's parameters, what the key-value store holds now, and the hosting bucket, read with
// the asker's own credentials. It only reads. The error is a fault.NotDeployed if nothing is deployed.
func (h *Hosting) Edge(ctx context.Context) (edge.Options, error) {
	state, err := h.Deployed(ctx)
	if err != nil {
		return edge.Options{}, err
	}
	deployed, err := h.Stack().Template(ctx)
	if err != nil {
		return edge.Options{}, h.Explained(err)
	}
	params := template.Parameters{"AWS::Region": h.Account.Region, "AWS::AccountId": h.Account.ID,
		"AWS::StackName": StackName(h.Project), "AWS::StackId": state.ID}
	for name, value := range state.Parameters {
		params[name] = value
	}
	config, err := template.Compile(deployed, params)
	if err != nil {
		return edge.Options{}, fmt.Errorf("read the deployed template: %w", err)
	}
	out := state.Outputs
	config.ID, config.DomainName = out[template.OutputDistributionID], out[template.OutputDistributionDomainName]
	live := pointer.Open(h.Account.Config, out[template.OutputKeyValueStoreArn])
	live.Explain = h.Account.Explain
	contents, err := live.Contents(ctx)
	if err != nil {
		return edge.Options{}, h.Explained(err)
	}
	objects := bucket.Open(h.Account.Config, out[template.OutputHostingBucketName])
	objects.Explain = h.Account.Explain
	origins := map[string]edge.Origin{}
	for _, id := range config.BucketOrigins() {
		origins[id] = origin{objects, h.Explained}
	}
	return edge.Options{
		Config: config, Origins: origins, HTTPS: true,
		KV: func() (cfjs.KV, error) { return view(contents), nil },
	}, nil
}

// view is the key-value store as it was read.
type view pointer.Contents

var _ cfjs.KV = view{}

// Get implements cfjs.KV.
func (v view) Get(key string) (string, bool) { value, ok := v.Values[key]; return value, ok }

// Meta implements cfjs.KV.
func (v view) Meta() cfjs.KVMeta {
	return cfjs.KVMeta{Created: v.Created, Updated: v.Updated, Keys: len(v.Values)}
}

// origin is the hosting bucket as the edge's origin.
type origin struct {
	store   *bucket.Store
	explain func(error) error
}

var _ edge.Origin = origin{}

// Get implements edge.Origin. An error of the asker's own (permissions, the network) has a hint.
func (o origin) Get(ctx context.Context, key string) (*edge.Object, error) {
	content, object, err := o.store.Open(ctx, key)
	if errors.Is(err, publish.ErrNotFound) {
		return nil, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	}
	if err != nil {
		if err = o.explain(err); fault.HintOf(err) == "" {
			err = fault.New(fault.Other, "run the same command again", "%w", err)
		}
		return nil, err
	}
	return &edge.Object{Body: content, Size: object.Size, ContentType: object.ContentType, CacheControl: object.CacheControl,
		ETag: content.ETag, Modified: object.Modified}, nil
}
