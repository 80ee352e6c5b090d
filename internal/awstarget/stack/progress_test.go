package stack

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

func TestProgress(t *testing.T) {
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	of := func(after time.Duration, name, typ string, status types.ResourceStatus) event {
		return event{resource: name, typ: typ, status: status, physical: "p", stack: "s", at: begun.Add(after)}
	}
	const distribution = "AWS::CloudFront::Distribution"
	events := []event{
		of(0, "Bucket", "AWS::S3::Bucket", types.ResourceStatusCreateInProgress),
		of(time.Second, "Distribution", distribution, types.ResourceStatusCreateInProgress),
		of(2*time.Second, "Role", "AWS::IAM::Role", types.ResourceStatusCreateInProgress),
		of(3*time.Second, "Bucket", "AWS::S3::Bucket", types.ResourceStatusCreateComplete),
	}
	tests := map[string]struct {
		events []event
		total  int
		now    time.Duration
		want   string
	}{
		"nothing yet":  {nil, 8, 0, ""},
		"one begun":    {events[:1], 8, time.Second, "0 of 8 resources done; waiting for Bucket"},
		"not known":    {events[:1], 0, time.Second, "0 of 1 resources done; waiting for Bucket"},
		"several":      {events, 8, 5 * time.Second, "1 of 8 resources done; waiting for Distribution and 1 more (CloudFront is spreading it to its edge locations, which takes minutes)"},
		"for a while":  {events, 8, 131 * time.Second, "1 of 8 resources done; waiting for Distribution and 1 more for 2m10s (CloudFront is spreading it to its edge locations, which takes minutes)"},
		"all are done": {append(events[:1:1], events[3]), 1, time.Minute, "1 of 1 resources done"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := progress(tc.events, tc.total, begun.Add(tc.now)); got != tc.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestTable(t *testing.T) {
	p := Plan{Changes: []Change{
		{Kind: Add, Resource: "Pipeline", Type: "AWS::CodePipeline::Pipeline", Causes: []string{"x"}},
		{Kind: Modify, Resource: "ViewerRequestFunction", Type: "AWS::CloudFront::Function", Causes: []string{"FunctionCode"}},
		{Kind: MayReplace, Resource: "Distribution", Type: "AWS::CloudFront::Distribution", Causes: []string{"DistributionConfig", "tags"}},
		{Kind: Replace, Resource: "KeyValueStore", Type: "AWS::CloudFront::KeyValueStore", Causes: []string{"Name"}},
		{Kind: Remove, Resource: "Rule", Type: "AWS::Events::Rule"},
	}}
	want := strings.TrimPrefix(`
add          Pipeline               AWS::CodePipeline::Pipeline
change       ViewerRequestFunction  AWS::CloudFront::Function       FunctionCode
MAY REPLACE  Distribution           AWS::CloudFront::Distribution   DistributionConfig, tags
REPLACE      KeyValueStore          AWS::CloudFront::KeyValueStore  Name
REMOVE       Rule                   AWS::Events::Rule
`, "\n")
	if got := p.Table(); got != want {
		t.Errorf("got:\n%s", got)
	}
	if got := p.Summary(); got != "1 to add, 1 to change, 1 that may be REPLACED, 1 to REPLACE, 1 to REMOVE" {
		t.Errorf("summary %q", got)
	}
	if got := (&Plan{}).Summary(); got != "nothing to change" {
		t.Errorf("summary %q", got)
	}
}
