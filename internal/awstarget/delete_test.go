package awstarget_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// remove deletes the site as the command does: what it would remove is told first.
func (b *bed) remove(opts hosting.DeleteOptions, r *recorder) (hosting.Doomed, hosting.Removed, error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
	defer cancel()
	doomed, err := b.hosting().Doomed(ctx, opts)
	if err != nil {
		return doomed, hosting.Removed{}, err
	}
	removed, err := b.hosting().Delete(ctx, opts, r)
	return doomed, removed, err
}

// bucket is the name of a bucket of the site's stack.
func (b *bed) bucket(resource string) string {
	return strings.ToLower(b.site.Name() + "-" + resource + "-x")
}

// deletedText is what a user reads of a deletion.
func (b *bed) deletedText(r *recorder, doomed hosting.Doomed, removed hosting.Removed, err error) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d releases at %s\n", doomed.Releases, doomed.URL)
	for _, list := range []struct {
		name  string
		items []string
	}{{"removes", doomed.Removes}, {"leaves", doomed.Leaves}, {"note", doomed.Notes}} {
		for _, item := range list.items {
			fmt.Fprintf(&out, "%s: %s\n", list.name, item)
		}
	}
	for line := range strings.Lines(r.String()) {
		if !strings.HasPrefix(line, "   ") || strings.Contains(line, "earlier operation") {
			out.WriteString(line)
		}
	}
	for _, item := range removed.Removed {
		fmt.Fprintf(&out, "removed: %s\n", item)
	}
	for _, item := range removed.Left {
		fmt.Fprintf(&out, "left: %s\n", item)
	}
	if err != nil {
		fmt.Fprintf(&out, "error (kind %d): %v\nhint: %s\n", fault.KindOf(err), err, fault.HintOf(err))
	}
	text := strings.ReplaceAll(out.String(), b.repo, "PROJECT")
	return sizes.ReplaceAllString(uuids.ReplaceAllString(text, "ID"), "(SIZE)")
}

// sizes are the sizes of buckets, which depend on how the programs were built.
var sizes = regexp.MustCompile(`\([0-9.]+ [kMG]?B\)`)

// deletion is a state that a deletion may meet.
type deletion struct {
	// bare says that there is no stack before arrange, whole that the site was deployed with its pipeline and a release;
	// otherwise it is the stack of the first phase, which takes less time.
	bare, whole bool
	arrange     func(b *bed)
	opts        hosting.DeleteOptions
	// gone says that the stack is to be gone at the end.
	gone bool
}

func status(name string) func(b *bed) {
	return func(b *bed) { b.account.SetStatus(b.site.Name(), name) }
}

func denied(service, operation string) func(b *bed) {
	return func(b *bed) {
		b.account.Do(func() {
			b.account.Fault = func(s, o string) *double.Fault {
				if s != service || o != operation {
					return nil
				}
				code := "AccessDeniedException"
				if s == "cloudformation" {
					code = "AccessDenied"
				}
				return &double.Fault{Status: 403, Code: code, Message: "User: arn:aws:iam::123456789012:user/dana is not authorized to perform: " + s + ":" + o}
			}
		})
	}
}

const inUse = "Resource handler returned message: \"The specified key value store is in use by function other.\" (HandlerErrorCode: GeneralServiceException)"

// failing makes the deletion of a resource fail.
func failing(resource, why string) func(b *bed) {
	return func(b *bed) { b.account.Do(func() { b.account.FailDelete[resource] = why }) }
}

