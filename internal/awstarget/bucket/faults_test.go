package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish/publishtest"
)

// hasty is the configuration of a server whose client retries without long pauses.
func hasty(server *s3server.Server) aws.Config {
	cfg := server.Config()
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff, o.RateLimiter = 6, time.Millisecond, ratelimit.None
		})
	}
	return cfg
}

// open returns a store over a server in memory.
func open(t *testing.T) (*bucket.Store, *s3server.Memory) {
	t.Helper()
	memory := s3server.NewMemory()
	server := s3server.StartMemory(t, memory)
	return bucket.Open(hasty(server), server.NewBucket(t, "site")), memory
}

var html = publish.Meta{ContentType: "text/html; charset=utf-8", CacheControl: "max-age=1"}

func body(t *testing.T, s publish.ObjectStore, key string) string {
	t.Helper()
	r, _, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", key, err)
	}
	return string(data)
}

// describe returns what Get says of an object.
func describe(t *testing.T, s publish.ObjectStore, key string) (publish.Object, error) {
	t.Helper()
	r, o, err := s.Get(t.Context(), key)
	if err == nil {
		_ = r.Close()
	}
	return o, err
}

// TestThrottling has S3 ask to slow down, in half of all requests.
func TestThrottling(t *testing.T) {
	s, memory := open(t)
	var n atomic.Int32
	memory.Fault = func(*http.Request) (int, string) {
		if n.Add(1)%2 == 1 {
			return http.StatusServiceUnavailable, "SlowDown"
		}
		return 0, ""
	}
	for _, size := range []int{10, 400_000, 17 << 20} {
		key, content := fmt.Sprintf("v1/%d", size), strings.Repeat("x", size)
		if err := s.Put(t.Context(), key, publishtest.Blob(content), html); err != nil {
			t.Fatalf("put %d bytes: %v", size, err)
		}
		if err := s.Copy(t.Context(), key, "v2/"+key, publishtest.Blob(content).SHA256, html); err != nil {
			t.Fatalf("copy %d bytes: %v", size, err)
		}
		if got := body(t, s, "v2/"+key); got != content {
			t.Errorf("copy of %d bytes has %d", size, len(got))
		}
	}
	if err := s.Delete(t.Context(), []string{"v1/10"}); err != nil {
		t.Fatal(err)
	}
}

// TestConflictingWritesAreTriedAgain has S3 answer that another write of the key is under way.
func TestConflictingWritesAreTriedAgain(t *testing.T) {
	for _, size := range []int{10, 400_000, 17 << 20} {
		s, memory := open(t)
		var n atomic.Int32
		memory.Fault = func(r *http.Request) (int, string) {
			last := r.Method == http.MethodPut && r.URL.Query().Get("partNumber") == "" || r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
			if last && n.Add(1) <= 3 {
				return http.StatusConflict, "ConditionalRequestConflict"
			}
			return 0, ""
		}
		meta, content := html, strings.Repeat("x", size)
		meta.IfAbsent = true
		if err := s.Put(t.Context(), "v1/a", publishtest.Blob(content), meta); err != nil {
			t.Fatalf("put %d bytes: %v", size, err)
		}
		if got := body(t, s, "v1/a"); got != content {
			t.Errorf("%d bytes were stored, want %d", len(got), size)
		}
		if n := memory.Uploads(); n != 0 {
			t.Errorf("%d unfinished uploads are left", n)
		}
	}
}

// TestLargeObjects puts and copies what is sent in parts, create-only.
func TestLargeObjects(t *testing.T) {
	s, memory := open(t)
	content := strings.Repeat("0123456789abcdef", 40<<20/16) + "end"
	meta := html
	meta.IfAbsent = true
	if err := s.Put(t.Context(), "v1/large", publishtest.Blob(content), meta); err != nil {
		t.Fatal(err)
	}
	o, err := describe(t, s, "v1/large")
	want := publish.Object{Key: "v1/large", Size: int64(len(content)), Modified: o.Modified, SHA256: publishtest.Blob(content).SHA256,
		ContentType: html.ContentType, CacheControl: html.CacheControl}
	if err != nil || o != want {
		t.Errorf("got %+v, %v", o, err)
	}
	if err := s.Put(t.Context(), "v1/large", publishtest.Blob(content), meta); !errors.Is(err, publish.ErrExists) {
		t.Errorf("second put: %v, want ErrExists", err)
	}
	other := publishtest.Blob(content)
	other.SHA256 = publishtest.Blob("other").SHA256
	if err := s.Put(t.Context(), "v1/changed", other, html); err == nil {
		t.Error("content of another digest was stored")
	}
	short := publishtest.Blob(content)
	short.Size += 1 << 20
	if err := s.Put(t.Context(), "v1/changed", short, html); err == nil {
		t.Error("content of another size was stored")
	}
	if _, _, err := s.Get(t.Context(), "v1/changed"); !errors.Is(err, publish.ErrNotFound) {
		t.Errorf("get what was refused: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	memory.Fault = func(r *http.Request) (int, string) {
		if r.URL.Query().Get("partNumber") == "2" {
			cancel()
		}
		return 0, ""
	}
	if err := s.Put(ctx, "v1/cancelled", publishtest.Blob(content), html); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled put: %v", err)
	}
	if n := memory.Uploads(); n != 0 {
		t.Errorf("%d unfinished uploads are left", n)
	}
}

