package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

const (
	// partsAtOnce is how many parts of one object are under way.
	partsAtOnce = 8
	// abortWithin is how long the removal of a failed upload's parts may take. The bucket's lifecycle rule removes what
	// is left.
	abortWithin = 10 * time.Second
)

// parted is a multipart upload: nothing is seen of it before it is complete.
type parted struct {
	*Store
	key, id string
	mu      sync.Mutex
	parts   []types.CompletedPart
}

// putParts sends the content in parts, several at once. It is read once, in order, and never held as a whole.
func (s *Store) putParts(ctx context.Context, key string, content publish.Blob, meta publish.Meta) error {
	size := max(s.sizes.part, (content.Size+s.sizes.maxParts-1)/s.sizes.maxParts)
	if size > s.sizes.buffers {
		return fmt.Errorf("content has %d bytes, which is more than can be sent", content.Size)
	}
	r, err := content.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	return s.assemble(ctx, key, content.SHA256, meta, func(u *parted) error { return u.send(ctx, r, content, size) })
}

// assemble begins a multipart upload, lets fill add the parts, and completes it; or removes what there is of it.
func (s *Store) assemble(ctx context.Context, key, digest string, meta publish.Meta, fill func(*parted) error) error {
	created, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &s.name, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		ContentType: optional(meta.ContentType), CacheControl: optional(meta.CacheControl),
		Metadata: map[string]string{digestMeta: digest},
	})
	if err != nil {
		return err
	}
	u := &parted{Store: s, key: key, id: aws.ToString(created.UploadId)}
	if err = fill(u); err == nil {
		slices.SortFunc(u.parts, func(a, b types.CompletedPart) int { return int(*a.PartNumber - *b.PartNumber) })
		_, err = s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &s.name, Key: &key, UploadId: &u.id, IfNoneMatch: onlyIfAbsent(meta),
			MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
		})
	}
	if err != nil {
		u.abort(ctx)
	}
	return err
}

// abort removes the parts, also when the context has been cancelled.
func (u *parted) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortWithin)
	defer cancel()
	_, _ = u.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &u.name, Key: &u.key, UploadId: &u.id})
}

func (u *parted) add(number int32, etag, sum *string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.parts = append(u.parts, types.CompletedPart{PartNumber: &number, ETag: etag, ChecksumSHA256: sum})
}

// buffers are those of finished parts, for the next ones.
type buffers struct {
	size int64
	free chan []byte
}

func (b *buffers) get() []byte {
	select {
	case buffer := <-b.free:
		return buffer
	default:
		return make([]byte, b.size)
	}
}

func (b *buffers) put(buffer []byte) {
	select {
	case b.free <- buffer:
	default:
	}
}

// send reads the content in order and sends its parts as they come.
func (u *parted) send(ctx context.Context, r io.Reader, content publish.Blob, size int64) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(partsAtOnce)
	pool := &buffers{size: size, free: make(chan []byte, partsAtOnce)}
	err := u.cut(ctx, g, r, content, pool)
	// What the parts say comes first: the reading ends because they failed.
	if sent := g.Wait(); sent != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return sent
	}
	return err
}

func (u *parted) cut(ctx context.Context, g *errgroup.Group, r io.Reader, content publish.Blob, pool *buffers) error {
	whole := sha256.New()
	var read int64
	for number := int32(1); read < content.Size; number++ {
		if err := u.memory.Acquire(ctx, pool.size); err != nil {
			return err
		}
		release := func() { u.memory.Release(pool.size) }
		buffer := pool.get()
		n, err := io.ReadFull(r, buffer[:min(pool.size, content.Size-read)])
		read += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = sized(content, read)
		}
		if err != nil {
			release()
			return err
		}
		part := buffer[:n]
		_, _ = whole.Write(part)
		g.Go(func() error {
			defer release()
			defer pool.put(buffer)
			return u.sendPart(ctx, number, part)
		})
	}
	var more [1]byte
	n, err := io.ReadFull(r, more[:])
	if err != nil && err != io.EOF {
		return err
	}
	return matches(content, read+int64(n), whole.Sum(nil))
}

func (u *parted) sendPart(ctx context.Context, number int32, part []byte) error {
	digest := sha256.Sum256(part)
	sum, err := checksum(hex.EncodeToString(digest[:]))
	if err != nil {
		return err
	}
	sent, err := u.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &u.name, Key: &u.key, UploadId: &u.id, PartNumber: &number, Body: bytes.NewReader(part),
		ContentLength: aws.Int64(int64(len(part))), ChecksumSHA256: sum,
	})
	if err != nil {
		return fmt.Errorf("part %d: %w", number, err)
	}
	u.add(number, sent.ETag, sum)
	return nil
}
