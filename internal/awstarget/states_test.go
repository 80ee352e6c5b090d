package awstarget_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// state is a state that a deployment may meet.
type state struct {
	// arrange makes it, on a bed with an account in which connections are completed at the second look.
	arrange func(b *bed)
	// first says that the site is deployed before arrange.
	first bool
	// alone says that the credentials are the environment's.
	alone bool
	yes   bool
	// refuse is what the reporter answers questions with, if it is not nil.
	refuse error
	// opts changes the deployment's options.
	opts func(*awstarget.Options)
}

// states are those that issue B names, and those that a deployment meets beside them.
var states = map[string]state{
	"rollback complete": {arrange: func(b *bed) {
		b.account.FailResource["Distribution"] = "Resource handler returned message: \"Invalid request provided\""
		if _, err := b.deploy(&recorder{}); err == nil {
			b.t.Fatal("the first deployment succeeded")
		}
		b.account.Do(func() { delete(b.account.FailResource, "Distribution") })
	}},
	"creation fails": {arrange: func(b *bed) {
		b.account.FailResource["Distribution"] = "Resource handler returned message: \"Invalid request provided\""
	}},
	"review in progress": {arrange: func(b *bed) {
		b.account.AddStack(b.site.Name(), "REVIEW_IN_PROGRESS", map[string]string{stack.TagSite: b.site.Name()})
	}},
	"update rollback failed": {first: true, arrange: func(b *bed) { b.account.SetStatus(b.site.Name(), "UPDATE_ROLLBACK_FAILED") }},
	"update rollback stuck": {first: true, arrange: func(b *bed) {
		b.account.SetStatus(b.site.Name(), "UPDATE_ROLLBACK_FAILED")
		b.account.StuckRollback = true
	}},
	"update fails": {first: true, arrange: func(b *bed) {
		b.changeFunction()
		b.account.FailResource["ViewerRequestFunction"] = "Resource handler returned message: \"The function is not valid\""
	}},
	"no updates":       {first: true, arrange: func(*bed) {}},
	"function differs": {first: true, arrange: func(b *bed) { b.changeFunction() }},
	"stack of another tool": {arrange: func(b *bed) {
		b.account.AddStack(b.site.Name(), "CREATE_COMPLETE", map[string]string{"terraform": "yes"})
	}},
	"stack of another site": {arrange: func(b *bed) {
		b.account.AddStack(b.site.Name(), "CREATE_COMPLETE", map[string]string{stack.TagSite: "other-12345678"})
	}},
	"region without connections": {opts: func(o *awstarget.Options) { o.Region = "eu-central-2" }, arrange: func(*bed) {}},
	"region without builds":      {opts: func(o *awstarget.Options) { o.Region = "ca-west-1" }, arrange: func(*bed) {}},
	"delete failed":              {first: true, arrange: func(b *bed) { b.account.SetStatus(b.site.Name(), "DELETE_FAILED") }},
	"throttled": {arrange: func(b *bed) {
		b.set("max_attempts", "1")
		b.account.Fault = func(service, operation string) *double.Fault {
			if operation == "CreateChangeSet" {
				return &double.Fault{Code: "Throttling", Message: "Rate exceeded"}
			}
			return nil
		}
	}},
	"quota in the stack": {arrange: func(b *bed) {
		b.account.FailResource["Distribution"] = "Resource handler returned message: \"Your request to create a distribution would exceed the maximum number of distributions allowed (Service: CloudFront, Status Code: 400) TooManyDistributions\""
	}},
	"quota of connections": {arrange: func(b *bed) {
		b.account.Fault = func(service, operation string) *double.Fault {
			if operation == "CreateConnection" {
				return &double.Fault{Code: "LimitExceededException", Message: "You have reached the maximum number of connections."}
			}
			return nil
		}
	}},
	"name taken": {arrange: func(b *bed) {
		b.account.FailResource["KeyValueStore"] = "Resource handler returned message: \"KeyValueStore with name hello already exists\" (HandlerErrorCode: AlreadyExists)"
	}},
	"checks object": {arrange: func(b *bed) {
		b.account.Objects["KeyValueStore"] = "Resource of type 'AWS::CloudFront::KeyValueStore' with identifier 'hello' already exists."
	}},
	"checks object to an update": {first: true, arrange: func(b *bed) {
		b.changeFunction()
		b.account.Objects["ViewerRequestFunction"] = "Property FunctionCode is too long."
	}},
	"checks object and nobody may ask": {arrange: func(b *bed) {
		b.account.Objects["KeyValueStore"] = "Resource of type 'AWS::CloudFront::KeyValueStore' with identifier 'hello' already exists."
		b.account.Fault = func(_, operation string) *double.Fault {
			if operation == "DescribeEvents" {
				return &double.Fault{Status: 403, Code: "AccessDenied", Message: "not authorized to perform: cloudformation:DescribeEvents"}
			}
			return nil
		}
	}},
	"not allowed": {arrange: func(b *bed) {
		b.account.Fault = func(service, operation string) *double.Fault {
			if operation == "CreateChangeSet" {
				return &double.Fault{Status: 403, Code: "AccessDenied", Message: "User: arn:aws:iam::123456789012:user/dana is not authorized to perform: cloudformation:CreateChangeSet"}
			}
			return nil
		}
	}},
	"expired credentials": {alone: true, arrange: func(b *bed) {
		b.account.Fault = func(service, operation string) *double.Fault {
			if service == "codeconnections" {
				return &double.Fault{Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}
			}
			return nil
		}
	}},
	"replacement declined": {first: true, arrange: replaceDistribution},
	"replacement without a terminal": {first: true, arrange: replaceDistribution,
		refuse: fault.New(fault.Usage, "give --yes to say yes", "this needs a confirmation, and the input is not a terminal")},
	"replacement accepted": {first: true, arrange: replaceDistribution, yes: true},
	"unknown connection":   {arrange: func(*bed) {}, opts: func(o *awstarget.Options) { o.Connection = "nobody" }},
	"connection in error":  {first: true, arrange: func(b *bed) { b.account.SetConnections("ERROR") }},
	"origin here": {arrange: func(b *bed) {
		b.configure(`{"repoUrl": "https://github.com/Alice/hello.git", "branchName": "main", "target": "aws", "behaviours": [{"path": "/api/*", "origin": "http://localhost:3000"}]}`)
	}},
	"repository elsewhere": {arrange: func(b *bed) {
		b.configure(`{"repoUrl": "https://git.example.com/alice/hello.git", "branchName": "main", "target": "aws"}`)
	}},
	"repository here": {arrange: func(b *bed) { b.configure(`{"repoUrl": ".", "branchName": "main", "target": "aws"}`) }},
	"broken function": {arrange: func(b *bed) {
		b.write(site.Folder+"/"+site.FunctionFile, "async function handler(event) { return event.request")
	}},
	"failing function": {first: true, arrange: func(b *bed) {
		b.write(site.Folder+"/"+site.FunctionFile, strings.ReplaceAll(customFunction, "kvs.get('path')", "kvs.get('pfad')"))
	}},
	"build fails": {first: true, arrange: func(b *bed) {
		b.write(site.Folder+"/"+site.BuildFile, "version: 0.2\nphases:\n  build:\n    commands: ['echo oh no', 'exit 3']\nartifacts:\n  files: ['**/*']\n")
		b.commit("broken")
	}},
	"quota of builds": {first: true, arrange: func(b *bed) {
		b.account.Do(func() {
			b.account.FailBuild = "Cannot have more than 1 builds in queue for the account"
		})
	}},
	"roles not spread": {arrange: func(b *bed) {
		b.account.FailOnce = true
		b.account.FailBuild = "User: arn:aws:sts::123456789012:assumed-role/x is not authorized to perform: codebuild:StartBuild"
	}},
	"another operation": {first: true, arrange: func(b *bed) { b.account.Busy(b.site.Name()) }},
	"branch gone":       {first: true, arrange: func(b *bed) { b.git("branch", "-m", "main", "trunk") }},
}

