package removal

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/domain"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/teardown"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Whole deletions, in every state of a stack, are tested over the target's own room. What is here is what one decides on the way.

const (
	region  = "eu-west-1"
	stackID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/hello/1"
)

// resources are some of a stack, one of each sort that a deletion tells apart.
func resources() []stack.Resource {
	return []stack.Resource{
		{Name: hostingBucket, Type: typeBucket, ID: "hello-hostingbucket-1"},
		{Name: artifactBucket, Type: typeBucket, ID: "hello-artifactbucket-1"},
		{Name: sourceBucket, Type: typeBucket, ID: "hello-sourcebucket-1"},
		{Name: "Distribution", Type: "AWS::CloudFront::Distribution", ID: "E1"},
		{Name: "KeyValueStore", Type: "AWS::CloudFront::KeyValueStore", ID: "hello-eu-west-1"},
		{Name: "ViewerRequestFunction", Type: "AWS::CloudFront::Function", ID: "arn:aws:cloudfront::123456789012:function/hello-eu-west-1"},
		{Name: "BuildLogs", Type: "AWS::Logs::LogGroup", ID: "hello-BuildLogs-1"},
		{Name: "Pipeline", Type: typePipeline, ID: "hello"},
		{Name: "BuildRole", Type: "AWS::IAM::Role"}, // was never made
	}
}

// deleting is the deletion of a site whose stack has the resources, and nothing else to it.
func deleting(opts hosting.DeleteOptions) *deletion {
	h := hosted.New(&site.Site{}, hosted.Options{})
	h.Account = &account.Account{Region: region, ID: "123456789012", Partition: "aws"}
	return &deletion{
		Hosting: h, opts: opts, stack: &stack.Stack{Name: "hello", Region: region}, resources: resources(), made: domain.Made{},
		state: stack.State{ID: stackID, Status: types.StackStatusCreateComplete, Outputs: map[string]string{
			template.OutputKeyValueStoreArn: "arn:aws:cloudfront::123456789012:key-value-store/1"}},
	}
}

// A deletion may go on by itself only if each thing that is in its way is a bucket that was written to, or is to stay.
func TestCanGoOn(t *testing.T) {
	const full = "The bucket you tried to delete is not empty (Service: S3, Status Code: 409)"
	written := stack.Resource{Name: hostingBucket, Type: typeBucket, Why: full}
	store := stack.Resource{Name: "KeyValueStore", Type: "AWS::CloudFront::KeyValueStore", Why: "in use by function other"}
	tests := map[string]struct {
		failed []stack.Resource
		retain []string
		kept   int
		want   bool
	}{
		"a bucket that was written to":      {failed: []stack.Resource{written}, want: true},
		"by its code":                       {failed: []stack.Resource{{Name: hostingBucket, Type: typeBucket, Why: "BucketNotEmpty"}}, want: true},
		"a bucket for another reason":       {failed: []stack.Resource{{Name: hostingBucket, Type: typeBucket, Why: "Access Denied"}}},
		"another thing that is not empty":   {failed: []stack.Resource{{Name: "X", Type: "AWS::ECR::Repository", Why: full}}},
		"something else":                    {failed: []stack.Resource{store}},
		"something that is to stay":         {failed: []stack.Resource{store}, retain: []string{"KeyValueStore"}, want: true},
		"one of two is to stay":             {failed: []stack.Resource{store, {Name: "Distribution", Why: "?"}}, retain: []string{"KeyValueStore"}},
		"a bucket, and what is to stay":     {failed: []stack.Resource{written, store}, retain: []string{"KeyValueStore"}, want: true},
		"zip files that stay":               {failed: []stack.Resource{{Name: sourceBucket, Type: typeBucket, Why: "Access Denied"}}, kept: 1, want: true},
		"a source bucket without zip files": {failed: []stack.Resource{{Name: sourceBucket, Type: typeBucket, Why: "Access Denied"}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			d := deleting(hosting.DeleteOptions{Retain: tc.retain})
			d.kept.Objects = tc.kept
			if got := d.canGoOn(&stack.Stuck{Stack: "hello", Failed: tc.failed}); got != tc.want {
				t.Errorf("it goes on: %t", got)
			}
		})
	}
}

