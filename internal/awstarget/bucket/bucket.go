// Package bucket is the hosting bucket on Amazon S3, or on a server that speaks its protocol.
//
// Every object carries the digest of its content: as S3's own checksum, which S3 verifies on arrival, and as user metadata,
// because that comes back with every read, for any size and on any server.
package bucket

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/sync/semaphore"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

var _ publish.RangeLister = (*Store)(nil)

// digestMeta is the user metadata that holds the SHA-256 of an object, in lower-case hexadecimal: x-amz-meta-sha256.
const digestMeta = "sha256"

const (
	// idleConnections is how many connections stay open between requests: more than a publisher uses at once, so that
	// none is opened twice.
	idleConnections = 128
	// bufferSize is that of a connection's reads and writes.
	bufferSize = 64 << 10
	// maxConflicts is how often a conditional write is tried against others of the same key at the same moment.
	maxConflicts = 8
)

// sizes are the limits of S3 requests (Amazon S3 User Guide, "Amazon S3 multipart upload limits") and of memory.
type sizes struct {
	// whole is the size up to which an object is sent in one request.
	whole int64
	// inMemory is the size up to which it is read before it is sent.
	inMemory int64
	// part is the size of the parts of larger ones; parts of maxParts are larger if need be.
	part int64
	// maxParts is how many parts an object may have.
	maxParts int64
	// buffers bounds the memory for the parts that are under way, of all objects together.
	buffers int64
	// copyWhole is the size up to which an object is copied in one request; copyPart is the size of the parts of others.
	copyWhole, copyPart int64
	// deleteKeys is how many keys are deleted by one request.
	deleteKeys int
}

var defaultSizes = sizes{whole: 16 << 20, inMemory: 256 << 10, part: 8 << 20, maxParts: 10_000, buffers: 48 << 20,
	copyWhole: 5 << 30, copyPart: 512 << 20, deleteKeys: 1000}

// Store is a bucket as a publish.ObjectStore. S3 is consistent: what Put has stored, every later Get and List sees.
type Store struct {
	// Explain, if set, adds the way out to errors that are not about objects, such as expired credentials.
	Explain func(error) error

	client *s3.Client
	direct *direct
	name   string
	sizes  sizes
	memory *semaphore.Weighted
	// untold is set when a server has not told the checksum of a copy.
	untold atomic.Bool
}

// Open returns the store of a bucket that exists in the configuration's region. It asks nobody.
//
// A custom endpoint (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3) is addressed with the bucket's name in the path, since its
// host has seldom a name for each bucket.
func Open(cfg aws.Config, bucket string) *Store {
	return open(Client(cfg), bucket, defaultSizes)
}

// Client returns a client for buckets of the configuration's region, as Open makes it.
func Client(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = o.UsePathStyle || o.BaseEndpoint != nil
		// Some servers never answer "Expect: 100-continue", and the publisher hardly ever sends what is refused.
		o.ContinueHeaderThresholdBytes = -1
		o.APIOptions = append(o.APIOptions, signDigest)
		o.DisableLogOutputChecksumValidationSkipped = true
		if c, ok := o.HTTPClient.(*awshttp.BuildableClient); ok {
			o.HTTPClient = c.WithTransportOptions(func(t *http.Transport) {
				t.MaxIdleConns, t.MaxIdleConnsPerHost = idleConnections, idleConnections
				t.ReadBufferSize, t.WriteBufferSize = bufferSize, bufferSize
				t.DisableCompression = true // objects come as they are, and each request is shorter by a header
			})
		}
	})
}

func open(client *s3.Client, bucket string, sizes sizes) *Store {
	return &Store{client: client, direct: newDirect(client, bucket), name: bucket, sizes: sizes, memory: semaphore.NewWeighted(sizes.buffers)}
}

// signDigest makes the signature cover the content by its digest, where the request states it as its checksum anyway. The
// SDK would read the content once more for that, or leave it out of the signature.
func signDigest(stack *middleware.Stack) error {
	return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("SignDigest", func(ctx context.Context, in middleware.FinalizeInput,
		next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if req, ok := in.Request.(*smithyhttp.Request); ok && req.Method == http.MethodPut && req.GetStream() != nil {
			if sum, err := base64.StdEncoding.DecodeString(req.Header.Get("X-Amz-Checksum-Sha256")); err == nil && len(sum) == 32 {
				ctx = v4.SetPayloadHash(ctx, hex.EncodeToString(sum))
			}
		}
		return next.HandleFinalize(ctx, in)
	}), middleware.Before)
}

// checksum is a digest in the form of S3's checksum headers.
func checksum(digest string) (*string, error) {
	sum, err := hex.DecodeString(digest)
	if err != nil || len(sum) != 32 {
		return nil, fmt.Errorf("%q is not a SHA-256 in hexadecimal", digest)
	}
	return aws.String(base64.StdEncoding.EncodeToString(sum)), nil
}

func onlyIfAbsent(meta publish.Meta) *string {
	if meta.IfAbsent {
		return aws.String("*")
	}
	return nil
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// errConflict is S3's answer to a conditional write while another write or a removal of the key is under way. It says
// nothing about the outcome.
var errConflict = errors.New("conflicting operation on the same key")

// settled runs a conditional write until no other one of the same key is in its way.
func settled(ctx context.Context, write func() error) error {
	for attempt := 1; ; attempt++ {
		err := write()
		if !errors.Is(err, errConflict) || attempt == maxConflicts {
			return err
		}
		t := time.NewTimer(time.Duration(attempt*(10+rand.IntN(40))) * time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}
