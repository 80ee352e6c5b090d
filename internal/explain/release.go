package explain

import (
	"context"
	"errors"
	"io/fs"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// withRelease returns the edge as it would be if another release were live: the pointer names it, and the error page is
// its own.
func withRelease(ctx context.Context, opts edge.Options, release string) (edge.Options, error) {
	if err := site.ValidRelease(release); err != nil {
		return opts, err
	}
	found := false
	origins := make(map[string]edge.Origin, len(opts.Origins))
	for id, bucket := range opts.Origins {
		ok, err := exists(ctx, bucket, release)
		if err != nil {
			return opts, err
		}
		found = found || ok
		origins[id] = releaseBucket{bucket, release}
	}
	if !found {
		return opts, fault.New(fault.Usage, "see: cloudfront-hosting-toolkit releases", "there is no release %q", release)
	}
	view := opts.KV
	opts.Origins = origins
	opts.KV = func() (cfjs.KV, error) {
		kv, err := view()
		if err != nil {
			return nil, err
		}
		return releaseKV{kv, release}, nil
	}
	return opts, nil
}

// releaseKV is a key-value store whose pointer names another release.
type releaseKV struct {
	cfjs.KV
	release string
}

// Get implements cfjs.KV.
func (k releaseKV) Get(key string) (string, bool) {
	if key == publish.PathKey {
		return k.release, true
	}
	return k.KV.Get(key)
}

// releaseBucket is a bucket whose error page is that of a release, as it is once the release is live.
type releaseBucket struct {
	edge.Origin
	release string
}

const errorPage = "_errors/404.html"

// Get implements edge.Origin.
func (b releaseBucket) Get(ctx context.Context, key string) (*edge.Object, error) {
	if key != errorPage {
		return b.Origin.Get(ctx, key)
	}
	for _, name := range []string{"/404.html", "/404/index.html"} {
		page, err := b.Origin.Get(ctx, b.release+name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// Publishing gives the copy the page's own class of Cache-Control; the live page has it.
		if live, err := b.Origin.Get(ctx, key); err == nil {
			page.CacheControl, page.ContentType = live.CacheControl, live.ContentType
			live.Body.Close()
		}
		return page, nil
	}
	return b.Origin.Get(ctx, key)
}