// CloudFormation takes the names of resources to leave only of those that it has failed to delete, and only from a stack that got
// stuck with them.
func TestToRetain(t *testing.T) {
	failed := func(d *deletion, names ...string) {
		for i := range d.resources {
			if slices.Contains(names, d.resources[i].Name) {
				d.resources[i].Status = types.ResourceStatusDeleteFailed
			}
		}
	}
	tests := map[string]struct {
		status types.StackStatus
		failed []string
		kept   int
		retain []string
		want   string
	}{
		"at the first time":             {types.StackStatusCreateComplete, nil, 0, []string{"KeyValueStore"}, ""},
		"not of a stack at rest":        {types.StackStatusUpdateComplete, []string{"KeyValueStore"}, 0, []string{"KeyValueStore"}, ""},
		"what failed and is to stay":    {types.StackStatusDeleteFailed, []string{"KeyValueStore", "Distribution"}, 0, []string{"KeyValueStore"}, "KeyValueStore"},
		"what is to stay and is gone":   {types.StackStatusDeleteFailed, []string{"Distribution"}, 0, []string{"KeyValueStore"}, ""},
		"a bucket with zip files in it": {types.StackStatusDeleteFailed, []string{sourceBucket}, 3, nil, sourceBucket},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			d := deleting(hosting.DeleteOptions{Retain: tc.retain})
			d.state.Status, d.kept.Objects = tc.status, tc.kept
			failed(d, tc.failed...)
			if got := strings.Join(d.stuckBefore(), ","); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// A bucket that stays keeps what is in it; one that was never made is not looked for.
func TestEmptied(t *testing.T) {
	tests := map[string]struct {
		opts hosting.DeleteOptions
		kept int
		none string
		want string
	}{
		"all":                      {want: "HostingBucket ArtifactBucket SourceBucket"},
		"with zip files":           {kept: 2, want: "HostingBucket ArtifactBucket"},
		"one that is retained":     {opts: hosting.DeleteOptions{Retain: []string{hostingBucket}}, want: "ArtifactBucket SourceBucket"},
		"zip files and a retained": {opts: hosting.DeleteOptions{Retain: []string{hostingBucket}}, kept: 1, want: "ArtifactBucket"},
		"one that was never made":  {none: artifactBucket, want: "HostingBucket SourceBucket"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			d := deleting(tc.opts)
			d.kept.Objects = tc.kept
			for i := range d.resources {
				if d.resources[i].Name == tc.none {
					d.resources[i].ID = ""
				}
			}
			var got []string
			for _, b := range d.emptied() {
				got = append(got, b[0])
				if b[1] != d.bucket(b[0]) {
					t.Errorf("bucket %s of %s", b[1], b[0])
				}
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestCheckRetain(t *testing.T) {
	tests := map[string]struct {
		retain []string
		gone   bool
		err    string
		hint   string
	}{
		"none":                        {},
		"one of them":                 {retain: []string{"Distribution"}},
		"misspelt":                    {retain: []string{"Distribution2"}, err: "stack hello has no resource Distribution2 to retain", hint: "did you mean Distribution?"},
		"something else":              {retain: []string{"Distribution", "Zzzz"}, err: "no resource Zzzz", hint: "its resources are HostingBucket, "},
		"of a stack that is gone now": {retain: []string{"Distribution"}, gone: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			d := deleting(hosting.DeleteOptions{Retain: tc.retain})
			if tc.gone {
				d.state, d.resources = stack.State{}, nil
			}
			err := d.checkRetain()
			if tc.err == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), tc.err) || !strings.Contains(fault.HintOf(err), tc.hint) {
				t.Errorf("%v\n%s", err, fault.HintOf(err))
			}
		})
	}
}

// IAM is asked about what is there and may not stay, under the names by which policies know it.
func TestActs(t *testing.T) {
	tests := map[string]struct {
		change func(d *deletion)
		has    []string
		not    []string
	}{
		"all": {change: func(*deletion) {}, has: []string{
			"cloudformation:DeleteStack " + stackID, "s3:DeleteBucket arn:aws:s3:::hello-sourcebucket-1",
			"cloudfront:DeleteDistribution arn:aws:cloudfront::123456789012:distribution/E1",
			"cloudfront:DeleteFunction arn:aws:cloudfront::123456789012:function/hello-eu-west-1",
			"cloudfront:DeleteKeyValueStore arn:aws:cloudfront::123456789012:key-value-store/1",
			"codepipeline:DeletePipeline arn:aws:codepipeline:eu-west-1:123456789012:hello",
		}, not: []string{"iam:", "logs:", "{"}},
		"a stack with a role of its own": {change: func(d *deletion) { d.state.Role = "arn:aws:iam::123456789012:role/cfn" },
			has: []string{"cloudformation:DeleteStack"}, not: []string{"s3:", "cloudfront:"}},
		"what is retained": {change: func(d *deletion) { d.opts.Retain = []string{"Distribution"} }, has: []string{"s3:DeleteBucket"}, not: []string{"Distribution"}},
		"zip files":        {change: func(d *deletion) { d.kept.Objects = 1 }, has: []string{"hello-hostingbucket-1"}, not: []string{"sourcebucket"}},
		"a store that has no outputs yet": {change: func(d *deletion) { d.state.Outputs = nil },
			has: []string{"cloudfront:DeleteFunction"}, not: []string{"DeleteKeyValueStore"}},
		"another partition": {change: func(d *deletion) { d.Account.Partition = "aws-cn" }, has: []string{"arn:aws-cn:s3:::hello-hostingbucket-1"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			d := deleting(hosting.DeleteOptions{})
			tc.change(d)
			var lines []string
			for _, a := range d.acts() {
				lines = append(lines, a.Action+" "+a.Resource)
			}
			text := strings.Join(lines, "\n")
			for _, part := range tc.has {
				if !strings.Contains(text, part) {
					t.Errorf("no %s in\n%s", part, text)
				}
			}
			for _, part := range tc.not {
				if strings.Contains(text, part) {
					t.Errorf("%s in\n%s", part, text)
				}
			}
		})
	}
}

// What may not be deleted can be left by name, unless it is the stack itself.
func TestRefusedResources(t *testing.T) {
	tests := map[string]struct {
		refused []string
		want    string
	}{
		"the distribution":        {[]string{"cloudfront:DeleteDistribution"}, "Distribution"},
		"every bucket":            {[]string{"s3:DeleteBucket"}, "HostingBucket,ArtifactBucket,SourceBucket"},
		"the stack":               {[]string{"cloudformation:DeleteStack", "s3:DeleteBucket"}, ""},
		"what is not there":       {[]string{"iam:DeleteRole"}, ""},
		"several, in their order": {[]string{"codepipeline:DeletePipeline", "cloudfront:UpdateDistribution"}, "Distribution,Pipeline"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(deleting(hosting.DeleteOptions{}).refusedResources(tc.refused), ","); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// Every reason of CloudFormation's that is known has a sentence and a way out; one that is not is told as it is.
func TestObstacle(t *testing.T) {
	tests := map[string]struct{ why, sentence, hint string }{
		"not empty":     {"The bucket you tried to delete is not empty", "something keeps writing to it: ", "stop whatever publishes"},
		"being changed": {"The distribution you are trying to delete has not been disabled. NotDisabled", "CloudFront was changing it: ", "wait a few minutes"},
		"old version":   {"The If-Match version is missing or not valid for the resource. InvalidIfMatchVersion", "CloudFront was changing it: ", "wait"},
		"in use":        {"The specified key value store is in use by function other.", "something else in the account uses it: ", "remove it from there"},
		"attached":      {"Cannot delete entity, must detach all policies first. DeleteConflict", "somebody attached something to it: ", "IAM console"},
		"locked":        {"Object Lock configuration prevents it", "objects in it are locked: ", "legal hold"},
		"not allowed":   {"User: dana is not authorized to perform: s3:DeleteBucket", "", "docs/aws-permissions.md"},
		"unknown":       {"who knows", "", ""},
		"none":          {"", "", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			sentence, hint := obstacle(tc.why)
			if !strings.HasPrefix(sentence, tc.sentence) || !strings.Contains(hint, tc.hint) || tc.hint == "" && hint != "" {
				t.Errorf("%q, %q", sentence, hint)
			}
		})
	}
}

// What a deletion got stuck with is named with its way out, and what can be left by name. CloudFormation may also not say which
// resource it was.
func TestExplainStuck(t *testing.T) {
	d := deleting(hosting.DeleteOptions{})
	known := d.explainStuck(&stack.Stuck{Stack: "hello", Failed: []stack.Resource{
		{Name: "KeyValueStore", Type: "AWS::CloudFront::KeyValueStore", ID: "hello-eu-west-1", Why: "in use by function other"},
		{Name: "BuildRole", Type: "AWS::IAM::Role", ID: "r", Why: "who knows"},
	}})
	for _, part := range []string{"because of 2 resources", "KeyValueStore (hello-eu-west-1): something else in the account uses it: in use", "BuildRole (r): who knows"} {
		if !strings.Contains(known.Error(), part) {
			t.Errorf("no %q in\n%v", part, known)
		}
	}
	if hint := fault.HintOf(known); !strings.Contains(hint, "KeyValueStore: remove it from there") || !strings.Contains(hint, "delete --retain KeyValueStore,BuildRole") {
		t.Errorf("hint\n%s", hint)
	}
	unknown := d.explainStuck(&stack.Stuck{Stack: "hello", Failed: []stack.Resource{{Name: "hello", Why: "the role was deleted"}}})
	if text := unknown.Error(); !strings.Contains(text, "is not deleted yet: the role was deleted") {
		t.Errorf("%s", text)
	}
	if hint := fault.HintOf(unknown); strings.Contains(hint, "--retain") || !strings.Contains(hint, "run delete again") || !strings.Contains(hint, "console") {
		t.Errorf("hint\n%s", hint)
	}
}

func TestWords(t *testing.T) {
	tests := map[string]struct {
		content teardown.Content
		want    string
	}{
		"nothing":    {teardown.Content{}, "0 objects"},
		"one":        {teardown.Content{Objects: 1, Bytes: 980}, "1 object (980 B)"},
		"markers":    {teardown.Content{Objects: 3}, "3 objects"},
		"many":       {teardown.Content{Objects: 50_000, Bytes: 2_000_000, More: true}, "more than 50,000 objects (2.0 MB)"},
		"an upload":  {teardown.Content{Objects: 2, Uploads: 1}, "2 objects and 1 unfinished upload"},
		"no objects": {teardown.Content{Uploads: 2}, "0 objects and 2 unfinished uploads"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := words(tc.content); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	d := deleting(hosting.DeleteOptions{})
	if got := d.stackWords(2); got != "stack hello with its 7 resources" {
		t.Errorf("%q", got)
	}
	if got := d.stackWords(len(d.resources)); got != "stack hello" {
		t.Errorf("%q", got)
	}
}
