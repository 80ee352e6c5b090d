package awstarget_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/permission"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// atHost lets git read the bed's repository under its address at the Git host.
func (b *bed) atHost() {
	b.t.Helper()
	b.t.Setenv("GIT_CONFIG_GLOBAL", b.gitConfig())
	b.t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
}

func (b *bed) gitConfig() string {
	b.t.Helper()
	b.ownRepository()
	b.write("../gitconfig", "[url \""+b.repo+"\"]\n\tinsteadOf = https://github.com/Alice/hello.git\n")
	return b.repo + "/../gitconfig"
}

// quotas are those of a usual account.
func quotas() map[string]float64 {
	return map[string]float64{
		"Distributions per AWS account": 500, "Functions per AWS account": 100, "Key value stores per AWS account": 50,
		"Origin access controls per AWS account": 100, "General purpose buckets": 10000,
		"Concurrently running builds for Linux/Small environment": 60, "Something else": 1,
	}
}

// standings are situations that doctor is asked in: a golden file holds each.
var standings = map[string]struct {
	// first says that the site is deployed before arrange.
	first   bool
	arrange func(b *bed)
}{
	"fresh":   {arrange: func(*bed) {}},
	"healthy": {first: true, arrange: func(*bed) {}},
	"no credentials": {arrange: func(b *bed) {
		b.t.Setenv("AWS_ACCESS_KEY_ID", "")
		b.t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	}},
	"no region":                  {arrange: func(b *bed) { b.t.Setenv("AWS_REGION", "") }},
	"credentials expired":        {arrange: func(b *bed) { b.fault("sts GetCallerIdentity", "ExpiredToken") }},
	"region without connections": {arrange: func(b *bed) { b.opts.Region = "eu-central-2" }},
	"permissions missing": {arrange: func(b *bed) {
		b.account.Standing.Denied = []string{"cloudfront:CreateDistribution", "cloudfront:CreateFunction", "iam:CreateRole", "iam:PassRole",
			"codebuild:CreateProject", "codepipeline:CreatePipeline", "logs:CreateLogGroup", "s3:CreateBucket"}
	}},
	"nothing may be asked": {first: true, arrange: func(b *bed) {
		b.account.Do(func() {
			b.account.Fault = func(service, _ string) *double.Fault {
				if service == "sts" {
					return nil
				}
				return &double.Fault{Status: http.StatusForbidden, Code: "AccessDenied", Message: "User: dana is not authorized to perform this"}
			}
		})
	}},
	"root": {arrange: func(b *bed) { b.account.Standing.Who = "arn:aws:iam::" + double.AccountID + ":root" }},
	"a role": {arrange: func(b *bed) {
		b.account.Standing.Who = "arn:aws:sts::" + double.AccountID + ":assumed-role/deployer/dana"
	}},
	"identity center": {arrange: func(b *bed) {
		b.account.Standing.Who = "arn:aws:sts::" + double.AccountID + ":assumed-role/AWSReservedSSO_Admin_0123456789abcdef/dana"
	}},
	"quotas used up": {arrange: func(b *bed) {
		b.account.Standing.There = map[string]int{"ListDistributions": 500, "ListFunctions": 90, "ListKeyValueStores": 50, "ListOriginAccessControls": 7, "ListBuckets": 9999}
		b.account.Standing.Quotas["Concurrently running builds for Linux/Small environment"] = 0
	}},
	"quotas not told":   {arrange: func(b *bed) { b.fault("servicequotas ListServiceQuotas", "AccessDeniedException") }},
	"rollback complete": {arrange: func(b *bed) { b.stackIs("ROLLBACK_COMPLETE") }},
	"rollback stuck":    {first: true, arrange: func(b *bed) { b.account.SetStatus(b.site.Name(), "UPDATE_ROLLBACK_FAILED") }},
	"being changed": {first: true, arrange: func(b *bed) {
		b.account.Do(func() { b.account.Quick = false })
		b.account.Busy(b.site.Name())
	}},
	"another tool's":      {arrange: func(b *bed) { b.account.AddStack(b.site.Name(), "CREATE_COMPLETE", map[string]string{"owner": "bob"}) }},
	"connection pending":  {first: true, arrange: func(b *bed) { b.account.SetConnections("PENDING") }},
	"connection broken":   {first: true, arrange: func(b *bed) { b.account.SetConnections("ERROR") }},
	"function changed":    {first: true, arrange: func(b *bed) { b.changeFunction() }},
	"commit not released": {first: true, arrange: func(b *bed) { b.commit("two") }},
	"execution failed": {first: true, arrange: func(b *bed) {
		b.account.Do(func() { b.account.FailBuild = "Cannot have more than 0 builds in queue for the account" })
		if _, err := b.deploy(&recorder{}); fault.KindOf(err) != fault.Failed {
			b.t.Fatalf("the execution did not fail: %v", err)
		}
	}},
	"release not whole": {first: true, arrange: func(b *bed) { b.loseObject() }},
	"repository elsewhere": {arrange: func(b *bed) {
		b.configure(`{"repoUrl": "https://git.example.com/alice/hello.git", "branchName": "main", "target": "aws"}`)
	}},
	"no such branch": {arrange: func(b *bed) {
		b.configure(`{"repoUrl": "https://github.com/Alice/hello.git", "branchName": "next", "target": "aws"}`)
	}},
	"upstream's build file": {arrange: func(b *bed) {
		b.write(site.Folder+"/"+site.BuildFile, "version: 0.2\nphases:\n  build:\n    commands:\n      - aws s3 cp . s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive\n")
	}},
	"domain in a zone": {arrange: func(b *bed) { exampleZone(b); b.names(www) }},
	"domain elsewhere": {arrange: func(b *bed) { b.names(www) }},
	"domain served":    {arrange: func(b *bed) { b.play(act{names: www, arrange: exampleZone}) }},
	"domain led past": {arrange: func(b *bed) {
		b.play(act{names: beta, arrange: exampleZone})
		b.account.ReplaceRecord("beta.example.com", "A", "192.0.2.1")
	}},
	"domain in the way": {arrange: func(b *bed) {
		exampleZone(b)
		b.account.AddRecord(b.zone("example.com"), "beta.example.com", "A", "192.0.2.1")
		b.names(beta)
	}},
	"domain not delegated": {arrange: func(b *bed) {
		exampleZone(b)
		b.account.Do(func() { b.account.DNS.Undelegated["example.com"] = true })
		b.names(beta)
	}},
	"certificate pending": {arrange: func(b *bed) { b.play(act{names: beta, cut: "waiting for ACM"}) }},
	"certificate failed":  {arrange: func(b *bed) { b.play(act{names: beta, arrange: fails("CAA_ERROR")}) }},
	"domain taken off":    {arrange: func(b *bed) { b.play(act{names: beta, arrange: exampleZone}); b.names("") }},
	"no network":          {arrange: func(b *bed) { b.t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1") }},
	"AWS has trouble":     {first: true, arrange: func(b *bed) { b.fault("codepipeline ListPipelineExecutions", "InternalFailure") }},
}

// fault makes one operation fail.
func (b *bed) fault(operation, code string) {
	b.account.Do(func() {
		b.account.Fault = func(service, name string) *double.Fault {
			if service+" "+name == operation {
				return &double.Fault{Status: http.StatusForbidden, Code: code, Message: "as the test wants it"}
			}
			return nil
		}
	})
}

func (b *bed) stackIs(status string) {
	b.account.AddStack(b.site.Name(), status, map[string]string{"cloudfront-hosting-toolkit:site": b.site.Name()})
}

// loseObject removes a file of the live release from the bucket.
func (b *bed) loseObject() {
	b.t.Helper()
	p, err := b.hosting().Publisher(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	live, _, err := p.Pointer.Read(b.t.Context())
	if err == nil {
		err = p.Store.Delete(b.t.Context(), []string{live.Release + "/assets/app.js"})
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// What doctor says of an account in each situation. It changes nothing, and asks for nothing that the policy does not allow.
func TestDoctor(t *testing.T) {
	for name, s := range standings {
		t.Run(name, func(t *testing.T) {
			b := loneBed(t)
			b.atHost()
			b.opts.DNS = b.account.Resolver()
			b.account.Quick = true
			b.account.CompleteNew(1)
			b.account.Standing.Quotas = quotas()
			if s.first {
				if _, err := b.deploy(&recorder{}); err != nil {
					t.Fatal(err)
				}
			}
			s.arrange(b)
			changes, made := b.account.Count("cloudformation CreateChangeSet"), b.account.Count("codeconnections CreateConnection")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			checks, err := b.hosting().Doctor(ctx, &recorder{})
			if err != nil {
				t.Fatal(err)
			}
			if b.account.Count("cloudformation CreateChangeSet") != changes || b.account.Count("codeconnections CreateConnection") != made {
				t.Error("doctor changed something")
			}
			golden.Check(t, "doctor/"+strings.ReplaceAll(name, " ", "-")+".txt", b.checked(checks))
			b.account.Do(func() { checkPolicy(t, b.account.Requests) })
		})
	}
}

// checked is what was found, one line each, without what differs from run to run.
func (b *bed) checked(checks []hosting.Check) string {
	var text strings.Builder
	for _, c := range checks {
		fmt.Fprintf(&text, "%-8s %s: %s\n", c.Status, c.Name, c.Detail)
		if c.Hint != "" {
			fmt.Fprintf(&text, "         -> %s\n", c.Hint)
		}
	}
	out := strings.ReplaceAll(text.String(), b.repo, "<project>")
	for i, id := range strings.Fields(b.git("rev-list", "--reverse", "--all")) {
		out = strings.ReplaceAll(strings.ReplaceAll(out, id, fmt.Sprintf("<commit %d>", i+1)), id[:7], fmt.Sprintf("<commit %d>", i+1))
	}
	for _, r := range []struct{ pattern, with string }{
		{`version [0-9.]+`, "version <git>"}, {`, \d+ MB`, ", <n> MB"}, {`127\.0\.0\.1:\d+: .*`, "<address>: <why>"},
		{`[0-9a-f]{8}-0000-4000-8000-[0-9a-f]{12}`, "<id>"}, {`execution, [0-9a-f]{8},`, "execution, <id>,"}, {`execution [0-9a-f]{8} `, "execution <id> "},
		{`events\?stackId=\S+`, "events?stackId=<stack>"}, {`request id: \S+`, "request id: <id>"},
	} {
		out = regexp.MustCompile(r.pattern).ReplaceAllString(out, r.with)
	}
	return out
}

// The policy that is printed is of this site and account, or says why it is not.
func TestPolicyOfSite(t *testing.T) {
	b := loneBed(t)
	text, err := awstarget.Policy(t.Context(), b.site, b.opts)
	if err != nil || !strings.Contains(text, "arn:aws:cloudformation:"+double.Region+":"+double.AccountID+":stack/"+b.site.Name()+"/*") {
		t.Errorf("%v\n%.400s", err, text)
	}
	if strings.ContainsAny(strings.ReplaceAll(text, "{\"Sid\"", ""), "%") || strings.Contains(text, "{site}") {
		t.Errorf("a name is not filled in:\n%s", text)
	}
	b.t.Setenv("AWS_ACCESS_KEY_ID", "")
	b.t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	text, err = awstarget.Policy(t.Context(), nil, b.opts)
	if err == nil || text != permission.Policy(permission.Scope{Region: double.Region}) {
		t.Errorf("without credentials: %v\n%.400s", err, text)
	}
}

// A preview says what a deployment does, and does nothing.
func TestPreview(t *testing.T) {
	tests := map[string]struct {
		// alone says that the credentials are the environment's.
		first, alone bool
		arrange      func(b *bed)
		creates      bool
		// changes are some of them, by action and name; notes parts of the notes.
		changes, notes []string
		none           bool
	}{
		"fresh": {arrange: func(*bed) {}, creates: true, changes: []string{"add HostingBucket", "add Pipeline"}, notes: []string{"a connection to GitHub for Alice"}},
		"no credentials": {alone: true, arrange: func(b *bed) {
			b.t.Setenv("AWS_ACCESS_KEY_ID", "")
			b.t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		}, creates: true, changes: []string{"add HostingBucket", "add Pipeline"}, notes: []string{"AWS was not asked"}},
		"not allowed": {arrange: func(b *bed) { b.fault("cloudformation DescribeStacks", "AccessDenied") }, creates: true, changes: []string{"add Distribution"}, notes: []string{"was not looked at"}},
		"nothing new": {first: true, arrange: func(*bed) {}, none: true, notes: []string{"the pipeline would run"}},
		"a function":  {first: true, arrange: func(b *bed) { b.changeFunction() }, changes: []string{"change ViewerRequestFunction"}},
		"a loss": {first: true, arrange: func(b *bed) {
			b.account.Do(func() { b.account.Replaces["HostingBucket"] = true })
			b.account.Force("HostingBucket")
		}, changes: []string{"REPLACE HostingBucket"}, notes: []string{"every release would have to be published anew"}},
		"busy": {first: true, arrange: func(b *bed) { b.account.Busy(b.site.Name()) }, none: true, notes: []string{"is being changed"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := bedFor(t, tc.alone)
			b.account.CompleteNew(1)
			if tc.first {
				b.account.Quick = true
				if _, err := b.deploy(&recorder{}); err != nil {
					t.Fatal(err)
				}
				b.account.Do(func() { b.account.Quick = false })
			}
			tc.arrange(b)
			before := b.account.Count("cloudformation ExecuteChangeSet") + b.account.Count("codeconnections CreateConnection") + b.account.Count("codepipeline StartPipelineExecution")
			p, err := b.hosting().Preview(t.Context(), &recorder{})
			if err != nil {
				t.Fatal(err)
			}
			var changes []string
			for _, c := range p.Changes {
				changes = append(changes, c.Action+" "+c.Name)
			}
			all, notes := strings.Join(changes, "\n"), strings.Join(p.Notes, "\n")
			for _, want := range tc.changes {
				if !strings.Contains(all, want) {
					t.Errorf("no %q in\n%s", want, all)
				}
			}
			for _, want := range tc.notes {
				if !strings.Contains(notes, want) {
					t.Errorf("no %q in\n%s", want, notes)
				}
			}
			if p.Creates != tc.creates || tc.none && len(changes) > 0 {
				t.Errorf("creates %v, changes %q", p.Creates, changes)
			}
			if after := b.account.Count("cloudformation ExecuteChangeSet") + b.account.Count("codeconnections CreateConnection") + b.account.Count("codepipeline StartPipelineExecution"); after != before {
				t.Error("the preview did something")
			}
			if n := b.account.Count("cloudformation CreateChangeSet") - b.account.Count("cloudformation ExecuteChangeSet") - b.account.Count("cloudformation DeleteChangeSet"); n > 0 {
				t.Errorf("%d change sets were left", n)
			}
		})
	}
}
