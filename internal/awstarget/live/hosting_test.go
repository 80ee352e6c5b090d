package live

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pointer"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// hosting is a stack of phase 1, whose function answers questions about itself.
type hosting struct {
	*world
	stack  *stack.Stack
	wanted stack.Wanted
	state  stack.State
}

// probe is a viewer-request function that tells what it sees of /__probe/… and otherwise does what the toolkit's does.
const probe = `import cf from 'cloudfront';

const kvs = cf.kvs();

async function handler(event) {
  const request = event.request;
  if (request.uri.startsWith('/__probe/')) {
    return { statusCode: 200, headers: { 'x-uri': { value: request.uri } }, body: { encoding: 'text', data: request.uri } };
  }
  let release = 'none';
  try {
    release = await kvs.get('path');
  } catch (e) {
    return { statusCode: 503, statusDescription: 'no release' };
  }
  if (request.uri === '/__release') {
    return { statusCode: 200, body: { encoding: 'text', data: release } };
  }
  request.uri = '/' + release + request.uri;
  return request;
}
`

// hostingFacts are asked of one stack of phase 1.
var hostingFacts = map[string]func(*testing.T, *hosting){
	"Events":                     events,
	"OperationEvents":            operationEvents,
	"EmptyChangeSet":             emptyChangeSet,
	"PercentEncodedPath":         percentEncodedPath,
	"FunctionResponse":           functionResponse,
	"ErrorPage":                  errorPage,
	"PointerSpread":              pointerSpread,
	"PutIfAbsent":                putIfAbsent,
	"CopyIfAbsent":               copyIfAbsent,
	"CompleteMultipartIfAbsent":  completeMultipartIfAbsent,
	"CopyTellsChecksum":          copyTellsChecksum,
	"ETagAfterEqualUpdate":       etagAfterEqualUpdate,
	"ReadAfterWriteOfThePointer": readAfterWriteOfThePointer,
}

func TestHosting(t *testing.T) {
	h := &hosting{world: open(t)}
	name := fmt.Sprintf("cht-live-%d", time.Now().Unix())
	h.stack = h.world.stack(name)
	params := map[string]string{template.ParamSiteName: name, template.ParamPipelineName: name, template.ParamSourceType: "s3"}
	rendered, err := template.Render(template.Input{FunctionCode: probe, Parameters: params})
	if err != nil {
		t.Fatal(err)
	}
	h.wanted = stack.Wanted{Template: rendered, Parameters: params, Tags: map[string]string{stack.TagSite: name}}
	h.removeAfter(t, name)
	plan, err := h.stack.Plan(t.Context(), h.state, h.wanted)
	if err != nil {
		t.Fatal(err)
	}
	if h.state, err = h.stack.Apply(t.Context(), plan, reporter{t}); err != nil {
		t.Fatal(err)
	}
	id := h.state.Outputs[template.OutputDistributionID]
	api, begun := cloudfront.NewFromConfig(h.account.Config), time.Now()
	h.until(t, "distribution that is spread", func() bool {
		out, err := api.GetDistribution(t.Context(), &cloudfront.GetDistributionInput{Id: &id})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.Distribution.Status) == "Deployed"
	})
	t.Logf("the distribution was spread %s after the stack was done", time.Since(begun).Round(time.Second))
	for _, facts := range []map[string]func(*testing.T, *hosting){hostingFacts, hostingFactsOfAWS} {
		for _, name := range slices.Sorted(maps.Keys(facts)) {
			t.Run(name, func(t *testing.T) { facts[name](t, h) })
		}
	}
}

func (h *hosting) url(path string) string {
	return "https://" + h.state.Outputs[template.OutputDistributionDomainName] + path
}

func (h *hosting) pointer() *pointer.Pointer {
	return pointer.Open(h.account.Config, h.state.Outputs[template.OutputKeyValueStoreArn])
}

func (h *hosting) store() *bucket.Store {
	return bucket.Open(h.account.Config, h.state.Outputs[template.OutputHostingBucketName])
}