var deletions = map[string]deletion{
	"complete":     {whole: true, arrange: func(*bed) {}, gone: true},
	"not deployed": {bare: true, arrange: func(*bed) {}, gone: true},
	"review in progress": {bare: true, gone: true, arrange: func(b *bed) {
		b.account.AddStack(b.site.Name(), "REVIEW_IN_PROGRESS", map[string]string{stack.TagSite: b.site.Name()})
	}},
	"rollback complete":        {bare: true, gone: true, arrange: func(b *bed) { states["rollback complete"].arrange(b) }},
	"rollback failed":          {arrange: status("ROLLBACK_FAILED"), gone: true},
	"create failed":            {arrange: status("CREATE_FAILED"), gone: true},
	"update failed":            {arrange: status("UPDATE_FAILED"), gone: true},
	"update rollback failed":   {arrange: status("UPDATE_ROLLBACK_FAILED"), gone: true},
	"update rollback complete": {arrange: status("UPDATE_ROLLBACK_COMPLETE"), gone: true},
	"another operation":        {arrange: func(b *bed) { b.account.Busy(b.site.Name()) }, gone: true},
	"delete failed":            {arrange: status("DELETE_FAILED"), gone: true},
	"protected":                {arrange: func(b *bed) { b.account.Protect(b.site.Name(), true) }},
	"stack of another tool": {bare: true, arrange: func(b *bed) {
		b.account.AddStack(b.site.Name(), "CREATE_COMPLETE", map[string]string{"terraform": "yes"})
	}},
	"stack of another site": {bare: true, arrange: func(b *bed) {
		b.account.AddStack(b.site.Name(), "CREATE_COMPLETE", map[string]string{stack.TagSite: "other-12345678"})
	}},
	"in use":                       {arrange: failing("KeyValueStore", inUse)},
	"not disabled":                 {arrange: failing("Distribution", "Resource handler returned message: \"The distribution you are trying to delete has not been disabled. NotDisabled\"")},
	"policy attached":              {whole: true, arrange: failing("BuildRole", "Cannot delete entity, must detach all policies first. (Service: Iam, Status Code: 409) DeleteConflict")},
	"not allowed":                  {arrange: failing("Distribution", "Resource handler returned message: \"Access denied for operation 'AWS::CloudFront::Distribution'.\"")},
	"retained":                     {arrange: failing("KeyValueStore", inUse), opts: hosting.DeleteOptions{Retain: []string{"KeyValueStore"}}, gone: true},
	"unknown retained":             {arrange: func(*bed) {}, opts: hosting.DeleteOptions{Retain: []string{"KeyValueStor"}}},
	"may not delete":               {arrange: denied("cloudformation", "DeleteStack")},
	"may not look":                 {arrange: denied("cloudformation", "ListStackResources")},
	"stack may not be deleted":     {whole: true, arrange: refusing("cloudformation:DeleteStack", "iam:DeleteRole")},
	"resources may not be deleted": {arrange: refusing("cloudfront:DeleteFunction", "s3:DeleteBucket", "s3:CreateBucket")},
	"retained since not allowed":   {arrange: func(b *bed) { refusing("cloudfront:DeleteKeyValueStore")(b); failing("KeyValueStore", inUse)(b) }, opts: hosting.DeleteOptions{Retain: []string{"KeyValueStore"}}, gone: true},
	"stack with a role of its own": {arrange: func(b *bed) {
		refusing("s3:DeleteBucket")(b)
		b.account.ActAs(b.site.Name(), "arn:aws:iam::123456789012:role/cloudformation")
	}, gone: true},
	"identity center": {arrange: func(b *bed) {
		b.account.Standing.Who = "arn:aws:sts::" + double.AccountID + ":assumed-role/AWSReservedSSO_Admin_0123456789abcdef/dana"
	}, gone: true},
	"permissions may not be asked": {arrange: denied("iam", "SimulatePrincipalPolicy"), gone: true},
	"may not list executions":      {whole: true, arrange: denied("codepipeline", "ListPipelineExecutions")},
	"may not empty": {arrange: func(b *bed) {
		b.account.S3.Fault = func(r *http.Request) (int, string) {
			if r.URL.Query().Has("delete") {
				return http.StatusForbidden, "AccessDenied"
			}
			return 0, ""
		}
	}},
	"objects kept": {arrange: func(b *bed) {
		b.account.S3.Keep = func(key string) string {
			if strings.HasSuffix(key, "app.js") {
				return "AccessDenied"
			}
			return ""
		}
	}},
	"throttled": {arrange: func(b *bed) {
		b.set("max_attempts", "1")
		b.account.Fault = func(service, operation string) *double.Fault {
			if operation == "DeleteStack" {
				return &double.Fault{Code: "Throttling", Message: "Rate exceeded"}
			}
			return nil
		}
	}},
	"zip files stay": {bare: true, arrange: zipSite, gone: true},
	"zip files go":   {bare: true, arrange: zipSite, opts: hosting.DeleteOptions{Uploads: true}, gone: true},
	// The same site may live in another region, too: its buckets have names that begin alike, and are nobody's leftovers.
	"older bucket": {gone: true, arrange: func(b *bed) {
		b.account.S3.Add(b.bucket("HostingBucket") + "-older")
		b.account.S3.Add(b.bucket("HostingBucket") + "-live-elsewhere")
		b.account.S3.Move(b.bucket("HostingBucket")+"-live-elsewhere", s3server.Elsewhere{Region: "us-east-1"})
	}},
}

