package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// someChecks are one of each status, with long words, several lines, and a hint.
var someChecks = []hosting.Check{
	{Name: "Git", Status: hosting.CheckOK, Detail: "version 2.51.0"},
	{Name: "Configuration", Status: hosting.CheckOK, Detail: "site hello-1a2b3c4d, branch main of https://github.com/alice/hello.git"},
	{Name: "Permissions", Status: hosting.CheckFailed, Detail: "not allowed: cloudfront:CreateDistribution, cloudfront:CreateFunction, iam:CreateRole", Hint: "let an administrator allow them: doctor --policy prints the policy"},
	{Name: "Quota", Status: hosting.CheckSkipped, Detail: "not looked at: count distributions: the credentials do not allow this", Hint: "let an administrator allow it: doctor --policy prints the policy"},
	{Name: "Release", Status: hosting.CheckWarning, Detail: "4f2c9e1 is live, and the newest commit of main is b51d3a8", Hint: "run status to see why, or deploy to release it"},
	{Name: "Certificate", Status: hosting.CheckOK, Detail: "www.example.com until 2027-01-31\nexample.com until 2027-01-31"},
}

// What doctor and deploy --dry-run show, on terminals of 80 and 60 columns and in a pipe; no line is wider than the terminal.
func TestLooksAreShown(t *testing.T) {
	preview := hosting.Preview{
		Site: "hello-1a2b3c4d", Target: "aws", Region: "eu-west-1", Changes: []hosting.Planned{
			{Action: "add", Name: "BuildLogs", Type: "AWS::Logs::LogGroup"},
			{Action: "change", Name: "ViewerRequestFunction", Type: "AWS::CloudFront::Function", Causes: []string{"FunctionCode"}},
			{Action: "REPLACE", Name: "HostingBucket", Type: "AWS::S3::Bucket", Causes: []string{"BucketName", "Tags"}},
		},
		Notes: []string{"REPLACE of the HostingBucket: every release would have to be published anew, and the site answers with an error until then"},
	}
	same := hosting.Preview{Site: "hello-1a2b3c4d", Target: "local", Notes: []string{"the server that runs at http://127.0.0.1:8080/ does the work"}}
	tests := map[string]struct {
		target *fakeTarget
		args   []string
	}{
		"doctor":            {&fakeTarget{checks: someChecks}, []string{"doctor"}},
		"doctor-well":       {&fakeTarget{checks: someChecks[:2]}, []string{"doctor"}},
		"doctor-aws":        {&fakeTarget{checks: someChecks[:2]}, []string{"doctor", "--target", "aws", "--region", "eu-west-2", "--traffic", "20M/2TB"}},
		"deploy-dry-run":    {&fakeTarget{preview: preview}, []string{"deploy", "--dry-run", "--target", "aws", "--region", "eu-west-1"}},
		"deploy-dry-run-no": {&fakeTarget{preview: same}, []string{"deploy", "--dry-run"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			noAWS(t)
			var all strings.Builder
			for _, width := range []int{80, 60, 0} {
				synctest.Test(t, func(t *testing.T) {
					r := tc.target.run(t, width, "", tc.args...)
					fmt.Fprintf(&all, "=== %d columns, exit code %d\n--- out\n%s--- err\n%s", width, r.code, r.out, r.err)
					for _, line := range strings.Split(r.out, "\n") {
						if w := ansi.StringWidth(line); width > 0 && w > width {
							t.Errorf("%d columns on a terminal of %d: %s", w, width, line)
						}
					}
				})
			}
			golden.Check(t, name+".txt", all.String())
		})
	}
}

// noAWS keeps the machine's own AWS configuration out of a test.
func noAWS(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func TestDoctorJSON(t *testing.T) {
	noAWS(t)
	tests := map[string]struct {
		checks []hosting.Check
		args   []string
		code   int
		ok     bool
		cost   bool
	}{
		"well":   {someChecks[:2], nil, exitDone, true, false},
		"failed": {someChecks, nil, exitError, false, false},
		"aws":    {someChecks[4:], []string{"--target", "aws"}, exitDone, true, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := (&fakeTarget{checks: tc.checks}).run(t, 0, "", append([]string{"doctor", "--json"}, tc.args...)...)
			var answer struct {
				OK     bool
				Checks []hosting.Check
				Cost   *struct {
					Total, PricesOf string
					Sources         []string
				}
			}
			if err := json.Unmarshal([]byte(r.out), &answer); err != nil {
				t.Fatalf("%v\n%s", err, r.out)
			}
			if r.code != tc.code || answer.OK != tc.ok || len(answer.Checks) != len(tc.checks) || (answer.Cost != nil) != tc.cost {
				t.Errorf("exit code %d, %+v", r.code, answer)
			}
			if tc.cost && (answer.Cost.Total == "" || answer.Cost.PricesOf == "" || len(answer.Cost.Sources) == 0) {
				t.Errorf("the estimate is not whole: %+v", answer.Cost)
			}
		})
	}
}

func TestTrafficIsChecked(t *testing.T) {
	for _, command := range []string{"doctor", "deploy --dry-run"} {
		r := (&fakeTarget{}).run(t, 0, "", append(strings.Fields(command), "--traffic", "much")...)
		if r.code != exitUsage || !strings.Contains(r.err, "--traffic") {
			t.Errorf("%s: exit code %d\n%s", command, r.code, r.err)
		}
	}
}

func TestPolicyIsPrinted(t *testing.T) {
	noAWS(t)
	r := (&fakeTarget{}).run(t, 0, "", "doctor", "--policy")
	if r.code != exitDone || !json.Valid([]byte(r.out)) || !strings.Contains(r.out, ":stack/hello-") || !strings.Contains(r.err, "account") {
		t.Errorf("exit code %d\n%.300s\n%s", r.code, r.out, r.err)
	}
}
