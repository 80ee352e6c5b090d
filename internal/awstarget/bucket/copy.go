package bucket

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// Copy implements publish.ObjectStore. The content never leaves S3. A new object takes one request: S3 tells the checksum of
// what it has copied. Otherwise the digest is looked at first, and S3 copies that very version, by its ETag.
func (s *Store) Copy(ctx context.Context, from, key, sha256 string, meta publish.Meta) error {
	if meta.IfAbsent && !s.untold.Load() {
		if done, err := s.copyAtOnce(ctx, from, key, sha256, meta); done || err != nil {
			return err
		}
	}
	c, err := s.look(ctx, from)
	if isMissing(err) {
		return fmt.Errorf("copy %s to %s: %w", from, key, publish.ErrNotFound)
	}
	if err != nil {
		return s.explain(err, "copy %s to %s: look at the source", from, key)
	}
	if c.digest != sha256 {
		return fmt.Errorf("copy %s to %s: %w with digest %s", from, key, publish.ErrNotFound, sha256)
	}
	run := c.whole
	if c.size > s.sizes.copyWhole {
		run = c.inParts
	}
	err = settled(ctx, func() error {
		err := run(ctx, key, sha256, meta)
		if isRefused(err) && (!meta.IfAbsent || !s.has(ctx, key)) {
			return fmt.Errorf("source changed: %w", publish.ErrNotFound)
		}
		if isMissing(err) {
			return fmt.Errorf("source is gone: %w", publish.ErrNotFound)
		}
		return conditional(err, meta)
	})
	if err != nil {
		return s.explain(err, "copy %s to %s", from, key)
	}
	return nil
}

// copyAtOnce copies first and looks then: the answer has the checksum of the copy, if the source was stored with one (Amazon
// S3 API Reference, CopyObjectResult). It returns false if it has changed nothing and says nothing; a server that tells no
// checksums is not asked again. The key must be one that nobody reads before the release is complete: a copy that turns out
// to be another content is removed again.
func (s *Store) copyAtOnce(ctx context.Context, from, key, sha256 string, meta publish.Meta) (done bool, err error) {
	want, err := checksum(sha256)
	if err != nil {
		return false, err
	}
	in := copyInput(s.name, copySource(s.name, from), key, sha256, meta)
	told, err := s.direct.copy(ctx, in)
	if err != nil {
		return false, nil // the way that looks first knows what it means
	}
	if told == *want {
		return true, nil
	}
	// The copy was a new object, so it is this one that goes. What cannot be removed is found when the release is checked.
	if err := s.Delete(ctx, []string{key}); err != nil {
		return false, fmt.Errorf("copy %s to %s: take back a copy that is not the wanted content: %w", from, key, err)
	}
	if len(told) == len(*want) {
		return false, fmt.Errorf("copy %s to %s: %w with digest %s", from, key, publish.ErrNotFound, sha256)
	}
	if told == "" {
		s.untold.Store(true)
	}
	return false, nil // not told, or the checksum of an object that was sent in parts
}

// copyInput is the request for a copy in one request.
func copyInput(bucket, source, key, digest string, meta publish.Meta) *s3.CopyObjectInput {
	return &s3.CopyObjectInput{
		Bucket: &bucket, Key: &key, CopySource: &source,
		MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{digestMeta: digest},
		ContentType: optional(meta.ContentType), CacheControl: optional(meta.CacheControl), IfNoneMatch: onlyIfAbsent(meta),
	}
}

// copySource is a key in the form of the x-amz-copy-source header: percent-encoded, slashes excepted.
func copySource(bucket, key string) string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		// A plus is a space in the eyes of some servers, and PathEscape leaves it alone.
		parts[i] = strings.ReplaceAll(url.PathEscape(p), "+", "%2B")
	}
	return bucket + "/" + strings.Join(parts, "/")
}

// has reports whether there is an object of this key; if that cannot be told, there is.
func (s *Store) has(ctx context.Context, key string) bool {
	_, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.name, Key: &key})
	return !isMissing(err)
}

// copying is one version of an object as the source of a copy.
type copying struct {
	*Store
	source, etag *string
	digest       string
	size         int64
}

// look finds what a copy is made from.
func (s *Store) look(ctx context.Context, from string) (copying, error) {
	c := copying{Store: s, source: aws.String(copySource(s.name, from))}
	if h, err := s.direct.head(ctx, from); err == nil {
		size, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
		if c.digest = h.Get("X-Amz-Meta-" + digestMeta); err == nil && c.digest != "" && h.Get("ETag") != "" {
			c.etag, c.size = aws.String(h.Get("ETag")), size
			return c, nil
		}
	}
	head, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.name, Key: &from})
	if err != nil {
		return c, err
	}
	c.etag, c.size, c.digest = head.ETag, aws.ToInt64(head.ContentLength), digestOf(head.Metadata, head.ChecksumSHA256)
	return c, nil
}

func (c copying) whole(ctx context.Context, key, digest string, meta publish.Meta) error {
	in := copyInput(c.name, *c.source, key, digest, meta)
	in.CopySourceIfMatch = c.etag
	if _, err := c.direct.copy(ctx, in); err == nil {
		return nil
	}
	_, err := c.client.CopyObject(ctx, in)
	return err
}

// inParts copies what is too large for one request.
func (c copying) inParts(ctx context.Context, key, digest string, meta publish.Meta) error {
	size := max(c.sizes.copyPart, (c.size+c.sizes.maxParts-1)/c.sizes.maxParts)
	return c.assemble(ctx, key, digest, meta, func(u *parted) error {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(partsAtOnce)
		for i := int64(0); i*size < c.size; i++ {
			number, last := int32(i+1), min(i*size+size, c.size)-1
			g.Go(func() error {
				copied, err := c.client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
					Bucket: &c.name, Key: &key, UploadId: &u.id, PartNumber: &number, CopySource: c.source, CopySourceIfMatch: c.etag,
					CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", i*size, last)),
				})
				if err != nil {
					return fmt.Errorf("part %d: %w", number, err)
				}
				u.add(number, copied.CopyPartResult.ETag, copied.CopyPartResult.ChecksumSHA256)
				return nil
			})
		}
		return g.Wait()
	})
}