// zipSite is the stack of a site that is fed by zip files, with a source bucket of its own and one such file in it.
func zipSite(b *bed) { b.phase1("s3", "SourceBucket", "in/site.zip") }

// phase1 makes the stack without its pipeline, and puts an object into one of its buckets.
func (b *bed) phase1(source, bucket, key string) {
	b.t.Helper()
	in, err := template.For(b.site)
	if err != nil {
		b.t.Fatal(err)
	}
	in.Parameters[template.ParamSourceType] = source
	text, err := template.Render(in)
	if err != nil {
		b.t.Fatal(err)
	}
	cfg := aws.Config{Region: double.Region, BaseEndpoint: aws.String(b.account.URL()), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	s := &stack.Stack{API: cloudformation.NewFromConfig(cfg), Name: b.site.Name(), Region: double.Region, Pace: time.Millisecond}
	plan, err := s.Plan(b.t.Context(), stack.State{}, stack.Wanted{Template: text, Parameters: in.Parameters, Tags: map[string]string{stack.TagSite: s.Name}})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := s.Apply(b.t.Context(), plan, &recorder{}); err != nil {
		b.t.Fatal(err)
	}
	b.account.S3.Store(b.bucket(bucket), key, "x")
}

// Every state has a sentence and a way out, or is removed: the goldens hold what the user reads.
func TestDelete(t *testing.T) {
	t.Parallel()
	for name, d := range deletions {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, false)
			b.account.CompleteNew(1)
			switch {
			case d.whole:
				if _, err := b.deploy(&recorder{}); err != nil {
					t.Fatal(err)
				}
			case !d.bare:
				b.phase1("git", "HostingBucket", "v1/assets/app.js")
			}
			d.arrange(b)
			r := &recorder{}
			doomed, removed, err := b.remove(d.opts, r)
			golden.Check(t, "delete-"+strings.ReplaceAll(name, " ", "-")+".txt", b.deletedText(r, doomed, removed, err))
			if got := b.account.Status(b.site.Name()) == ""; got != d.gone {
				t.Errorf("the stack is gone: %t, want %t", got, d.gone)
			}
		})
	}
}

// UPSTREAM's defect 28: the stack goes, and the command breaks on what went with it; the bucket stays. Here nothing stays of
// what was made, and deleting once more says so.
func TestDefect28_NothingStays(t *testing.T) {
	b := newBed(t, false)
	b.account.CompleteNew(1)
	if _, err := b.deploy(&recorder{}); err != nil {
		t.Fatal(err)
	}
	for i := range 2_500 {
		b.account.S3.Store(b.bucket("HostingBucket"), fmt.Sprintf("old/%d", i), "x")
		b.account.S3.Store(b.bucket("ArtifactBucket"), "again", "x")
	}
	b.account.S3.Remove(b.bucket("ArtifactBucket"), "again")
	b.account.S3.Begin(b.bucket("ArtifactBucket"), "unfinished")
	r := &recorder{}
	if _, _, err := b.remove(hosting.DeleteOptions{}, r); err != nil {
		t.Fatalf("%v\n%s", err, r)
	}
	for _, resource := range []string{"HostingBucket", "ArtifactBucket"} {
		if n := b.account.S3.Entries(b.bucket(resource)); n != -1 {
			t.Errorf("%s is left, with %d keys", resource, n)
		}
	}
	if !strings.Contains(r.String(), "resources done") {
		t.Errorf("no progress by resource:\n%s", r)
	}
	if _, _, err := b.remove(hosting.DeleteOptions{}, r); fault.KindOf(err) != fault.NotDeployed {
		t.Errorf("deleting again: %v", err)
	}
	// The project is as it was: it deploys anew.
	if _, err := b.deploy(&recorder{}); err != nil {
		t.Errorf("deploying again: %v", err)
	}
	b.account.Do(func() { checkPolicy(t, b.account.Requests) })
}

