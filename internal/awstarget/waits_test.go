package awstarget_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/connection"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// What only somebody else can do is waited for as long as the options say: the error tells what is missing, and deploy goes on
// from there.
func TestWaitLimit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		names   string
		arrange func(b *bed)
		says    []string
		mend    func(b *bed)
	}{
		"a connection that nobody completes": {
			arrange: func(b *bed) { b.account.CompleteNew(1 << 30) },
			says:    []string{"connection cht-alice-0071d056 to GitHub is not completed yet: it has taken 20ms", "complete it at https://", "run deploy again"},
			mend:    func(b *bed) { b.account.CompleteAll() },
		},
		"a certificate that nobody proves": {
			names:   beta,
			arrange: connected,
			says:    []string{"stopped waiting for the certificate for beta.example.com: it has taken 20ms", "it needs these DNS records:", "the site is live at https://"},
			mend: func(b *bed) {
				makeProofs(b)
				atAnotherProvider(b, "beta.example.com", b.distribution())
			},
		},
		"a record that nobody makes": {
			names:   beta,
			arrange: func(b *bed) { connected(b); makeProofs(b) },
			says:    []string{"stopped waiting for https://beta.example.com/ (no DNS record of beta.example.com is seen from here yet): it has taken 20ms", "make its DNS record", "the site is live at https://"},
			mend:    func(b *bed) { atAnotherProvider(b, "beta.example.com", b.distribution()) },
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, false)
			b.account.CompleteNew(1)
			b.opts.DNS, b.opts.WaitLimit = b.account.Resolver(), 20*time.Millisecond
			b.names(tc.names)
			tc.arrange(b)
			r := &recorder{}
			_, err := b.deploy(r)
			for _, part := range tc.says {
				if err == nil || !strings.Contains(err.Error()+"\n"+fault.HintOf(err), part) {
					t.Errorf("%v\n%s\nwant %s", err, fault.HintOf(err), part)
				}
			}
			tc.mend(b)
			b.opts.WaitLimit = 0
			d, err := b.deploy(r)
			if err != nil {
				t.Fatalf("%v\n%s", err, r)
			}
			b.serves(d.URL, "<title>version one</title>")
		})
	}
}

// connected has the connection be there and completed, so that nothing is waited for before what a test is about: the wait is a
// short one, and the machine may be busy.
func connected(b *bed) {
	b.account.AddConnection(connection.Name(connection.Repository{Provider: "GitHub", ID: "Alice/hello"}), "GitHub", "AVAILABLE", nil)
}

// Names come to a site of zip files that has none yet as to any other: it is deployed, its names answer, and the first zip file
// is served under them.
func TestNamesBeforeTheFirstZipFile(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]int{"issued before the pipeline": 0, "issued after it": 60} {
		t.Run(name, func(t *testing.T) {
			b := zipBed(t, `{"siteName": "hello-12345678", "routing": "static", `+beta+`}`)
			b.opts.DNS = b.account.Resolver()
			exampleZone(b)
			b.account.Do(func() { b.account.CA.Slow = slow })
			r := &recorder{}
			d, err := b.deploy(r)
			if err != nil || d.URL != "https://beta.example.com/" || d.Execution.ID != "" || len(r.warnings) > 0 {
				t.Fatalf("%+v, %v\n%s", d, err, r)
			}
			if status, _ := b.get(d.URL); status != 503 {
				t.Errorf("without a release it answers %d", status)
			}
			own := b.ended("")
			b.account.Upload("hello-12345678-sourcebucket-x", "first.zip", page("one"))
			if e := b.ended(own.ID); e.Status != hosting.Succeeded {
				t.Errorf("%+v", e)
			}
			b.serves(d.URL, "one")
		})
	}
}