func replaceDistribution(b *bed) {
	b.account.Replaces["Distribution"], b.account.Replaces["ViewerRequestFunction"] = true, true
	b.configure(`{"repoUrl": "https://github.com/Alice/hello.git", "branchName": "main", "routing": "spa", "target": "aws", "keepReleases": 5}`)
	b.changeFunction()
	b.account.Force("Distribution")
}

func (b *bed) changeFunction() {
	b.write(site.Folder+"/"+site.FunctionFile, strings.ReplaceAll(customFunction, "VERSION", "2"))
}

const customFunction = `import cf from 'cloudfront';

const kvs = cf.kvs();

// VERSION
async function handler(event) {
  const request = event.request;
  const release = await kvs.get('path');
  const uri = request.uri.includes('.') ? request.uri : '/index.html';
  request.uri = '/' + release + uri;
  return request;
}
`

func (b *bed) configure(text string) {
	b.write(site.Folder+"/"+site.ConfigFile, text)
	b.load()
}

// Every state has a sentence and a way out, or is mended: the goldens hold what the user reads.
func TestStates(t *testing.T) {
	for name, s := range states {
		t.Run(name, func(t *testing.T) {
			b := bedFor(t, s.alone)
			b.account.CompleteNew(2)
			if s.first {
				r := &recorder{}
				if _, err := b.deploy(r); err != nil {
					t.Fatalf("%v\n%s", err, r)
				}
			}
			s.arrange(b)
			if s.opts != nil {
				s.opts(&b.opts)
			}
			r := &recorder{yes: s.yes, refuse: s.refuse}
			deployed, err := b.deploy(r)
			golden.Check(t, "state-"+strings.ReplaceAll(name, " ", "-")+".txt", b.told(r, deployed, err))
		})
	}
}

