package awstarget_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/connection"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Before the first deployment every question has one answer, and nothing is made by asking.
func TestNotDeployed(t *testing.T) {
	b := newBed(t, false)
	h := b.hosting()
	tests := map[string]func() error{
		"show":      func() error { _, err := h.Show(t.Context()); return err },
		"status":    func() error { _, err := h.Execution(t.Context(), ""); return err },
		"logs":      func() error { return h.Logs(t.Context(), "", false, &strings.Builder{}) },
		"publisher": func() error { _, err := h.Publisher(t.Context()); return err },
		"delete":    func() error { _, err := h.Delete(t.Context(), hosting.DeleteOptions{}, &recorder{}); return err },
	}
	for name, ask := range tests {
		t.Run(name, func(t *testing.T) {
			if err := ask(); fault.KindOf(err) != fault.NotDeployed || fault.HintOf(err) == "" {
				t.Errorf("got %v", err)
			}
		})
	}
	if n := b.account.Count("cloudformation CreateChangeSet"); n != 0 {
		t.Errorf("%d change sets were made", n)
	}
}

// EXPRESS is the default, and Full the classic way.
func TestModes(t *testing.T) {
	t.Parallel()
	for want, full := range map[string]bool{"EXPRESS": false, "STANDARD": true} {
		t.Run(want, func(t *testing.T) {
			b := newBed(t, false)
			b.account.CompleteNew(1)
			b.opts.Full = full
			if _, err := b.hosting().Deploy(t.Context(), hosting.DeployOptions{NoWait: true}, &recorder{}); err != nil {
				t.Fatal(err)
			}
			if got := b.account.Mode(b.site.Name()); got != want {
				t.Errorf("mode %s", got)
			}
		})
	}
}

// NoWait returns while the execution goes on; status and show work meanwhile, and say what differs.
func TestNoWait(t *testing.T) {
	b := newBed(t, false)
	b.account.CompleteNew(1)
	h := b.hosting()
	deployed, err := h.Deploy(t.Context(), hosting.DeployOptions{NoWait: true}, &recorder{})
	if err != nil || deployed.Execution.ID == "" || !strings.HasPrefix(deployed.URL, "https://d") {
		t.Fatalf("%+v, %v", deployed, err)
	}
	e, err := h.Execution(t.Context(), deployed.Execution.ID[:12])
	if err != nil || e.ID != deployed.Execution.ID {
		t.Errorf("execution by the beginning of its id: %+v, %v", e, err)
	}
	if _, err := h.Execution(t.Context(), "nothing"); fault.KindOf(err) != fault.Usage {
		t.Errorf("an unknown execution: %v", err)
	}
	b.changeFunction()
	info, err := h.Show(t.Context())
	if err != nil || strings.Join(info.Differs, " ") != "function" {
		t.Errorf("differs: %v, %v", info.Differs, err)
	}
}

// A connection that serves the owner is used again; one of somebody else's is not.
func TestConnectionIsReused(t *testing.T) {
	t.Parallel()
	repository := connection.Repository{Provider: "GitHub", ID: "Alice/hello"}
	tests := map[string]struct {
		name, provider string
		tags           map[string]string
		wanted         string
		made           int
	}{
		"the toolkit's own": {connection.Name(repository), "GitHub", nil, "", 0},
		"tagged":            {"mine", "GitHub", map[string]string{connection.TagOwner: "GitHub/alice"}, "", 0},
		"named by the user": {"mine", "GitHub", nil, "mine", 0},
		"of another owner":  {"bobs", "GitHub", map[string]string{connection.TagOwner: "GitHub/bob"}, "", 1},
		"not known whose":   {"mine", "GitHub", nil, "", 1},
		"of another host":   {"mine", "GitLab", map[string]string{connection.TagOwner: "GitHub/alice"}, "", 1},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, false)
			b.account.CompleteNew(1)
			b.account.AddConnection(tc.name, tc.provider, "AVAILABLE", tc.tags)
			b.opts.Connection = tc.wanted
			r := &recorder{}
			if _, err := b.hosting().Deploy(t.Context(), hosting.DeployOptions{NoWait: true}, r); err != nil {
				t.Fatal(err)
			}
			if n := b.account.Count("codeconnections CreateConnection"); n != tc.made {
				t.Errorf("%d connections were made, want %d", n, tc.made)
			}
			if tc.made == 0 && len(r.warnings) > 0 {
				t.Errorf("the user was asked for something: %q", r.warnings)
			}
		})
	}
}

