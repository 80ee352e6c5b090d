package bucket

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/encoding/httpbinding"
)

// errIndirect says that a request has to be made by the SDK's client.
var errIndirect = errors.New("not answered as expected")

// emptyDigest is the SHA-256 of nothing.
const emptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// userAgent names the tool in the access log.
const userAgent = "cloudfront-hosting-toolkit"

// direct makes the requests that a release consists of by the thousand: it signs them with the SDK's signer and sends them
// over the SDK's connections, past its layers, which cost more than the rest of the request. It knows the answer that
// nearly all of them get. Any other answer, and any error, is errIndirect: then the SDK's client makes the same request,
// with everything that it knows of retries, redirects, clocks and errors.
type direct struct {
	client *s3.Client
	bucket string
	signer *v4.Signer
	// base is the bucket's address without a slash at its end, found at the first request; nil where requests need more
	// than a plain signature.
	base func() *url.URL
}

func newDirect(client *s3.Client, bucket string) *direct {
	d := &direct{client: client, bucket: bucket, signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })}
	d.base = sync.OnceValue(d.resolve)
	return d
}

func (d *direct) resolve() *url.URL {
	o := d.client.Options()
	if o.Credentials == nil || o.HTTPClient == nil || o.EndpointResolverV2 == nil {
		return nil
	}
	found, err := o.EndpointResolverV2.ResolveEndpoint(context.Background(), s3.EndpointParameters{
		Bucket: &d.bucket, Region: &o.Region, Endpoint: o.BaseEndpoint, ForcePathStyle: &o.UsePathStyle, Accelerate: &o.UseAccelerate,
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	})
	if err != nil || len(found.Headers) > 0 {
		return nil
	}
	schemes, ok := auth.GetAuthOptions(&found.Properties)
	if !ok || len(schemes) == 0 || strings.TrimPrefix(schemes[0].SchemeID, "aws.auth#") != "sigv4" {
		return nil
	}
	found.URI.Path = strings.TrimSuffix(found.URI.Path, "/")
	return &found.URI
}

// do sends a request and returns the header and the body of its answer, if that is the expected status and the body has the
// given text in it.
func (d *direct) do(ctx context.Context, method, key string, header http.Header, body []byte, digest, has string) (http.Header, []byte, error) {
	base := d.base()
	if base == nil {
		return nil, nil, errIndirect
	}
	o := d.client.Options()
	credentials, err := o.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, nil, errIndirect
	}
	address := *base
	address.Path = base.Path + "/" + key
	address.RawPath = httpbinding.EscapePath(address.Path, false)
	header.Set("X-Amz-Content-Sha256", digest)
	header.Set("User-Agent", userAgent)
	r := &http.Request{Method: method, URL: &address, Host: address.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if len(body) > 0 {
		r.ContentLength = int64(len(body))
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	r = r.WithContext(ctx)
	if err := d.signer.SignHTTP(ctx, credentials, r, digest, "s3", o.Region, time.Now()); err != nil {
		return nil, nil, errIndirect
	}
	answer, err := o.HTTPClient.Do(r)
	if err != nil {
		return nil, nil, errIndirect
	}
	defer answer.Body.Close()
	start, err := io.ReadAll(io.LimitReader(answer.Body, maxDrain))
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(start), has) {
		return nil, nil, errIndirect
	}
	return answer.Header, start, nil
}

// put stores an object that is in memory, whose digest is sum.
func (d *direct) put(ctx context.Context, in *s3.PutObjectInput, body, sum []byte) error {
	header := objectHeader(in.ContentType, in.CacheControl, in.IfNoneMatch, in.Metadata)
	header.Set("X-Amz-Checksum-Sha256", *in.ChecksumSHA256)
	_, _, err := d.do(ctx, http.MethodPut, *in.Key, header, body, hex.EncodeToString(sum), "")
	return err
}

// head looks at an object.
func (d *direct) head(ctx context.Context, key string) (http.Header, error) {
	answer, _, err := d.do(ctx, http.MethodHead, key, http.Header{}, nil, emptyDigest, "")
	return answer, err
}

// copy copies an object, and returns the SHA-256 that the answer tells of it, in base64; "" if it tells none. S3 may answer
// 200 and an error in the body.
func (d *direct) copy(ctx context.Context, in *s3.CopyObjectInput) (sum string, err error) {
	header := objectHeader(in.ContentType, in.CacheControl, in.IfNoneMatch, in.Metadata)
	header.Set("X-Amz-Copy-Source", *in.CopySource)
	if in.CopySourceIfMatch != nil {
		header.Set("X-Amz-Copy-Source-If-Match", *in.CopySourceIfMatch)
	}
	header.Set("X-Amz-Metadata-Directive", string(in.MetadataDirective))
	_, answer, err := d.do(ctx, http.MethodPut, *in.Key, header, nil, emptyDigest, "<CopyObjectResult")
	_, sum, _ = strings.Cut(string(answer), "<ChecksumSHA256>")
	sum, _, _ = strings.Cut(sum, "</ChecksumSHA256>")
	return sum, err
}

// objectHeader is what a write says of the object.
func objectHeader(contentType, cacheControl, ifNoneMatch *string, metadata map[string]string) http.Header {
	header := make(http.Header, 12)
	for name, value := range map[string]*string{"Content-Type": contentType, "Cache-Control": cacheControl, "If-None-Match": ifNoneMatch} {
		if value != nil {
			header.Set(name, *value)
		}
	}
	for name, value := range metadata {
		header.Set("X-Amz-Meta-"+name, value)
	}
	return header
}
