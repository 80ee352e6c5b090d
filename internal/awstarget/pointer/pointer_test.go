package pointer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/kvs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pointer"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish/publishtest"
)

// service is a key-value store service that is being served.
type service struct {
	*kvs.Server
	config aws.Config
	stores atomic.Int32
}

func serve(t *testing.T) *service {
	t.Helper()
	s := &service{Server: kvs.New(t.Errorf)}
	front := httptest.NewServer(s)
	t.Cleanup(front.Close)
	s.config = aws.Config{Region: "eu-west-1", BaseEndpoint: &front.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "token")}
	return s
}

// arn makes a store and returns its ARN.
func (s *service) arn() string {
	arn := fmt.Sprintf("arn:aws:cloudfront::123456789012:key-value-store/1b9d6bcd-bbfd-4b2d-9b5d-%012d", s.stores.Add(1))
	s.AddStore(arn)
	return arn
}

func TestContract(t *testing.T) {
	variants := map[string]func(*kvs.Server){
		"version counts updates":       func(*kvs.Server) {},
		"version follows from content": func(s *kvs.Server) { s.ContentVersions = true },
	}
	for name, set := range variants {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			set(s.Server)
			publishtest.TestPointer(t, func(*testing.T) publish.Pointer { return pointer.Open(s.config, s.arn()) })
		})
	}
}

// TestSwapReturnsWhenItIsSeen has the store show its old version for some time after an update.
func TestSwapReturnsWhenItIsSeen(t *testing.T) {
	s := serve(t)
	s.Lag = 3
	p := pointer.Open(s.config, s.arn())
	_, old, err := p.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Swap(t.Context(), old, publish.Live{Release: "v1"}); err != nil {
		t.Fatal(err)
	}
	if live, version, err := p.Read(t.Context()); err != nil || version == old || live.Release != "v1" {
		t.Errorf("read %+v, version %q (was %q), %v", live, version, old, err)
	}
}

// TestNeverSettling has the store show its old version for ever; the caller gives up.
func TestNeverSettling(t *testing.T) {
	s := serve(t)
	s.Lag = 1 << 30
	p := pointer.Open(s.config, s.arn())
	_, old, err := p.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := p.Swap(ctx, old, publish.Live{Release: "v1"}); !errors.Is(err, context.DeadlineExceeded) || fault.HintOf(err) == "" {
		t.Errorf("swap: %v", err)
	}
}

func TestOtherKeysStay(t *testing.T) {
	s := serve(t)
	arn := s.arn()
	publishtest.OtherKeys(t, pointer.Open(s.config, arn), func(key, value string) { s.Set(arn, key, value) }, func(key string) (string, bool) {
		values, _, _ := s.Values(arn)
		v, ok := values[key]
		return v, ok
	})
}

func TestUpstreamsStoreIsUnderstood(t *testing.T) {
	s := serve(t)
	arn := s.arn()
	s.Set(arn, "path", "0a1b2c3")
	live, version, err := pointer.Open(s.config, arn).Read(t.Context())
	if err != nil || version == "" || live != (publish.Live{Release: "0a1b2c3"}) {
		t.Errorf("read %+v, %q, %v", live, version, err)
	}
}

func TestDamagedStoreIsMendedBySwap(t *testing.T) {
	s := serve(t)
	arn := s.arn()
	p := pointer.Open(s.config, arn)
	for key, value := range map[string]string{"path": "v2", "previous": "v1", "startedAt": "yesterday"} {
		s.Set(arn, key, value)
	}
	live, version, err := p.Read(t.Context())
	if !errors.Is(err, publish.ErrDamaged) || live.Release != "v2" || live.Previous != "v1" {
		t.Fatalf("read %+v, %v", live, err)
	}
	next := publish.Live{Release: "v3", Previous: "v2", StartedAt: time.Unix(1_700_000_000, 0).UTC()}
	if err := p.Swap(t.Context(), version, next); err != nil {
		t.Fatal(err)
	}
	if live, _, err := p.Read(t.Context()); err != nil || live != next {
		t.Errorf("read %+v, %v", live, err)
	}
}

func TestErrors(t *testing.T) {
	tests := map[string]struct {
		shape string
		gone  bool
		kind  fault.Kind
	}{
		"no store":       {gone: true, kind: fault.NotDeployed},
		"no permission":  {shape: "AccessDeniedException"},
		"internal error": {shape: "InternalServerException"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			s.config.RetryMaxAttempts = 1
			arn := s.arn()
			if test.gone {
				s.RemoveStore(arn)
			}
			s.Fault = func(string) string { return test.shape }
			_, _, err := pointer.Open(s.config, arn).Read(t.Context())
			if err == nil || fault.KindOf(err) != test.kind || test.kind == fault.NotDeployed && fault.HintOf(err) == "" || strings.Contains(fault.HintOf(err), "UpdateKeys") {
				t.Errorf("%v (kind %v, hint %q)", err, fault.KindOf(err), fault.HintOf(err))
			}
		})
	}
}

// TestPassingErrorsAreRetried has every third request fail for a passing reason.
func TestPassingErrorsAreRetried(t *testing.T) {
	s := serve(t)
	s.config.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	}
	var n atomic.Int32
	s.Fault = func(string) string {
		if n.Add(1)%3 == 0 {
			return "InternalServerException"
		}
		return ""
	}
	p := pointer.Open(s.config, s.arn())
	for i := range 3 {
		_, version, err := p.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Swap(t.Context(), version, publish.Live{Release: fmt.Sprintf("v%d", i)}); err != nil {
			t.Fatal(err)
		}
	}
}

// A read costs three requests, whatever is in a store of one page, and is right in one of several.
func TestRequestsOfARead(t *testing.T) {
	for name, others := range map[string]int{"empty": 0, "one page": 40, "several pages": 120} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			arn := s.arn()
			for i := range others {
				s.Set(arn, fmt.Sprintf("flag-%03d", i), "on")
			}
			p := pointer.Open(s.config, arn)
			_, version, err := p.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Swap(t.Context(), version, publish.Live{Release: "v2", Previous: "v1"}); err != nil {
				t.Fatal(err)
			}
			var requests atomic.Int32
			s.Fault = func(string) string { requests.Add(1); return "" }
			live, _, err := p.Read(t.Context())
			if err != nil || live.Release != "v2" || live.Previous != "v1" {
				t.Errorf("read %+v, %v", live, err)
			}
			if n := requests.Load(); others <= 40 && n != 3 || n > 7 {
				t.Errorf("%d requests", n)
			}
		})
	}
}