// Defect 23: two owners, branches or prefixes never share a stack, and every name keeps its limit.
func TestDefect23_NamesAreOfOneSite(t *testing.T) {
	b := newBed(t, false)
	long := strings.Repeat("long", 30)
	configs := []string{
		`{"repoUrl": "https://github.com/alice/site.git", "branchName": "main"}`,
		`{"repoUrl": "https://github.com/bob/site.git", "branchName": "main"}`,
		`{"repoUrl": "https://github.com/alice/site.git", "branchName": "next"}`,
		`{"repoUrl": "https://github.com/alice/1site.git", "branchName": "main"}`,
		`{"repoUrl": "https://github.com/alice/2site.git", "branchName": "main"}`,
		`{"repoUrl": "https://github.com/alice/` + long + `a.git", "branchName": "main"}`,
		`{"repoUrl": "https://github.com/alice/` + long + `b.git", "branchName": "main"}`,
		`{"s3bucket": "drop", "s3path": "a"}`,
		`{"s3bucket": "drop", "s3path": "b"}`,
	}
	seen := map[string]string{}
	for _, c := range configs {
		b.configure(c)
		name := awstarget.StackName(b.site)
		if other, twice := seen[name]; twice {
			t.Errorf("%s and %s share the stack %s", c, other, name)
		}
		seen[name] = c
		if len(name) > 128 || len(name+"-ap-southeast-99") > 64 || name[0] < 'a' || name[0] > 'z' {
			t.Errorf("%s: the stack's name %q breaks a limit", c, name)
		}
	}
}

// A function that fails on the start page with the live key-value store is refused before anything is changed, and the site
// stands. The store has more keys than one page of it, and a key of the user's own is there for the function that needs it.
func TestFailingFunctionIsRefused(t *testing.T) {
	b := newBed(t, false)
	b.account.CompleteNew(1)
	deployed, err := b.deploy(&recorder{})
	if err != nil {
		t.Fatal(err)
	}
	store := b.account.Outputs(b.site.Name())[template.OutputKeyValueStoreArn]
	for i := range 60 {
		b.account.KVS.Set(store, fmt.Sprintf("flag-%02d", i), "on")
	}
	changes := b.account.Count("cloudformation CreateChangeSet")
	reads := func(key string) {
		b.write(site.Folder+"/"+site.FunctionFile, strings.ReplaceAll(customFunction, "const request = event.request;",
			"const request = event.request;\n  if (await kvs.get('"+key+"') !== 'on') { return request; }"))
	}
	reads("flag-99")
	if _, err := b.deploy(&recorder{}); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "would answer / with an error") {
		t.Errorf("a function that reads a missing key: %v", err)
	}
	if n := b.account.Count("cloudformation CreateChangeSet"); n != changes {
		t.Errorf("%d change sets were made", n-changes)
	}
	if status, body := b.get(deployed.URL); status != 200 || body != "<title>version one</title>" {
		t.Errorf("the site answers %d %q", status, body)
	}
	reads("flag-59")
	r := &recorder{}
	if _, err := b.deploy(r); err != nil {
		t.Errorf("a function that reads a key of the second page: %v\n%s", err, r)
	}
}

// The progress of a stack comes from the events of its operation, and where nobody may ask for those, from the stack's.
func TestProgressByOperation(t *testing.T) {
	t.Parallel()
	for name, allowed := range map[string]bool{"by operation": true, "by stack": false} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, false)
			b.account.CompleteNew(1)
			b.account.Fault = func(_, operation string) *double.Fault {
				if operation == "DescribeEvents" && !allowed {
					return &double.Fault{Status: 403, Code: "AccessDenied", Message: "not authorized to perform: cloudformation:DescribeEvents"}
				}
				return nil
			}
			r := &recorder{}
			if _, err := b.hosting().Deploy(t.Context(), hosting.DeployOptions{NoWait: true}, r); err != nil {
				t.Fatalf("%v\n%s", err, r)
			}
			for _, want := range []string{"0 of 8 resources done; waiting for ", "7 of 8 resources done; waiting for ", "7 of 8 resources done; waiting for Pipeline (the pipeline is being made)"} {
				if !strings.Contains(r.String(), want) {
					t.Errorf("the progress does not say %q:\n%s", want, r)
				}
			}
			// A stack's own events are read for the mark before each operation only, if the operation's can be.
			asked, older := b.account.Count("cloudformation DescribeEvents"), b.account.Count("cloudformation DescribeStackEvents")
			if allowed && (asked < 16 || older > 2) || !allowed && (asked != 1 || older < 16) {
				t.Errorf("%d times by operation, %d times by stack", asked, older)
			}
		})
	}
}

// A deployment asks each service at its own endpoint, if there is one, and then never at the general one.
func TestServiceEndpoints(t *testing.T) {
	b := loneBed(t)
	b.account.CompleteNew(1)
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	for _, service := range []string{"STS", "S3", "CLOUDFORMATION", "CLOUDFRONT", "CLOUDFRONT_KEYVALUESTORE", "CODECONNECTIONS", "CODEPIPELINE", "CODEBUILD", "CLOUDWATCH_LOGS"} {
		t.Setenv("AWS_ENDPOINT_URL_"+service, b.account.URL())
	}
	// The release step has an environment of its own, which the double makes.
	r := &recorder{}
	if _, err := b.deploy(r); err != nil {
		t.Fatalf("%v\n%s", err, r)
	}
}
