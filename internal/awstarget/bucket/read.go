package bucket

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// maxDrain is how much of an unread body Close reads, to keep the connection for the next request.
const maxDrain = 64 << 10

// Get implements publish.ObjectStore.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, publish.Object, error) {
	got, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.name, Key: &key})
	if isMissing(err) {
		return nil, publish.Object{}, fmt.Errorf("get %s: %w", key, publish.ErrNotFound)
	}
	if err != nil {
		return nil, publish.Object{}, s.unreadable(err, "get %s", key)
	}
	o := publish.Object{Key: key, Size: aws.ToInt64(got.ContentLength), Modified: aws.ToTime(got.LastModified),
		SHA256: digestOf(got.Metadata, got.ChecksumSHA256), ContentType: aws.ToString(got.ContentType), CacheControl: aws.ToString(got.CacheControl)}
	return body{got.Body}, o, nil
}

// digestOf returns the digest of an object: the one that Put stored, or else S3's own checksum of the whole. That of an
// object sent in parts is one of the parts' checksums, and has another form.
func digestOf(metadata map[string]string, sum *string) string {
	if digest := metadata[digestMeta]; digest != "" {
		return digest
	}
	if raw, err := base64.StdEncoding.DecodeString(aws.ToString(sum)); err == nil && len(raw) == 32 {
		return hex.EncodeToString(raw)
	}
	return ""
}

// body is the content of an object.
type body struct{ io.ReadCloser }

// Close closes the body, after reading a small rest of it.
func (b body) Close() error {
	_, _ = io.CopyN(io.Discard, b.ReadCloser, maxDrain)
	return b.ReadCloser.Close()
}

// List implements publish.ObjectStore. S3 tells no digests in a listing.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[publish.Object, error] {
	return s.ListRange(ctx, prefix, "", "")
}

// ListRange implements publish.RangeLister.
func (s *Store) ListRange(ctx context.Context, prefix, after, until string) iter.Seq2[publish.Object, error] {
	return func(yield func(publish.Object, error) bool) {
		pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.name, Prefix: optional(prefix), StartAfter: optional(after)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(publish.Object{}, s.unreadable(err, "list %q", prefix))
				return
			}
			for _, o := range page.Contents {
				key := aws.ToString(o.Key)
				if until != "" && key > until {
					return
				}
				if !yield(publish.Object{Key: key, Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified)}, nil) || key == until {
					return
				}
			}
		}
	}
}
