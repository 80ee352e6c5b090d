package bucket

import (
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish/publishtest"
)

// small returns a store whose limits are small enough to be met.
func small(t *testing.T, set func(*sizes)) (*Store, *s3server.Memory) {
	t.Helper()
	memory := s3server.NewMemory()
	memory.LeastPart = 1
	server := s3server.StartMemory(t, memory)
	s := Open(server.Config(), server.NewBucket(t, "site"))
	limits := defaultSizes
	set(&limits)
	return open(s.client, s.name, limits), memory
}

func TestCopyInParts(t *testing.T) {
	s, memory := small(t, func(l *sizes) { l.copyWhole, l.copyPart = 1000, 300 })
	content := strings.Repeat("0123456789", 145)
	digest := publishtest.Blob(content).SHA256
	if err := s.Put(t.Context(), "v1/a b+ü", publishtest.Blob(content), publish.Meta{ContentType: "text/plain"}); err != nil {
		t.Fatal(err)
	}
	meta := publish.Meta{ContentType: "text/html", CacheControl: "no-cache", IfAbsent: true}
	if err := s.Copy(t.Context(), "v1/a b+ü", "v2/a b+ü", digest, meta); err != nil {
		t.Fatal(err)
	}
	r, o, err := s.Get(t.Context(), "v2/a b+ü")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if data, err := io.ReadAll(r); err != nil || string(data) != content {
		t.Errorf("the copy has %d bytes, want %d; %v", len(data), len(content), err)
	}
	if o.SHA256 != digest || o.ContentType != meta.ContentType || o.CacheControl != meta.CacheControl {
		t.Errorf("the copy is %+v", o)
	}
	if err := s.Copy(t.Context(), "v1/a b+ü", "v2/a b+ü", digest, meta); err == nil {
		t.Error("a copy replaced what was there")
	}
	if n := memory.Uploads(); n != 0 {
		t.Errorf("%d unfinished uploads are left", n)
	}
}

// TestPartsGrow has an object that would have too many parts of the usual size.
func TestPartsGrow(t *testing.T) {
	s, _ := small(t, func(l *sizes) { l.whole, l.inMemory, l.part, l.maxParts, l.buffers = 100, 10, 50, 4, 1000 })
	content := strings.Repeat("0123456789", 63)
	if err := s.Put(t.Context(), "v1/a", publishtest.Blob(content), publish.Meta{}); err != nil {
		t.Fatal(err)
	}
	if _, o, err := s.Get(t.Context(), "v1/a"); err != nil || o.Size != int64(len(content)) || o.SHA256 != publishtest.Blob(content).SHA256 {
		t.Errorf("got %+v, %v", o, err)
	}
	if err := s.Put(t.Context(), "v1/b", publishtest.Blob(strings.Repeat("x", 5000)), publish.Meta{}); err == nil {
		t.Error("an object was stored that takes more memory than there may be")
	}
}

// TestDirectRequests has plain buckets at their own addresses, and leaves to the SDK what needs more than a plain signature.
func TestDirectRequests(t *testing.T) {
	keys := credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")
	tests := map[string]struct {
		bucket, endpoint, want string
		keys                   aws.CredentialsProvider
	}{
		"plain":            {bucket: "site", want: "https://site.s3.eu-west-1.amazonaws.com", keys: keys},
		"custom endpoint":  {bucket: "site", endpoint: "http://127.0.0.1:9000", want: "http://127.0.0.1:9000/site", keys: keys},
		"directory bucket": {bucket: "site--euw1-az1--x-s3", keys: keys},
		"no credentials":   {bucket: "site"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := aws.Config{Region: "eu-west-1", Credentials: test.keys}
			if test.endpoint != "" {
				cfg.BaseEndpoint = &test.endpoint
			}
			got := ""
			if base := Open(cfg, test.bucket).direct.base(); base != nil {
				got = base.String()
			}
			if got != test.want {
				t.Errorf("direct requests go to %q, want %q", got, test.want)
			}
		})
	}
}