// A build that runs is ended, and what it had still written is removed.
func TestDeleteStopsWhatRuns(t *testing.T) {
	b := newBed(t, false)
	b.account.CompleteNew(1)
	b.write(site.Folder+"/"+site.BuildFile, "version: 0.2\nphases:\n  build:\n    commands:\n      - echo begun\n      - exec sleep 600\nartifacts:\n  files: ['**/*']\n")
	b.commit("slow")
	if _, err := b.hosting().Deploy(t.Context(), hosting.DeployOptions{NoWait: true}, &recorder{}); err != nil {
		t.Fatal(err)
	}
	// A push waits behind the build that runs.
	b.commit("second")
	b.account.Push("Alice/hello")
	for !b.account.Building() {
		if _, err := b.hosting().Execution(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	late := &recorder{}
	late.told = func(detail string) {
		if strings.HasPrefix(detail, "CloudFormation is deleting") && b.account.Count("cloudformation DeleteStack") == 0 {
			b.account.S3.Store(b.bucket("ArtifactBucket"), "late", "x")
		}
	}
	_, removed, err := b.remove(hosting.DeleteOptions{}, late)
	if err != nil {
		t.Fatalf("%v\n%s", err, late)
	}
	if text := strings.Join(removed.Removed, "\n"); !strings.Contains(text, "2 executions that had not ended") {
		t.Errorf("removed: %s", text)
	}
	if n := b.account.Count("codebuild StopBuild"); n != 1 {
		t.Errorf("%d builds were stopped", n)
	}
	if n := b.account.Count("cloudformation DeleteStack"); n != 2 {
		t.Errorf("the stack's deletion was begun %d times, want 2: something was written after the first emptying", n)
	}
	b.account.Do(func() { checkPolicy(t, b.account.Requests) })
}

// A deletion that is cut off at any place goes on when it is run again.
func TestDeleteCutOff(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"looking at what there is", "emptying", "CloudFormation is deleting", "resources done"} {
		t.Run(at, func(t *testing.T) {
			b := newBed(t, false)
			b.phase1("git", "HostingBucket", "v1/index.html")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cut := &recorder{told: func(detail string) {
				if strings.Contains(detail, at) {
					cancel()
				}
			}}
			_, err := b.hosting().Delete(ctx, hosting.DeleteOptions{}, cut)
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("it was not cut off: %v\n%s", err, cut)
			}
			if !strings.Contains(fault.HintOf(err), "run delete again") {
				t.Errorf("no way out: %v, %q", err, fault.HintOf(err))
			}
			r := &recorder{}
			if _, _, err := b.remove(hosting.DeleteOptions{}, r); err != nil {
				t.Fatalf("%v\n%s", err, r)
			}
			if got := b.account.Status(b.site.Name()); got != "" {
				t.Errorf("the stack is %s", got)
			}
		})
	}
}

// What stood in the way is gone: the deletion goes on with what is left.
func TestDeleteFailedIsContinued(t *testing.T) {
	b := newBed(t, false)
	b.phase1("git", "HostingBucket", "v1/index.html")
	failing("KeyValueStore", inUse)(b)
	if _, _, err := b.remove(hosting.DeleteOptions{}, &recorder{}); err == nil || !strings.Contains(err.Error(), "KeyValueStore") {
		t.Fatalf("error %v", err)
	}
	if got := b.account.Status(b.site.Name()); got != "DELETE_FAILED" {
		t.Fatalf("the stack is %s", got)
	}
	b.account.Do(func() { delete(b.account.FailDelete, "KeyValueStore") })
	if _, _, err := b.remove(hosting.DeleteOptions{}, &recorder{}); err != nil {
		t.Fatal(err)
	}
	if b.account.Has(b.site.Name(), "KeyValueStore") {
		t.Error("the key-value store is left")
	}
}
