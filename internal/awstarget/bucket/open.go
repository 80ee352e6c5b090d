package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// Content is the content of one version of an object, read from any place of it. Nothing is asked for before the first Read,
// and no more than what follows that place. It is not for use by several goroutines.
type Content struct {
	// ETag is S3's own, quoted.
	ETag string

	ctx    context.Context
	store  *Store
	object publish.Object
	at     int64
	body   io.ReadCloser
}

var _ io.ReadSeekCloser = (*Content)(nil)

// Open looks at an object and returns its content, or publish.ErrNotFound. The context is that of the reads, too. It needs
// s3:GetObject, and s3:ListBucket to know a missing object from one that may not be read.
func (s *Store) Open(ctx context.Context, key string) (*Content, publish.Object, error) {
	head, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.name, Key: &key})
	if isMissing(err) {
		return nil, publish.Object{}, fmt.Errorf("get %s: %w", key, publish.ErrNotFound)
	}
	if err != nil {
		return nil, publish.Object{}, s.unreadable(err, "look at %s", key)
	}
	o := publish.Object{Key: key, Size: aws.ToInt64(head.ContentLength), Modified: aws.ToTime(head.LastModified),
		SHA256: digestOf(head.Metadata, nil), ContentType: aws.ToString(head.ContentType), CacheControl: aws.ToString(head.CacheControl)}
	return &Content{ETag: aws.ToString(head.ETag), ctx: ctx, store: s, object: o}, o, nil
}

// unreadable explains an error of a request that only reads.
func (s *Store) unreadable(err error, format string, args ...any) error {
	// HEAD has no code; what is wrong with credentials themselves is a 403, too.
	switch c := code(err); {
	case status(err) == http.StatusForbidden && (c == "" || c == "Forbidden"), isDenied(err):
		return fault.New(fault.Other, "these credentials need s3:ListBucket on the bucket "+s.name+", and s3:GetObject on what is in it",
			format+": %w", append(args, err)...)
	}
	return s.explain(err, format, args...)
}

// Read implements io.Reader. It fails if the object has been replaced since Open.
func (c *Content) Read(p []byte) (int, error) {
	if c.at >= c.object.Size {
		return 0, io.EOF
	}
	if c.body == nil {
		got, err := c.store.client.GetObject(c.ctx, &s3.GetObjectInput{Bucket: &c.store.name, Key: &c.object.Key,
			Range: aws.String(fmt.Sprintf("bytes=%d-", c.at)), IfMatch: &c.ETag})
		if err != nil {
			return 0, c.store.unreadable(err, "get %s", c.object.Key)
		}
		c.body = got.Body
	}
	n, err := c.body.Read(p)
	c.at += int64(n)
	return n, err
}

// Seek implements io.Seeker.
func (c *Content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.object.Size
	}
	if offset < 0 {
		return c.at, errors.New("seek before the beginning of " + c.object.Key)
	}
	if offset == c.at {
		return c.at, nil
	}
	err := c.Close()
	c.at = offset
	return c.at, err
}

// Close ends what is being read. A Read after it begins anew where it stood.
func (c *Content) Close() error {
	if c.body == nil {
		return nil
	}
	err := c.body.Close()
	c.body = nil
	return err
}
