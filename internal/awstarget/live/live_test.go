//go:build aws

package live

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// bed is an account with a stack of phase 1 in it, whose function answers questions about itself. It is made once, with the
// first test that needs it, and removed after the last.
type bed struct {
	account  *account.Account
	stack    *stack.Stack
	name     string
	params   map[string]string
	rendered []byte
	state    stack.State
	report   reporter
	err      error
}

var (
	once   sync.Once
	shared bed
)

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

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.account != nil {
		if err := shared.remove(context.Background()); err != nil {
			fmt.Fprintf(os.Stderr, "NOT REMOVED: stack %s: %v\n", shared.name, err)
			code = 1
		}
	}
	os.Exit(code)
}

// live returns the bed, or skips the test without credentials.
func live(t *testing.T) *bed {
	t.Helper()
	once.Do(func() { shared.err = shared.open(t) })
	if shared.account == nil {
		t.Skipf("no AWS account to ask: %v", shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return &shared
}

func (b *bed) open(t *testing.T) error {
	ctx := context.Background()
	a, err := account.Open(ctx, account.Options{})
	if err != nil {
		return err
	}
	b.account = a
	b.name = fmt.Sprintf("cht-live-%d", time.Now().Unix())
	b.stack = &stack.Stack{API: cloudformation.NewFromConfig(a.Config), Name: b.name, Region: a.Region}
	b.report = reporter{t}
	b.params = map[string]string{template.ParamSiteName: b.name, template.ParamPipelineName: b.name, template.ParamSourceType: "s3"}
	if b.rendered, err = template.Render(template.Input{FunctionCode: probe, Parameters: b.params}); err != nil {
		return err
	}
	plan, err := b.plan(ctx)
	if err != nil {
		return err
	}
	b.state, err = b.stack.Apply(ctx, plan, b.report)
	return err
}

func (b *bed) plan(ctx context.Context) (*stack.Plan, error) {
	return b.stack.Plan(ctx, b.state, stack.Wanted{
		Template: b.rendered, Parameters: b.params, Tags: map[string]string{stack.TagSite: b.name},
	})
}

// remove empties the buckets and deletes the stack.
func (b *bed) remove(ctx context.Context) error {
	api := s3.NewFromConfig(b.account.Config)
	for _, output := range []string{template.OutputHostingBucketName, template.OutputArtifactBucketName, template.OutputSourceBucketName} {
		name := b.state.Outputs[output]
		if name == "" {
			continue
		}
		pages := s3.NewListObjectVersionsPaginator(api, &s3.ListObjectVersionsInput{Bucket: &name})
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
			if _, err := api.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &name, Delete: &s3types.Delete{Objects: ids}}); err != nil {
				return err
			}
		}
	}
	if _, err := b.stack.API.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &b.name}); err != nil {
		return err
	}
	return cloudformation.NewStackDeleteCompleteWaiter(b.stack.API).Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &b.state.ID}, 30*time.Minute)
}

func (b *bed) url(path string) string {
	return "https://" + b.state.Outputs[template.OutputDistributionDomainName] + path
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
