package teardown_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/teardown"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// open returns an empty bucket of a server in memory, whose client retries without long pauses.
func open(t *testing.T, versioned bool) (teardown.Bucket, *s3server.Memory) {
	t.Helper()
	memory := s3server.NewMemory()
	server := s3server.StartMemory(t, memory)
	cfg := server.Config()
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff, o.RateLimiter = 6, time.Millisecond, ratelimit.None
		})
	}
	b := teardown.Bucket{Client: bucket.Client(cfg), Name: server.NewBucket(t, "site")}
	if versioned {
		version(t, b)
	}
	return b, memory
}

func version(t *testing.T, b teardown.Bucket) {
	t.Helper()
	_, err := b.Client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &b.Name,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	if err != nil {
		t.Fatal(err)
	}
}

// fill puts objects into a bucket, and in a versioned one a second version of every third and a marker on every fourth.
func fill(memory *s3server.Memory, b teardown.Bucket, n int, versioned bool) (entries int) {
	for i := range n {
		key := fmt.Sprintf("v%d/%04d.js", i%7, i)
		memory.Store(b.Name, key, "1234567890")
		entries++
		if versioned && i%3 == 0 {
			memory.Store(b.Name, key, "12345")
			entries++
		}
		if versioned && i%4 == 0 {
			memory.Remove(b.Name, key)
			entries++
		}
	}
	return entries
}

// UPSTREAM's defect 1: one page is listed, so 1,000 objects go and the rest stays.
func TestDefect1_EveryPageIsEmptied(t *testing.T) {
	for name, versioned := range map[string]bool{"plain": false, "versioned": true} {
		t.Run(name, func(t *testing.T) {
			b, memory := open(t, versioned)
			want := fill(memory, b, 5_300, versioned)
			for i := range 23 {
				memory.Begin(b.Name, fmt.Sprintf("unfinished/%d", i))
			}
			before, err := b.Measure(t.Context(), 1_000_000)
			if err != nil || before.Objects != want || before.More || before.Bytes < 53_000 {
				t.Errorf("measured %+v, %v, want %d objects", before, err, want)
			}
			var last teardown.Content
			removed, err := b.Empty(t.Context(), func(c teardown.Content) {
				if c.Objects < last.Objects || c.Bytes < last.Bytes {
					t.Errorf("progress went back from %+v to %+v", last, c)
				}
				last = c
			})
			if err != nil || removed.Objects != want || removed.Bytes != before.Bytes || removed.Uploads != 23 || last != removed {
				t.Errorf("removed %+v, %v, told %+v", removed, err, last)
			}
			if n := memory.Entries(b.Name); n != 0 || memory.Uploads() != 0 {
				t.Errorf("%d keys and %d uploads are left", n, memory.Uploads())
			}
		})
	}
}

