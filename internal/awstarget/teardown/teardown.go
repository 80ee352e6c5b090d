// Package teardown empties buckets, so that they can be deleted: every object, every version of one, every delete marker and
// every unfinished upload, however many there are. It works through them a page at a time, so that the memory does not grow
// with the bucket, and may be cut off and run again at any time.
package teardown

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

const (
	// atOnce is how many requests are under way at once. S3 takes 3,500 deletions a second for a prefix (Amazon S3 User Guide,
	// "Best practices design patterns"), which eight requests of 1,000 keys reach.
	atOnce = 8
	// strays is how often a few objects may be found in a bucket that has been emptied: after that, somebody keeps writing to it.
	strays = 5
	// page is how many objects S3 lists at once.
	page = 1000
	// enough is how many refusals end the work: the other objects would be refused, too.
	enough = 1000
)

// Content is what a bucket holds, or what was removed from it.
type Content struct {
	// Objects counts versions of objects and delete markers, each as one.
	Objects int
	// Bytes is the size of the versions.
	Bytes int64
	// Uploads are unfinished multipart uploads.
	Uploads int
	// More says that there is more than was counted.
	More bool
}

// Bucket is a bucket to be emptied. It need not exist: then there is nothing in it.
type Bucket struct {
	Client *s3.Client
	Name   string
}

// Measure counts what the bucket holds, up to a number of objects, which takes one request for each 1,000. It does not count
// uploads.
func (b Bucket) Measure(ctx context.Context, most int) (Content, error) {
	var c Content
	err := b.pages(ctx, func(ids []types.ObjectIdentifier, bytes int64) bool {
		c.Objects, c.Bytes = c.Objects+len(ids), c.Bytes+bytes
		c.More = c.Objects >= most
		return !c.More
	})
	return c, err
}

// Empty removes everything from the bucket, and returns what it was. told is called after each request with what has been
// removed so far, by one goroutine at a time; it may be nil. What S3 refuses to remove is an error that names some of it;
// the rest is gone then, or goes when Empty is called again.
func (b Bucket) Empty(ctx context.Context, told func(Content)) (Content, error) {
	e := &emptying{Bucket: b, told: told}
	for few := 0; few < strays; {
		before := e.removed.Objects
		found, err := e.pass(ctx)
		if err != nil || !found {
			return e.removed, err
		}
		if e.removed.Objects-before < page {
			few++
		}
	}
	return e.removed, fault.New(fault.Other, "stop whatever publishes or uploads to it, then run delete again",
		"empty bucket %s: something keeps writing to it", b.Name)
}

// emptying is one call of Empty.
type emptying struct {
	Bucket
	told func(Content)

	mu      sync.Mutex
	removed Content
	kept    []types.Error
}

// pass goes through the bucket once. It reports whether it found anything.
func (e *emptying) pass(ctx context.Context) (found bool, err error) {
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	// The last entry of a page goes with the next one: some servers lose their place in a listing when it is gone.
	var held []types.ObjectIdentifier
	var heldBytes int64
	err = e.pages(inner, func(ids []types.ObjectIdentifier, bytes int64) bool {
		found = true
		last := len(ids) - 1
		batch, size := append(held, ids[:last]...), heldBytes
		held, heldBytes = []types.ObjectIdentifier{ids[last]}, bytes
		if len(batch) > 0 {
			g.Go(func() error { return e.remove(inner, batch, size) })
		}
		return inner.Err() == nil
	})
	if err == nil && len(held) > 0 {
		g.Go(func() error { return e.remove(inner, held, heldBytes) })
	}
	if err == nil {
		err = e.uploads(inner, func(u types.MultipartUpload) {
			found = true
			g.Go(func() error { return e.abort(inner, u) })
		})
	}
	// The first request that failed cuts the others off; its error is the one that tells something.
	if worked := g.Wait(); worked != nil {
		err = worked
	}
	switch {
	case ctx.Err() != nil:
		return found, fault.New(fault.Other, "run delete again: it goes on where it stopped", "stopped emptying bucket %s: %w", e.Name, context.Cause(ctx))
	case len(e.kept) > 0:
		return found, e.refusal()
	}
	return found, err
}

