package live

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pace"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// world is where the questions are asked.
type world struct {
	account *account.Account
	// viewer asks the distributions.
	viewer *http.Client
	// pace is the time between two looks.
	pace time.Duration
	// program returns the Linux program of the release step.
	program func() string
	// repository is the address of a repository that a connection of the account reaches; empty if there is none.
	repository string
	// zone is a domain with a public hosted zone in the account, in which a name may be made; empty if there is none.
	zone string
	// resolver asks public DNS; the machine's if it is nil.
	resolver awstarget.Resolver
	// push makes a new commit in the repository; nil where only its owner can.
	push func() (commit string)
}

// patience is how long anything may take.
const patience = 30 * time.Minute

// until looks again until found says that it is there, and fails the test if it never is.
func (w *world) until(t *testing.T, what string, found func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !found(); {
		if time.Now().After(deadline) {
			t.Fatalf("no %s after %s", what, patience)
		}
		if err := pace.Wait(t.Context(), w.pace); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) stack(name string) *stack.Stack {
	return &stack.Stack{API: cloudformation.NewFromConfig(w.account.Config), Name: name, Region: w.account.Region, Pace: w.pace}
}

// removeAfter removes a stack with everything in it when the test has ended, however it did: it is called before the stack
// is made. The test's own context has ended by then.
func (w *world) removeAfter(t *testing.T, name string) {
	t.Helper()
	t.Logf("stack %s in account %s, region %s", name, w.account.ID, w.account.Region)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := w.remove(ctx, w.stack(name)); err != nil {
			t.Errorf("NOT REMOVED, do it by hand: stack %s in account %s, region %s: %v", name, w.account.ID, w.account.Region, err)
		}
	})
}

// remove empties the stack's buckets and deletes it.
func (w *world) remove(ctx context.Context, s *stack.Stack) error {
	state, err := s.Describe(ctx)
	for ; err == nil && state.Busy(); state, err = s.Describe(ctx) {
		if err := pace.Wait(ctx, w.pace); err != nil {
			return err
		}
	}
	if err != nil || state.ID == "" {
		return err
	}
	for _, output := range []string{template.OutputHostingBucketName, template.OutputArtifactBucketName, template.OutputSourceBucketName} {
		if err := w.empty(ctx, state.Outputs[output]); err != nil {
			return err
		}
	}
	if _, err := s.API.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &state.ID}); err != nil {
		return err
	}
	for {
		out, err := s.API.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &state.ID})
		if err != nil {
			return err
		}
		switch status := string(out.Stacks[0].StackStatus); {
		case status == "DELETE_COMPLETE":
			return nil
		case status == "DELETE_FAILED":
			return fmt.Errorf("%s: %s", status, *out.Stacks[0].StackStatusReason)
		}
		if err := pace.Wait(ctx, w.pace); err != nil {
			return err
		}
	}
}

// empty removes every version of every object of a bucket; "" is no bucket.
func (w *world) empty(ctx context.Context, bucket string) error {
	if bucket == "" {
		return nil
	}
	api := w.s3()
	pages := s3.NewListObjectVersionsPaginator(api, &s3.ListObjectVersionsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		var ids []s3types.ObjectIdentifier
		for _, v := range page.Versions {
			ids = append(ids, s3types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, v := range page.DeleteMarkers {
			ids = append(ids, s3types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		if len(ids) == 0 {
			continue
		}
		if _, err := api.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &s3types.Delete{Objects: ids}}); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) s3() *s3.Client {
	return s3.NewFromConfig(w.account.Config, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
}

// get asks a distribution, whose name may not be in DNS yet.
func (w *world) get(t *testing.T, url string) (res *http.Response, body string) {
	t.Helper()
	w.until(t, "answer of "+url, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err = w.viewer.Transport.RoundTrip(req); err != nil {
			return false
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		body = string(text)
		return err == nil
	})
	return res, body
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// reporter writes to the test's log.
type reporter struct{ t *testing.T }

func (r reporter) Step(name string)                  { r.t.Log("==", name) }
func (r reporter) Detail(format string, args ...any) { r.t.Logf(format, args...) }
func (r reporter) Warn(format string, args ...any)   { r.t.Logf("!! "+format, args...) }
func (r reporter) Output() io.Writer                 { return r }
func (r reporter) Confirm(string) (bool, error)      { return true, nil }
func (r reporter) Write(p []byte) (int, error) {
	r.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
