package double

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

func hash(of string) string {
	sum := sha256.Sum256([]byte(of))
	return hex.EncodeToString(sum[:])
}

func uuid(of string) string {
	h := hash(of)
	return strings.Join([]string{h[:8], h[8:12], "4" + h[13:16], "8" + h[17:20], h[20:32]}, "-")
}

// cloudFront answers GetDistribution. A distribution is InProgress for the first looks.
func (a *Account) cloudFront(req *wire.Request) (map[string]any, *Fault) {
	id := req.Text("Id")
	for _, s := range a.stacks {
		r := s.resources["Distribution"]
		if r == nil || r.physical != id {
			continue
		}
		status := "Deployed"
		if s.spread > 0 {
			s.spread--
			status = "InProgress"
		}
		none := map[string]any{"Enabled": false, "Quantity": int64(0)}
		return map[string]any{"ETag": "E1", "Distribution": map[string]any{
			"Id": id, "ARN": "arn:aws:cloudfront::" + AccountID + ":distribution/" + id, "Status": status,
			"LastModifiedTime": s.created, "InProgressInvalidationBatches": int64(0),
			"DomainName":           a.named(s.name, s.params)("Distribution", r.typ, "DomainName"),
			"ActiveTrustedSigners": none, "ActiveTrustedKeyGroups": none,
			"DistributionConfig": map[string]any{
				"CallerReference": s.id, "Comment": "", "Enabled": true,
				"Origins":              map[string]any{"Quantity": int64(1), "Items": []any{map[string]any{"Id": template.OriginID, "DomainName": "x"}}},
				"DefaultCacheBehavior": map[string]any{"TargetOriginId": template.OriginID, "ViewerProtocolPolicy": "redirect-to-https"},
			},
		}}, nil
	}
	return nil, &Fault{http.StatusNotFound, "NoSuchDistribution", "The specified distribution does not exist."}
}

// serveDistribution answers a viewer.
func (a *Account) serveDistribution(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	var handler http.Handler
	for _, s := range a.stacks {
		if s.answers(r.Host) {
			handler = a.edgeOf(s)
		}
	}
	a.mu.Unlock()
	if handler == nil {
		http.Error(w, "no such distribution", http.StatusBadGateway)
		return
	}
	handler.ServeHTTP(w, r)
}

// edgeOf compiles the distribution of a stack from its template.
func (a *Account) edgeOf(s *stack) http.Handler {
	if s.edge != nil {
		return s.edge
	}
	config, err := template.Compile(s.template, a.withPseudo(s.name, s.params))
	if err != nil {
		a.t.Errorf("compile distribution of %s: %v", s.name, err)
		return nil
	}
	arn := s.outputs[template.OutputKeyValueStoreArn]
	e, err := edge.New(edge.Options{
		Config:  config,
		Origins: map[string]edge.Origin{template.OriginID: origin{bucket.Open(a.config(), s.outputs[template.OutputHostingBucketName])}},
		KV: func() (cfjs.KV, error) {
			values, created, changed := a.KVS.Values(arn)
			return view{values, cfjs.KVMeta{Created: created, Updated: changed, Keys: len(values)}}, nil
		},
	})
	if err != nil {
		a.t.Errorf("make distribution of %s: %v", s.name, err)
		return nil
	}
	s.edge = e
	return e
}

// config is for the double's own clients of S3.
func (a *Account) config() aws.Config {
	return aws.Config{Region: Region, BaseEndpoint: aws.String(a.URL()), Credentials: credentials.NewStaticCredentialsProvider(s3server.AccessKey, s3server.SecretKey, "")}
}

// view is the key-value store as a function sees it.
type view struct {
	values map[string]string
	meta   cfjs.KVMeta
}

func (v view) Get(key string) (string, bool) { value, ok := v.values[key]; return value, ok }
func (v view) Meta() cfjs.KVMeta             { return v.meta }

// origin is a bucket as the edge's origin.
type origin struct{ store publish.ObjectStore }

func (o origin) Get(ctx context.Context, key string) (*edge.Object, error) {
	body, object, err := o.store.Get(ctx, key)
	if err != nil {
		return nil, fs.ErrNotExist
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	return &edge.Object{
		Body: content{bytes.NewReader(data)}, Size: object.Size, ContentType: object.ContentType, CacheControl: object.CacheControl,
		ETag: `"` + object.SHA256 + `"`, Modified: object.Modified.Truncate(time.Second),
	}, nil
}

type content struct{ *bytes.Reader }

func (content) Close() error { return nil }
