//go:build aws

package live

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pointer"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// The stack was made in EXPRESS mode, by a change set that was given DisableRollback: false.
func TestExpressChangeSet(t *testing.T) {
	b := live(t)
	if b.state.Status != types.StackStatusCreateComplete {
		t.Errorf("status %s: %s", b.state.Status, b.state.Reason)
	}
	out, err := b.stack.API.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &b.name})
	if err != nil {
		t.Fatal(err)
	}
	if c := out.Stacks[0].DeploymentConfig; c == nil || c.Mode != types.DeploymentConfigModeExpress {
		t.Errorf("deployment config %+v", c)
	}
	if took := b.state.UpdatedAt.Sub(b.state.CreatedAt); took > 0 {
		t.Logf("the stack took %s", took)
	}
}

// The first event of an operation is the stack's own, by which package stack finds where it begins.
func TestEvents(t *testing.T) {
	b := live(t)
	var statuses []string
	pages := cloudformation.NewDescribeStackEventsPaginator(b.stack.API, &cloudformation.DescribeStackEventsInput{StackName: &b.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.StackEvents {
			if aws.ToString(e.ResourceType) == "AWS::CloudFormation::Stack" {
				statuses = append(statuses, string(e.ResourceStatus))
			}
		}
	}
	if got := strings.Join(statuses, " "); got != "CREATE_COMPLETE CREATE_IN_PROGRESS REVIEW_IN_PROGRESS" {
		t.Errorf("the stack's own events, newest first: %s", got)
	}
}

// A change set without a change is recognised.
func TestEmptyChangeSet(t *testing.T) {
	b := live(t)
	plan, err := b.plan(t.Context())
	if err != nil || len(plan.Changes) != 0 {
		t.Errorf("plan %+v, %v", plan, err)
	}
}

// deployed waits until the distribution is spread, and returns a release that is live.
func deployed(t *testing.T) *bed {
	t.Helper()
	b := live(t)
	id := b.state.Outputs[template.OutputDistributionID]
	waiter := cloudfront.NewDistributionDeployedWaiter(cloudfront.NewFromConfig(b.account.Config))
	begun := time.Now()
	if err := waiter.Wait(t.Context(), &cloudfront.GetDistributionInput{Id: &id}, 30*time.Minute); err != nil {
		t.Fatal(err)
	}
	t.Logf("the distribution was spread after %s more", time.Since(begun).Round(time.Second))
	return b
}

func (b *bed) pointer() *pointer.Pointer {
	return pointer.Open(b.account.Config, b.state.Outputs[template.OutputKeyValueStoreArn])
}

func (b *bed) store() *bucket.Store {
	return bucket.Open(b.account.Config, b.state.Outputs[template.OutputHostingBucketName])
}

func (b *bed) swap(t *testing.T, release string) {
	t.Helper()
	p := b.pointer()
	live, version, err := p.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Swap(t.Context(), version, publish.Live{Release: release, Previous: live.Release, StartedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := p.Swap(t.Context(), version, publish.Live{Release: "stale"}); !errors.Is(err, publish.ErrConflict) {
		t.Errorf("a swap with an old version: %v", err)
	}
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	var last error
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Second) {
		res, err := http.DefaultTransport.RoundTrip(req)
		if last = err; err != nil {
			continue // the name of a new distribution
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
	t.Fatal(last)
	return nil, ""
}

// The function sees the path as the viewer sent it.
func TestPercentEncodedPath(t *testing.T) {
	b := deployed(t)
	for _, path := range []string{"/__probe/a%20b", "/__probe/%C3%A4", "/__probe/a%2Fb", "/__probe/a+b"} {
		if _, body := get(t, b.url(path)); body != path {
			t.Errorf("%s is %s to the function", path, body)
		}
	}
}

// What a function answers itself gets no headers of the response headers policy.
func TestFunctionResponse(t *testing.T) {
	b := deployed(t)
	res, _ := get(t, b.url("/__probe/x"))
	if v := res.Header.Get("Strict-Transport-Security"); v != "" {
		t.Errorf("the policy's headers are there: %q", v)
	}
}

// A missing file is a 404 with the error page, and the function does not run for the fetch of that page.
func TestErrorPage(t *testing.T) {
	b := deployed(t)
	const page = "<title>our own page</title>"
	blob := publish.Blob{Size: int64(len(page)), SHA256: "", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(page)), nil }}
	blob.SHA256 = digest(page)
	if err := b.store().Put(t.Context(), "_errors/404.html", blob, publish.Meta{ContentType: "text/html"}); err != nil {
		t.Fatal(err)
	}
	b.swap(t, "r1")
	res, body := get(t, b.url("/missing-"+time.Now().Format("150405")+".js"))
	if res.StatusCode != http.StatusNotFound || body != page {
		t.Errorf("status %d, body %q", res.StatusCode, body)
	}
}

// The pointer spreads within seconds.
func TestPointerSpread(t *testing.T) {
	b := deployed(t)
	want := "r" + time.Now().Format("150405")
	b.swap(t, want)
	begun := time.Now()
	for time.Since(begun) < 2*time.Minute {
		if _, body := get(t, b.url("/__release")); body == want {
			t.Logf("spread to this edge after %s", time.Since(begun).Round(100*time.Millisecond))
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Errorf("not spread after two minutes")
}