// What zip files and the role of a CI add to a deployment can be cut off, too.
func TestCutOffOfZipFilesAndRoles(t *testing.T) {
	t.Parallel()
	zips := func(t *testing.T) *bed {
		b := zipBed(t, `{"s3bucket": "drop", "routing": "static"}`)
		b.account.S3.Add("drop")
		b.account.S3.Configure("drop", true, notifications("<EventBridgeConfiguration/>"))
		b.account.Upload("drop", "a.zip", page("<title>version one</title>"))
		return b
	}
	role := func(t *testing.T) *bed {
		b := newBed(t, false)
		b.account.CompleteNew(1)
		b.opts.CIRole = "github:Alice/hello"
		return b
	}
	tests := map[string]struct {
		bed   func(*testing.T) *bed
		first func(b *bed)
	}{
		"looking at bucket drop": {bed: zips},
		"releasing a.zip":        {bed: zips},
		"waiting for a zip file": {
			bed: func(t *testing.T) *bed { return zipBed(t, `{"siteName": "hello-12345678", "routing": "static"}`) },
			first: func(b *bed) {
				b.account.Upload("hello-12345678-sourcebucket-x", "a.zip", page("<title>version one</title>"))
			},
		},
		"identity provider":              {bed: role},
		"the toolkit's Linux program":    {bed: role},
		"resources done; waiting for Ci": {bed: role},
	}
	for at, tc := range tests {
		t.Run(at, func(t *testing.T) {
			b := tc.bed(t)
			b.account.Do(func() { b.account.Quick = !strings.Contains(at, "resources") })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cut := &recorder{told: func(detail string) {
				if strings.Contains(detail, at) {
					cancel()
				}
			}}
			if _, err := b.hosting().Deploy(ctx, hosting.DeployOptions{AwaitUpload: true}, cut); err == nil {
				t.Fatalf("it was not cut off:\n%s", cut)
			}
			if tc.first != nil {
				tc.first(b)
			}
			r := &recorder{}
			d, err := b.deploy(r)
			if err != nil {
				t.Fatalf("%v\nfirst:\n%s\nsecond:\n%s", err, cut, r)
			}
			b.serves(d.URL, "<title>version one</title>")
			if b.opts.CIRole != "" && (d.CIRole == nil || d.CIRole.ARN == "") {
				t.Error("there is no role for the CI")
			}
		})
	}
}

// Each quota that a deployment can meet has its sentence and its way out.
func TestQuotas(t *testing.T) {
	t.Parallel()
	reasons := map[string]string{
		"HostingBucket":         `"You have attempted to create more buckets than allowed (Service: S3, Status Code: 400) TooManyBuckets"`,
		"KeyValueStore":         `"EntityLimitExceeded (Service: CloudFront, Status Code: 400)"`,
		"OriginAccessControl":   `"The number of origin access controls exceeds the maximum allowed (Service: CloudFront, Status Code: 400) TooManyOriginAccessControls"`,
		"ViewerRequestFunction": `"You have reached the maximum number of CloudFront functions for this AWS account (Service: CloudFront, Status Code: 400) TooManyFunctions"`,
		"BuildRole":             `"Cannot exceed quota for RolesPerAccount: 1000 (Service: Iam, Status Code: 409)"`,
		"BuildProject":          `"Cannot exceed quota of 5000 projects (Service: AWSCodeBuild, Status Code: 400) AccountLimitExceededException"`,
		"Pipeline":              `"Exceeded the maximum number of pipelines for this account (Service: CodePipeline, Status Code: 400) LimitExceededException"`,
		"certificate":           "Error: you have reached your limit of 2500 certificates",
	}
	resources := slices.Sorted(maps.Keys(reasons))
	texts := make([]string, len(resources))
	t.Run("met", func(t *testing.T) {
		for i, resource := range resources {
			t.Run(resource, func(t *testing.T) {
				err := quotaMet(newBed(t, false), resource, reasons[resource])
				texts[i] = fmt.Sprintf("%s\n  error (kind %d): %v\n  hint: %s\n", resource, fault.KindOf(err), err, strings.ReplaceAll(fault.HintOf(err), "\n", "\n  "))
			})
		}
	})
	golden.Check(t, "quotas.txt", uuids.ReplaceAllString(strings.Join(texts, ""), "ID"))
}

// quotaMet is the error of a deployment whose resource, or whose certificate, meets a quota.
func quotaMet(b *bed, resource, why string) error {
	b.t.Helper()
	b.account.CompleteNew(1)
	b.opts.DNS = b.account.Resolver()
	b.account.Do(func() { b.account.Quick = true })
	if resource == "certificate" {
		b.names(beta)
		b.account.Fault = func(_, operation string) *double.Fault {
			if operation == "RequestCertificate" {
				return &double.Fault{Code: "LimitExceededException", Message: why}
			}
			return nil
		}
	} else {
		b.account.FailResource[resource] = "Resource handler returned message: " + why
	}
	_, err := b.deploy(&recorder{})
	if err == nil {
		b.t.Fatalf("%s: it was deployed", resource)
	}
	return err
}