func (h *hosting) put(t *testing.T, key, text string, ifAbsent bool) error {
	t.Helper()
	blob := publish.Blob{Size: int64(len(text)), SHA256: digest(text), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	return h.store().Put(t.Context(), key, blob, publish.Meta{ContentType: "text/html", IfAbsent: ifAbsent})
}

func (h *hosting) swap(t *testing.T, release string) {
	t.Helper()
	p := h.pointer()
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

// The first event of an operation is the stack's own, by which package stack finds where it begins.
func events(t *testing.T, h *hosting) {
	var statuses []string
	pages := cloudformation.NewDescribeStackEventsPaginator(h.stack.API, &cloudformation.DescribeStackEventsInput{StackName: &h.stack.Name})
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

// DescribeStacks tells the ids of the operations, and DescribeEvents the events of one by its id alone, each resource's among
// them with its status.
func operationEvents(t *testing.T, h *hosting) {
	out, err := h.stack.API.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &h.stack.Name})
	if err != nil {
		t.Fatal(err)
	}
	seen, found := map[string]bool{}, false
	for _, o := range out.Stacks[0].LastOperations {
		if o.OperationType != types.OperationTypeCreateStack {
			continue
		}
		found = true
		pages := cloudformation.NewDescribeEventsPaginator(h.stack.API, &cloudformation.DescribeEventsInput{OperationId: o.OperationId})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.OperationEvents {
				t.Logf("%s %s %s %s %s", e.Timestamp, e.EventType, aws.ToString(e.LogicalResourceId), e.ResourceStatus, e.DetailedStatus)
				seen[aws.ToString(e.LogicalResourceId)] = seen[aws.ToString(e.LogicalResourceId)] || e.ResourceStatus == types.ResourceStatusCreateComplete
			}
		}
	}
	if !found || !seen["Distribution"] || !seen["HostingBucket"] || !seen[h.stack.Name] {
		t.Errorf("operations %+v, done by their events: %v", out.Stacks[0].LastOperations, seen)
	}
}

// A change set without a change is recognised.
func emptyChangeSet(t *testing.T, h *hosting) {
	plan, err := h.stack.Plan(t.Context(), h.state, h.wanted)
	if err != nil || len(plan.Changes) != 0 {
		t.Errorf("plan %+v, %v", plan, err)
	}
}

// The function sees the path as the viewer sent it.
func percentEncodedPath(t *testing.T, h *hosting) {
	for _, path := range []string{"/__probe/a%20b", "/__probe/%C3%A4", "/__probe/a%2Fb", "/__probe/a+b"} {
		if _, body := h.get(t, h.url(path)); body != path {
			t.Errorf("%s is %s to the function", path, body)
		}
	}
}

// What a function answers itself gets no headers of the response headers policy.
func functionResponse(t *testing.T, h *hosting) {
	res, _ := h.get(t, h.url("/__probe/x"))
	if v := res.Header.Get("Strict-Transport-Security"); v != "" {
		t.Errorf("the policy's headers are there: %q", v)
	}
	if res.Header.Get("X-Uri") != "/__probe/x" {
		t.Errorf("the function's own headers are not: %v", res.Header)
	}
}

// A missing file is a 404 with the error page, and the function does not run for the fetch of that page: it would put a
// release before its path, where there is none.
func errorPage(t *testing.T, h *hosting) {
	const page = "<title>our own page</title>"
	if err := h.put(t, "_errors/404.html", page, false); err != nil {
		t.Fatal(err)
	}
	h.swap(t, "r1")
	h.until(t, "release r1 at the edge", func() bool { _, body := h.get(t, h.url("/__release")); return body == "r1" })
	res, body := h.get(t, h.url("/missing-"+time.Now().Format("150405")+".js"))
	if res.StatusCode != http.StatusNotFound || body != page {
		t.Errorf("status %d, body %q", res.StatusCode, body)
	}
}

// The pointer spreads within seconds.
func pointerSpread(t *testing.T, h *hosting) {
	want := "r" + time.Now().Format("150405")
	h.swap(t, want)
	begun := time.Now()
	h.until(t, "release "+want+" at the edge", func() bool { _, body := h.get(t, h.url("/__release")); return body == want })
	t.Logf("spread to this edge after %s", time.Since(begun).Round(100*time.Millisecond))
}