// told is what a user gets to read, without what differs from run to run.
func (b *bed) told(r *recorder, deployed hosting.Deployed, err error) string {
	var out strings.Builder
	inBuild := false
	for line := range strings.Lines(r.String()) {
		if strings.HasPrefix(line, "== ") {
			inBuild = line == "== Build\n" || line == "== Release\n" || line == "== Source\n"
		}
		detail := strings.HasPrefix(line, "   ")
		if detail && !strings.Contains(line, "earlier operation") || inBuild && !strings.HasPrefix(line, "== ") && !strings.HasPrefix(line, "!! ") {
			continue // how it goes on in between depends on the time
		}
		out.WriteString(line)
	}
	if err != nil {
		fmt.Fprintf(&out, "error (kind %d): %v\nhint: %s\n", fault.KindOf(err), err, fault.HintOf(err))
	} else {
		fmt.Fprintf(&out, "done: %s\n", deployed.Execution.Status)
	}
	text := strings.ReplaceAll(out.String(), b.repo, "PROJECT")
	return uuids.ReplaceAllString(text, "ID")
}

var uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4000-8000-[0-9a-f]{12}`)

// A deployment that is cut off at any place goes on when it is run again, and ends like one that was not.
func TestCutOff(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"working out", "resources done", "waiting for you", "Linux program", "waiting until", "spreading"} {
		t.Run(at, func(t *testing.T) {
			b := newBed(t, false)
			b.account.Do(func() { b.account.Spread = 2 })
			if at != "waiting for you" {
				b.account.CompleteNew(2)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cut := &recorder{told: func(detail string) {
				if strings.Contains(detail, at) {
					cancel()
				}
			}}
			if _, err := b.hosting().Deploy(ctx, hosting.DeployOptions{}, cut); err == nil {
				t.Fatalf("it was not cut off:\n%s", cut)
			} else if fault.HintOf(err) == "" && !errors.Is(err, context.Canceled) {
				t.Errorf("no way out: %v", err)
			}
			b.account.CompleteAll()
			r := &recorder{}
			deployed, err := b.deploy(r)
			if err != nil {
				t.Fatalf("%v\nfirst:\n%s\nsecond:\n%s", err, cut, r)
			}
			if _, body := b.get(deployed.URL); body != "<title>version one</title>" {
				t.Errorf("the site answers %q", body)
			}
			if n := b.account.Count("codeconnections CreateConnection"); n != 1 {
				t.Errorf("%d connections were made", n)
			}
		})
	}
}