func TestMeasureStops(t *testing.T) {
	b, memory := open(t, false)
	fill(memory, b, 2_500, false)
	if got, err := b.Measure(t.Context(), 1_000); err != nil || got.Objects != 1_000 || !got.More {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNoBucket(t *testing.T) {
	b, _ := open(t, false)
	b.Name = "nobody"
	if got, err := b.Empty(t.Context(), nil); err != nil || got != (teardown.Content{}) {
		t.Errorf("empty: %+v, %v", got, err)
	}
	if got, err := b.Measure(t.Context(), 10); err != nil || got != (teardown.Content{}) {
		t.Errorf("measure: %+v, %v", got, err)
	}
}

// S3 asks to slow down in every third request, and deletes some keys only when asked again.
func TestThrottled(t *testing.T) {
	b, memory := open(t, true)
	fill(memory, b, 1_500, true)
	var n, k atomic.Int32
	memory.Fault = func(*http.Request) (int, string) {
		if n.Add(1)%3 == 1 {
			return http.StatusServiceUnavailable, "SlowDown"
		}
		return 0, ""
	}
	memory.Keep = func(string) string {
		if k.Add(1)%500 == 1 {
			return "InternalError"
		}
		return ""
	}
	if _, err := b.Empty(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if n := memory.Entries(b.Name); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

// What S3 keeps is named; the rest goes all the same, and a second call removes what may be removed by then.
func TestKept(t *testing.T) {
	b, memory := open(t, true)
	memory.PageSize = 100
	fill(memory, b, 1_000, false)
	memory.Keep = func(key string) string {
		if strings.HasPrefix(key, "v1/000") {
			return "AccessDenied"
		}
		return ""
	}
	_, err := b.Empty(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "empty bucket site: S3 kept v1/0001.js (AccessDenied") || !strings.Contains(fault.HintOf(err), "legal hold") {
		t.Fatalf("error %v, hint %q", err, fault.HintOf(err))
	}
	if n := memory.Entries(b.Name); n != 2 {
		t.Errorf("%d keys are left, want 2", n)
	}
	memory.Keep = nil
	if _, err := b.Empty(t.Context(), nil); err != nil || memory.Entries(b.Name) != 0 {
		t.Errorf("second call: %v, %d keys", err, memory.Entries(b.Name))
	}
}

// Where nothing may be deleted, not all of a large bucket is tried.
func TestAllKept(t *testing.T) {
	b, memory := open(t, false)
	fill(memory, b, 30_000, false)
	var asked atomic.Int32
	memory.Keep = func(string) string { asked.Add(1); return "AccessDenied" }
	if _, err := b.Empty(t.Context(), nil); err == nil || fault.HintOf(err) == "" {
		t.Fatalf("error %v", err)
	}
	if n := asked.Load(); n > 20_000 {
		t.Errorf("%d keys were tried", n)
	}
}

func TestNotAllowed(t *testing.T) {
	for what, match := range map[string]string{"list": "versions", "delete": "delete", "uploads": "uploads"} {
		t.Run(what, func(t *testing.T) {
			b, memory := open(t, false)
			fill(memory, b, 10, false)
			memory.Fault = func(r *http.Request) (int, string) {
				if r.URL.Query().Has(match) {
					return http.StatusForbidden, "AccessDenied"
				}
				return 0, ""
			}
			_, err := b.Empty(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), "the credentials do not allow this") || fault.HintOf(err) == "" {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Somebody writes as fast as objects go: it ends, and says so.
func TestSomebodyWrites(t *testing.T) {
	b, memory := open(t, false)
	fill(memory, b, 1, false)
	memory.Fault = func(r *http.Request) (int, string) {
		if r.URL.Query().Has("versions") {
			memory.Store(b.Name, "late.html", "late")
		}
		return 0, ""
	}
	if _, err := b.Empty(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "keeps writing") {
		t.Errorf("error %v", err)
	}
}

func TestCutOffAndAgain(t *testing.T) {
	b, memory := open(t, false)
	memory.PageSize = 50
	fill(memory, b, 3_000, false)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := b.Empty(ctx, func(c teardown.Content) {
		if c.Objects >= 500 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || !strings.Contains(fault.HintOf(err), "run delete again") {
		t.Fatalf("error %v, hint %q", err, fault.HintOf(err))
	}
	if n := memory.Entries(b.Name); n == 0 || n > 2_500 {
		t.Errorf("%d keys are left", n)
	}
	if _, err := b.Empty(t.Context(), nil); err != nil || memory.Entries(b.Name) != 0 {
		t.Errorf("second call: %v, %d keys", err, memory.Entries(b.Name))
	}
}

// A bucket of 12,000 versions and markers, on a server that others wrote.
func TestMoto(t *testing.T) {
	server := s3server.StartMoto(t)
	b := teardown.Bucket{Client: bucket.Client(server.Config()), Name: server.NewBucket(t, "site")}
	version(t, b)
	// moto takes some 400 requests a second, whatever they are for. A deletion of 1,000 keys makes 1,000 markers at once, or
	// takes them away again where they are the newest.
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(16)
	const keys = 1_000
	ids := make([]types.ObjectIdentifier, keys)
	for i := range keys {
		key := fmt.Sprintf("v%d/%04d.js", i%3, i)
		ids[i].Key = &key
		if i%2 == 0 {
			g.Go(func() error {
				_, err := b.Client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.Name, Key: &key, Body: strings.NewReader("1234567890")})
				return err
			})
		}
	}
	for i := range 3 {
		g.Go(func() error {
			_, err := b.Client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b.Name, Key: aws.String(fmt.Sprintf("unfinished/%d", i))})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for range 24 {
		if _, err := b.Client.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: &b.Name, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)}}); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := b.Empty(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if removed.Objects < 12_000 || removed.Bytes != 5_000 || removed.Uploads != 3 {
		t.Errorf("removed %+v", removed)
	}
	if left, err := b.Measure(t.Context(), 10); err != nil || left.Objects != 0 {
		t.Errorf("%+v is left, %v", left, err)
	}
	if _, err := b.Client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &b.Name}); err != nil {
		t.Error(err)
	}
}

// What is left of a site is looked for in the site's region, however many buckets there are: in another one a site of the same
// name may be live.
func TestNamed(t *testing.T) {
	b, memory := open(t, false)
	memory.PageSize = 2
	for _, name := range []string{"hello-hostingbucket-a", "hello-hostingbucket-b", "hello-hostingbucket-c", "hello-hostingbucket-d", "hello-two-hostingbucket-a"} {
		memory.Add(name)
	}
	memory.Move("hello-hostingbucket-b", s3server.Elsewhere{Region: "eu-west-1"})
	memory.Move("hello-hostingbucket-d", s3server.Elsewhere{Account: "999999999999"})
	got, err := teardown.Named(t.Context(), b.Client, "hello-hostingbucket-")
	if want := "hello-hostingbucket-a hello-hostingbucket-c"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("%v, %v", got, err)
	}
}
