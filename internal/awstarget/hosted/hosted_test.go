package hosted_test

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/need"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// A site has its own names as soon as its distribution has them with a certificate, and CloudFront's until then.
func TestAddress(t *testing.T) {
	own := map[string]string{template.OutputDistributionDomainName: "d1.cloudfront.net", template.OutputHostingBucketName: "b"}
	tests := map[string]struct {
		parameters map[string]string
		url, names string
	}{
		"no names":            {url: "https://d1.cloudfront.net/"},
		"names":               {map[string]string{template.ParamDomainNames: "www.example.com,example.com", template.ParamCertificateArn: "arn"}, "https://www.example.com/", "www.example.com example.com"},
		"without certificate": {map[string]string{template.ParamDomainNames: "www.example.com"}, "https://d1.cloudfront.net/", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			state := stack.State{ID: "arn", Status: types.StackStatusCreateComplete, Outputs: own, Parameters: tc.parameters}
			if got := hosted.URL(state); got != tc.url {
				t.Errorf("URL %s", got)
			}
			if got := hosted.OwnURL(state); got != "https://d1.cloudfront.net/" {
				t.Errorf("own URL %s", got)
			}
			if got := strings.Join(hosted.ServedHosts(state), " "); got != tc.names {
				t.Errorf("served under %s", got)
			}
			if !hosted.HoldsSite(state) {
				t.Error("it holds no site")
			}
		})
	}
	for name, state := range map[string]stack.State{"none": {}, "shell": {ID: "arn", Status: types.StackStatusReviewInProgress, Outputs: own}, "rolled back": {ID: "arn"}} {
		if hosted.HoldsSite(state) {
			t.Errorf("%s: it holds a site", name)
		}
	}
}

func TestRegions(t *testing.T) {
	tests := map[string]struct {
		region string
		git    bool
		why    string
	}{
		"usual": {"us-east-1", true, ""}, "china": {"cn-north-1", false, "China"}, "govcloud": {"us-gov-east-1", false, "GovCloud"},
		"without connections": {"eu-south-2", true, "no connections"}, "zip files there": {"eu-south-2", false, ""},
		"without builds": {"ca-west-1", false, "no CodeBuild"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := hosted.Unsupported(tc.region, tc.git); (got == "") != (tc.why == "") || !strings.Contains(got, tc.why) {
				t.Errorf("got %q", got)
			}
		})
	}
}

// lacking prints each region that cfn-lint knows CloudFormation's resource types of, with those that the region has not.
const lacking = `
import importlib, pkgutil, sys
import cfnlint.data.schemas.providers as regions
for region in pkgutil.iter_modules(regions.__path__):
    types = set(importlib.import_module(regions.__name__ + "." + region.name).types)
    print(region.name.replace("_", "-"), *[t for t in sys.argv[1:] if t not in types])
`

// Which regions have what the stack needs is what CloudFormation's resource schemas say. Those of the isolated partitions and of
// the European Sovereign Cloud are not told apart there.
func TestRegionsAreCloudFormations(t *testing.T) {
	const version = "1.51"
	found, err := exec.Command("python3", "-c", "from cfnlint.version import __version__ as v; print(v)").Output()
	if err != nil || !strings.HasPrefix(string(found), version+".") {
		need.Missing(t, "the regions are those of cfn-lint %s, and %q is here: pip install cfn-lint==%s.0", version, strings.TrimSpace(string(found)), version)
	}
	connection, others := "AWS::CodeConnections::Connection", []string{"AWS::CodePipeline::Pipeline", "AWS::CodeBuild::Project", "AWS::CloudFront::KeyValueStore"}
	out, err := exec.Command("python3", append([]string{"-c", lacking, connection}, others...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		region, lacks, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.Contains(region, "-iso") || strings.HasPrefix(region, "eusc-") {
			continue
		}
		zips := !slices.ContainsFunc(others, func(t string) bool { return strings.Contains(lacks, t) })
		for git, want := range map[bool]bool{false: zips, true: zips && lacks == ""} {
			if why := hosted.Unsupported(region, git); (why == "") != want {
				t.Errorf("%s, with a repository %t: %q; CloudFormation has no %q there", region, git, why, lacks)
			}
		}
	}
}

// A quota that is used up is told at once; the SDK would take it for throttling.
func TestQuotasAreNotTriedAgain(t *testing.T) {
	h := hosted.New(nil, hosted.Options{})
	h.Account = &account.Account{Config: aws.Config{}}
	retryer := h.Control().Retryer()
	for code, want := range map[string]bool{"LimitExceededException": false, "ThrottlingException": true, "AccessDenied": false} {
		if got := retryer.IsErrorRetryable(&smithy.GenericAPIError{Code: code}); got != want {
			t.Errorf("%s is tried again: %t", code, got)
		}
	}
	if retryer.IsErrorRetryable(errors.New("something else")) {
		t.Error("what is no error of AWS is tried again")
	}
}
