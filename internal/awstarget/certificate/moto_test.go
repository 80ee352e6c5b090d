package certificate_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/acm"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
)

// The life of a certificate on moto, which was written by others: asked for, found again while it is pending, awaited, reused,
// and deleted by the site that it is of only.
func TestLifeOnMoto(t *testing.T) {
	t.Setenv("MOTO_ACM_VALIDATION_WAIT", "0") // moto issues what is pending at a later look
	cfg := aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(s3server.StartMoto(t).Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}
	c := certificate.Open(cfg, "hello-12345678")
	c.Pace = time.Millisecond
	names := []string{"example.com", "www.example.com"}
	one, err := c.Request(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	if !one.Own || !one.Covers(names) || one.Covers([]string{"example.org"}) {
		t.Errorf("asked for %v, got %+v", names, one)
	}
	for _, v := range one.Validations {
		if v.Name == "" || v.Value == "" || v.Name[len(v.Name)-1] == '.' {
			t.Errorf("validation %+v", v)
		}
	}
	again, err := c.Request(t.Context(), names)
	if err != nil || again.ARN != one.ARN {
		t.Errorf("asked again: %s, %v, want %s: the idempotency token is not the same", again.ARN, err, one.ARN)
	}
	issued, err := c.Await(t.Context(), one, func(string) {})
	if err != nil || !issued.Issued() {
		t.Fatalf("awaited %+v, %v", issued, err)
	}
	found, ok, err := c.Find(t.Context(), names[1:])
	if err != nil || !ok || found.ARN != one.ARN || !found.Own {
		t.Errorf("found %+v, %t, %v", found, ok, err)
	}
	if _, ok, err := c.Find(t.Context(), []string{"example.org"}); ok || err != nil {
		t.Errorf("found one for a name that none covers: %v", err)
	}
	elsewhere := acm.NewFromConfig(cfg)
	if list, err := elsewhere.ListCertificates(t.Context(), &acm.ListCertificatesInput{}); err != nil || len(list.CertificateSummaryList) != 0 {
		t.Errorf("a certificate in the stack's region: %v, %v", list, err)
	}
	deletedByItsSite(t, cfg, c, one)
}

func deletedByItsSite(t *testing.T, cfg aws.Config, c *certificate.Certificates, one certificate.Certificate) {
	t.Helper()
	other := certificate.Open(cfg, "other-87654321")
	if owned, err := other.Owned(t.Context()); err != nil || len(owned) != 0 {
		t.Errorf("another site owns %v, %v", owned, err)
	}
	if err := other.Delete(t.Context(), one.ARN); err == nil || errors.Is(err, certificate.ErrInUse) {
		t.Errorf("another site deleted it: %v", err)
	}
	// moto gives every name the same record; another site's certificate for one of them needs it, too.
	if mine, err := c.Exclusive(t.Context(), one, cfg); err != nil || len(mine) == 0 {
		t.Errorf("exclusive records %v, %v", mine, err)
	}
	shared, err := other.Request(t.Context(), []string{"www.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	mine, err := c.Exclusive(t.Context(), one, cfg)
	if err != nil || slices.ContainsFunc(mine, func(v certificate.Validation) bool { return v.Name == shared.Validations[0].Name }) {
		t.Errorf("exclusive records %v, %v, and %s is another one's, too", mine, err, shared.Validations[0].Name)
	}
	owned, err := c.Owned(t.Context())
	if err != nil || len(owned) != 1 || owned[0].ARN != one.ARN {
		t.Fatalf("owned %v, %v", owned, err)
	}
	for range 2 { // the second time it is gone
		if err := c.Delete(t.Context(), one.ARN); err != nil {
			t.Error(err)
		}
	}
}
