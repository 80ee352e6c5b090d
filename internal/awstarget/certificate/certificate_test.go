package certificate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
)

const siteName = "hello-12345678"

var own = map[string]string{certificate.TagSite: siteName}

func open(a *double.Account) *certificate.Certificates {
	cfg := aws.Config{Region: double.Region, BaseEndpoint: aws.String(a.URL()), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	c := certificate.Open(cfg, siteName)
	c.Pace = time.Millisecond
	return c
}

// Each way in which ACM gives a request up has a sentence and a way out.
func TestProblems(t *testing.T) {
	var text strings.Builder
	tell := func(one certificate.Certificate) {
		one.ARN, one.Names = "arn:aws:acm:us-east-1:123456789012:certificate/1", []string{"example.com", "www.example.com"}
		err := certificate.Problem(one)
		fmt.Fprintf(&text, "%s %s\n  %v\n  hint: %s\n\n", one.Status, one.Failure, err, strings.ReplaceAll(fault.HintOf(err), "\n", "\n        "))
		if err == nil || fault.HintOf(err) == "" {
			t.Errorf("%s %s: no way out", one.Status, one.Failure)
		}
	}
	for _, reason := range types.FailureReason("").Values() {
		if !strings.HasPrefix(string(reason), "PCA_") { // of private authorities, which the tool asks for nothing
			tell(certificate.Certificate{Status: types.CertificateStatusFailed, Failure: reason})
		}
	}
	tell(certificate.Certificate{Status: types.CertificateStatusFailed, Failure: types.FailureReasonCaaError, Validations: []certificate.Validation{
		{Domain: "example.com", Status: types.DomainStatusSuccess}, {Domain: "www.example.com", Status: types.DomainStatusFailed},
	}})
	for _, status := range types.CertificateStatus("").Values() {
		switch status {
		case types.CertificateStatusFailed:
		case types.CertificateStatusIssued, types.CertificateStatusPendingValidation:
			if err := certificate.Problem(certificate.Certificate{Status: status}); err != nil {
				t.Errorf("%s: %v", status, err)
			}
		default:
			tell(certificate.Certificate{Status: status})
		}
	}
	golden.Check(t, "problems.txt", text.String())
}

// held is a certificate of an account.
type held struct {
	names             []string
	status, kind, key string
	tags              map[string]string
}

// Defect 25: every page and every kind of key is read, and only what can be served with is taken.
func TestDefect25_Find(t *testing.T) {
	names := []string{"www.example.com", "example.com"}
	rest := held{[]string{"other.net"}, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil}
	tests := map[string]struct {
		held []held
		want int // its index, or -1
	}{
		"none":                        {nil, -1},
		"on a later page":             {[]held{rest, rest, rest, {names, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil}}, 3},
		"elliptic curve":              {[]held{{names, "ISSUED", "AMAZON_ISSUED", "EC_prime256v1", nil}}, 0},
		"long key":                    {[]held{{names, "ISSUED", "IMPORTED", "RSA_4096", nil}}, 0},
		"curve CloudFront lacks":      {[]held{{names, "ISSUED", "AMAZON_ISSUED", "EC_secp384r1", nil}}, -1},
		"one name missing":            {[]held{{names[:1], "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil}}, -1},
		"wildcard without the apex":   {[]held{{[]string{"*.example.com"}, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil}}, -1},
		"wildcard and apex":           {[]held{{[]string{"Example.com", "*.example.com"}, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil}}, 0},
		"of a private authority":      {[]held{{names, "ISSUED", "PRIVATE", "RSA_2048", nil}}, -1},
		"expired":                     {[]held{{names, "EXPIRED", "AMAZON_ISSUED", "RSA_2048", nil}}, -1},
		"failed":                      {[]held{{names, "FAILED", "AMAZON_ISSUED", "RSA_2048", own}}, -1},
		"somebody else's pending":     {[]held{{names, "PENDING_VALIDATION", "AMAZON_ISSUED", "RSA_2048", nil}}, -1},
		"own pending":                 {[]held{{names, "PENDING_VALIDATION", "AMAZON_ISSUED", "RSA_2048", own}}, 0},
		"own pending for more names":  {[]held{{append([]string{"old.example.com"}, names...), "PENDING_VALIDATION", "AMAZON_ISSUED", "RSA_2048", own}}, -1},
		"issued before own pending":   {[]held{{names, "PENDING_VALIDATION", "AMAZON_ISSUED", "RSA_2048", own}, {names, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil}}, 1},
		"own before others":           {[]held{{names, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil}, {names, "ISSUED", "AMAZON_ISSUED", "RSA_2048", own}}, 1},
		"ACM's before imported ones":  {[]held{{names, "ISSUED", "IMPORTED", "RSA_2048", nil}, {names, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil}}, 1},
		"another site's pending tags": {[]held{{names, "PENDING_VALIDATION", "AMAZON_ISSUED", "RSA_2048", map[string]string{certificate.TagSite: "other"}}}, -1},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			a := double.New(t)
			want := ""
			for i, h := range tc.held {
				arn := a.AddCertificate(h.names, h.status, h.kind, h.key, h.tags)
				if i == tc.want {
					want = arn
				}
			}
			found, ok, err := open(a).Find(t.Context(), names)
			if err != nil || ok != (want != "") || ok && found.ARN != want {
				t.Errorf("found %s, %t, %v; want %q", found.ARN, ok, err, want)
			}
			if n := a.Count("acm RequestCertificate"); n != 0 {
				t.Errorf("looking asked for %d certificates", n)
			}
		})
	}
}

// A request that ACM answers with a certificate that is gone is made once more; and so is one whose certificate has failed.
func TestRequestAgain(t *testing.T) {
	names := []string{"example.com"}
	a := double.New(t)
	c := open(a)
	one, err := c.Request(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(t.Context(), one.ARN); err != nil {
		t.Fatal(err)
	}
	two, err := c.Request(t.Context(), names)
	if err != nil || two.ARN == one.ARN || two.Validations[0].Name == "" {
		t.Fatalf("after it was deleted: %+v, %v", two, err)
	}
	a.SetCertificates("FAILED")
	three, err := c.Request(t.Context(), names)
	if err != nil || three.ARN == two.ARN || !three.Pending() {
		t.Errorf("after it has failed: %+v, %v", three, err)
	}
	failed, err := c.Failed(t.Context(), names)
	if err != nil || len(failed) != 1 || failed[0].ARN != two.ARN {
		t.Errorf("failed before: %+v, %v", failed, err)
	}
}

// A name of more than 64 characters cannot come first in a certificate, and may come after.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("long.", 13) + "example.com"
	a := double.New(t)
	one, err := open(a).Request(t.Context(), []string{long, "www.example.com"})
	if err != nil || one.Names[0] != "www.example.com" || one.Names[1] != long {
		t.Errorf("names %q, %v", one.Names, err)
	}
	if _, err := open(a).Request(t.Context(), []string{long}); fault.KindOf(err) != fault.Usage {
		t.Errorf("only a long one: %v", err)
	}
}

// What is in use stays, and is told apart from what cannot be deleted.
func TestInUse(t *testing.T) {
	a := double.New(t)
	arn := a.AddCertificate([]string{"example.com"}, "ISSUED", "AMAZON_ISSUED", "RSA_2048", own)
	a.Fault = func(_, operation string) *double.Fault {
		if operation == "DeleteCertificate" {
			return &double.Fault{Code: "ResourceInUseException", Message: "Certificate is in use."}
		}
		return nil
	}
	if err := open(a).Delete(t.Context(), arn); !errors.Is(err, certificate.ErrInUse) || fault.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
}

// Defect 28: a certificate that the tool has not asked for is never deleted.
func TestDefect28_OfOthersStays(t *testing.T) {
	a := double.New(t)
	for _, tags := range []map[string]string{nil, {certificate.TagSite: "other-12345678"}} {
		arn := a.AddCertificate([]string{"example.com"}, "ISSUED", "AMAZON_ISSUED", "RSA_2048", tags)
		if err := open(a).Delete(t.Context(), arn); err == nil || a.Certificates()[arn] == "" {
			t.Errorf("tags %v: %v", tags, err)
		}
	}
	if n := a.Count("acm DeleteCertificate"); n != 0 {
		t.Errorf("%d deletions were asked for", n)
	}
}

// The wait says which names it is for, and can be left.
func TestAwait(t *testing.T) {
	a := double.New(t)
	a.AddZone("example.com", false)
	record, value := double.Validation("example.com")
	a.AddRecord(a.Zone("example.com"), record, "CNAME", value)
	c := open(a)
	one, err := c.Request(t.Context(), []string{"example.com", "example.org"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var words string
	_, err = c.Await(ctx, one, func(now string) { words = now; cancel() })
	if !errors.Is(err, context.Canceled) || !strings.Contains(fault.HintOf(err), "run deploy again") {
		t.Errorf("left: %v", err)
	}
	if words != "waiting for ACM to validate example.org (example.com is validated)" {
		t.Errorf("it said %q", words)
	}
	if got := one.Waiting(90 * time.Second); !strings.HasSuffix(got, ", 1m30s so far") {
		t.Errorf("after a while: %q", got)
	}
}