// pages lists every version and marker, a page at a time, until each returns false. The entry that the next page begins
// after is the last one.
func (b Bucket) pages(ctx context.Context, each func(ids []types.ObjectIdentifier, bytes int64) bool) error {
	// Not the SDK's paginator: it takes the client as an interface, and the linker would then keep all of its operations.
	for in := (&s3.ListObjectVersionsInput{Bucket: &b.Name}); ; {
		list, err := b.Client.ListObjectVersions(ctx, in)
		if missing(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list what is in bucket %s: %w", b.Name, reason.Of(err))
		}
		ids := make([]types.ObjectIdentifier, 0, len(list.Versions)+len(list.DeleteMarkers))
		var bytes int64
		for _, v := range list.Versions {
			ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
			bytes += aws.ToInt64(v.Size)
		}
		for _, m := range list.DeleteMarkers {
			ids = append(ids, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
		for i, id := range ids {
			if aws.ToString(id.Key) == aws.ToString(list.NextKeyMarker) && aws.ToString(id.VersionId) == aws.ToString(list.NextVersionIdMarker) {
				ids[i], ids[len(ids)-1] = ids[len(ids)-1], ids[i]
			}
		}
		if len(ids) > 0 && !each(ids, bytes) || !aws.ToBool(list.IsTruncated) {
			return nil
		}
		in.KeyMarker, in.VersionIdMarker = list.NextKeyMarker, list.NextVersionIdMarker
	}
}

// remove removes some of what was listed. bytes is the size of the page that it completes.
func (e *emptying) remove(ctx context.Context, ids []types.ObjectIdentifier, bytes int64) error {
	kept, err := bucket.DeleteBatch(ctx, e.Client, e.Name, ids)
	if missing(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("empty bucket %s: %w", e.Name, reason.Of(err))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept = append(e.kept, kept...)
	e.removed.Objects += len(ids) - len(kept)
	if len(kept) == 0 {
		e.removed.Bytes += bytes
	}
	if e.told != nil {
		e.told(e.removed)
	}
	if len(e.kept) >= enough {
		return bucket.Kept(e.kept)
	}
	return nil
}

// uploads lists the unfinished multipart uploads.
func (b Bucket) uploads(ctx context.Context, each func(types.MultipartUpload)) error {
	for in := (&s3.ListMultipartUploadsInput{Bucket: &b.Name}); ; {
		list, err := b.Client.ListMultipartUploads(ctx, in)
		if missing(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list unfinished uploads of bucket %s: %w", b.Name, reason.Of(err))
		}
		for _, u := range list.Uploads {
			each(u)
		}
		if !aws.ToBool(list.IsTruncated) {
			return nil
		}
		in.KeyMarker, in.UploadIdMarker = list.NextKeyMarker, list.NextUploadIdMarker
	}
}

func (e *emptying) abort(ctx context.Context, u types.MultipartUpload) error {
	_, err := e.Client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &e.Name, Key: u.Key, UploadId: u.UploadId})
	if err != nil && !missing(err) {
		return fmt.Errorf("remove unfinished upload of %s from bucket %s: %w", aws.ToString(u.Key), e.Name, reason.Of(err))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.removed.Uploads++
	if e.told != nil {
		e.told(e.removed)
	}
	return nil
}

// refusal is the error of what S3 would not remove.
func (e *emptying) refusal() error {
	err := bucket.Kept(e.kept)
	hint := "run delete again: what is removed stays removed"
	if reason.Code(err) == "AccessDenied" {
		hint = "let an administrator allow s3:DeleteObject and s3:DeleteObjectVersion on the bucket, or end the retention or legal hold of these objects; then run delete again"
	}
	return fault.New(fault.Other, hint, "empty bucket %s: %w", e.Name, err)
}

// missing reports whether what was to be removed is gone.
func missing(err error) bool {
	switch reason.Code(err) {
	case "NoSuchBucket", "NoSuchUpload":
		return true
	}
	return false
}

// Named lists the buckets of the account in the client's region whose names begin with a prefix. Those of other regions are not
// told: a site of the same name may live there.
func Named(ctx context.Context, client *s3.Client, prefix string) ([]string, error) {
	region := client.Options().Region
	var names []string
	for in := (&s3.ListBucketsInput{Prefix: &prefix, BucketRegion: &region}); ; {
		out, err := client.ListBuckets(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list buckets: %w", reason.Of(err))
		}
		for _, b := range out.Buckets {
			// Not every server knows the parameters.
			if name, in := aws.ToString(b.Name), aws.ToString(b.BucketRegion); strings.HasPrefix(name, prefix) && (in == "" || in == region) {
				names = append(names, name)
			}
		}
		if in.ContinuationToken = out.ContinuationToken; in.ContinuationToken == nil {
			return names, nil
		}
	}
}