// TestDeleteReportsKeys has S3 refuse some keys of a batch for good, and others for a moment.
func TestDeleteReportsKeys(t *testing.T) {
	s, memory := open(t)
	var keys []string
	for i := range 2300 {
		keys = append(keys, fmt.Sprintf("v1/%04d", i))
	}
	for _, key := range keys[:5] {
		if err := s.Put(t.Context(), key, publishtest.Blob(key), html); err != nil {
			t.Fatal(err)
		}
	}
	var busy atomic.Int32
	memory.Keep = func(key string) string {
		switch {
		case key == "v1/0001" && busy.Add(1) <= 2:
			return "InternalError"
		case key == "v1/0002" || key == "v1/0003":
			return "AccessDenied"
		}
		return ""
	}
	err := s.Delete(t.Context(), keys)
	if err == nil || !strings.Contains(err.Error(), "v1/0002 (AccessDenied") || !strings.Contains(err.Error(), "v1/0003") || strings.Contains(err.Error(), "v1/0001") {
		t.Errorf("delete: %v, want an error that names the two keys", err)
	}
	if hint := fault.HintOf(err); !strings.Contains(hint, "s3:DeleteObject") {
		t.Errorf("hint %q", hint)
	}
	left := 0
	for _, err := range s.List(t.Context(), "") {
		if left++; err != nil {
			t.Fatal(err)
		}
	}
	if left != 2 {
		t.Errorf("%d objects are left, want 2", left)
	}
}

func TestErrorsSayTheWayOut(t *testing.T) {
	tests := map[string]struct {
		status     int
		code, hint string
		kind       fault.Kind
	}{
		"no bucket":     {http.StatusNotFound, "NoSuchBucket", "deploy", fault.NotDeployed},
		"no permission": {http.StatusForbidden, "AccessDenied", "s3:PutObject", fault.Other},
		"expired":       {http.StatusBadRequest, "ExpiredToken", "sign in again", fault.Other},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, memory := open(t)
			s.Explain = func(err error) error { return fault.New(fault.Other, "sign in again", "%w", err) }
			memory.Fault = func(*http.Request) (int, string) { return test.status, test.code }
			err := s.Put(t.Context(), "v1/a", publishtest.Blob("x"), html)
			if err == nil || fault.KindOf(err) != test.kind || !strings.Contains(fault.HintOf(err), test.hint) || errors.Is(err, publish.ErrNotFound) {
				t.Errorf("put: %v (hint %q)", err, fault.HintOf(err))
			}
			_, _, err = s.Get(t.Context(), "v1/a")
			if err == nil || fault.KindOf(err) != test.kind || errors.Is(err, publish.ErrNotFound) {
				t.Errorf("get: %v", err)
			}
			for _, err = range s.List(t.Context(), "v1/") {
				if err == nil || fault.KindOf(err) != test.kind || name == "no permission" && !strings.Contains(fault.HintOf(err), "s3:GetObject") ||
					strings.Contains(fault.HintOf(err), "s3:PutObject") {
					t.Errorf("list: %v (hint %q)", err, fault.HintOf(err))
				}
			}
		})
	}
}

// TestCopyOfAChangedSource changes the source between the look at it and the copy.
func TestCopyOfAChangedSource(t *testing.T) {
	s, memory := open(t)
	for _, ifAbsent := range []bool{false, true} {
		if err := s.Put(t.Context(), "v1/a", publishtest.Blob("content"), html); err != nil {
			t.Fatal(err)
		}
		var once atomic.Bool
		memory.Fault = func(r *http.Request) (int, string) {
			if r.Header.Get("X-Amz-Copy-Source") != "" && once.CompareAndSwap(false, true) {
				if err := s.Put(t.Context(), "v1/a", publishtest.Blob("changed"), html); err != nil {
					t.Error(err)
				}
			}
			return 0, ""
		}
		meta := html
		meta.IfAbsent = ifAbsent
		if err := s.Copy(t.Context(), "v1/a", "v2/a", publishtest.Blob("content").SHA256, meta); !errors.Is(err, publish.ErrNotFound) {
			t.Errorf("copy: %v, want ErrNotFound", err)
		}
		memory.Fault = nil
		if _, _, err := s.Get(t.Context(), "v2/a"); !errors.Is(err, publish.ErrNotFound) {
			t.Errorf("get the copy: %v", err)
		}
	}
}

// TestObjectsOfOthers reads what was stored without the metadata of Put.
func TestObjectsOfOthers(t *testing.T) {
	s, memory := open(t)
	memory.Store("site", "theirs", "content")
	o, err := describe(t, s, "theirs")
	if err != nil || o.SHA256 != "" || o.Size != 7 {
		t.Errorf("got %+v, %v", o, err)
	}
	if err := s.Copy(t.Context(), "theirs", "v1/a", publishtest.Blob("content").SHA256, html); !errors.Is(err, publish.ErrNotFound) {
		t.Errorf("copy what has no digest: %v", err)
	}
}
