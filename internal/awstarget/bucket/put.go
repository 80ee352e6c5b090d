package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// Put implements publish.ObjectStore. S3 checks on arrival that the content has the digest.
func (s *Store) Put(ctx context.Context, key string, content publish.Blob, meta publish.Meta) error {
	send := s.putStream
	switch {
	case content.Size > s.sizes.whole:
		send = s.putParts
	case content.Size <= s.sizes.inMemory:
		send = s.putSmall
	}
	err := settled(ctx, func() error { return conditional(send(ctx, key, content, meta), meta) })
	if err != nil {
		return s.explain(err, "put %s", key)
	}
	return nil
}

// putSmall reads the content first.
func (s *Store) putSmall(ctx context.Context, key string, content publish.Blob, meta publish.Meta) error {
	r, err := content.Open()
	if err != nil {
		return err
	}
	body := make([]byte, content.Size+1)
	n, err := io.ReadFull(r, body)
	_ = r.Close()
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	sum := sha256.Sum256(body[:n])
	if err := matches(content, int64(n), sum[:]); err != nil {
		return err
	}
	in, err := s.putInput(key, content, meta)
	if err != nil {
		return err
	}
	if n > 0 && s.direct.put(ctx, in, body[:n], sum[:]) == nil {
		return nil
	}
	in.Body = bytes.NewReader(body[:n])
	_, err = s.client.PutObject(ctx, in)
	return err
}

// putStream sends the content as it is read.
func (s *Store) putStream(ctx context.Context, key string, content publish.Blob, meta publish.Meta) error {
	body := &stream{content: content}
	if err := body.open(); err != nil {
		return err
	}
	defer body.close()
	in, err := s.putInput(key, content, meta)
	if err != nil {
		return err
	}
	in.Body = body
	_, err = s.client.PutObject(ctx, in)
	if err != nil && body.err != nil {
		return body.err // what the client says of it is that the connection broke
	}
	return err
}

// putInput is the request for an object, without its content.
func (s *Store) putInput(key string, content publish.Blob, meta publish.Meta) (*s3.PutObjectInput, error) {
	sum, err := checksum(content.SHA256)
	if err != nil {
		return nil, err
	}
	return &s3.PutObjectInput{
		Bucket: &s.name, Key: &key, ContentLength: aws.Int64(content.Size), ChecksumSHA256: sum,
		ContentType: optional(meta.ContentType), CacheControl: optional(meta.CacheControl),
		Metadata: map[string]string{digestMeta: content.SHA256}, IfNoneMatch: onlyIfAbsent(meta),
	}, nil
}

// matches checks what was read of a blob against what it said to be.
func matches(content publish.Blob, size int64, sum []byte) error {
	if err := sized(content, size); err != nil {
		return err
	}
	if hex.EncodeToString(sum) != content.SHA256 {
		return fmt.Errorf("content has digest %x, want %s: it changed meanwhile", sum, content.SHA256)
	}
	return nil
}

// sized checks how much was read of a blob.
func sized(content publish.Blob, size int64) error {
	switch {
	case size < content.Size:
		return fmt.Errorf("content has %d bytes, want %d: it changed meanwhile", size, content.Size)
	case size > content.Size:
		return fmt.Errorf("content has more than %d bytes: it changed meanwhile", content.Size)
	}
	return nil
}

// stream is the content of a blob as the body of a request. It can be rewound, for the SDK's retries. It hands out its
// last bytes only when they have proven to be the last ones: content of another length never arrives whole, and so is
// never stored. Content of another digest is for S3 to refuse.
type stream struct {
	content publish.Blob
	r       io.ReadCloser
	// at is how much of r has been read, and pos what the next Read is to begin with.
	at, pos int64
	// err is why the content could not be read. It ends every attempt.
	err error
}

func (b *stream) open() error {
	b.close()
	b.r, b.err = b.content.Open()
	b.at = 0
	return b.err
}

func (b *stream) close() {
	if b.r != nil {
		_ = b.r.Close()
		b.r = nil
	}
}

// Seek implements io.Seeker. Only the beginning can be read from; the end tells the size.
func (b *stream) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += b.pos
	case io.SeekEnd:
		offset += b.content.Size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	b.pos = offset
	return offset, nil
}

// Read implements io.Reader.
func (b *stream) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.pos >= b.content.Size {
		return 0, io.EOF
	}
	if b.pos != b.at {
		if b.pos != 0 {
			return 0, errors.New("only the beginning can be read again")
		}
		if err := b.open(); err != nil {
			return 0, err
		}
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.content.Size-b.at)])
	b.at += int64(n)
	switch {
	case b.at == b.content.Size:
		b.err = b.finish()
	case err == io.EOF:
		b.err = b.sized(0)
	default:
		b.err = err
	}
	if b.err != nil {
		return 0, b.err
	}
	b.pos = b.at
	return n, nil
}

// finish checks that the content ends here.
func (b *stream) finish() error {
	var more [1]byte
	n, err := io.ReadFull(b.r, more[:])
	if err != nil && err != io.EOF {
		return err
	}
	return b.sized(int64(n))
}

// sized checks the size of the content, of which there is more than what has been read.
func (b *stream) sized(more int64) error { return sized(b.content, b.at+more) }
