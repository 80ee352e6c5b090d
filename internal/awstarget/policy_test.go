package awstarget_test

import (
	"encoding/json"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/permission"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// The policy in docs/aws-permissions.md is the one that `doctor --policy` prints.
func TestPolicyIsDocumented(t *testing.T) {
	const name = "../../docs/aws-permissions.md"
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(page), "```json\n")
	text, after, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/aws-permissions.md has no policy")
	}
	want := permission.Policy(permission.Scope{Account: "123456789012"})
	if text == want {
		return
	}
	if !golden.Updating() {
		t.Fatal("docs/aws-permissions.md has another policy than internal/awstarget/permission/deployer.json: change that file, then run go test ./internal/awstarget -update")
	}
	if err := os.WriteFile(name, []byte(before+"```json\n"+want+"```"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPolicyIsWithinIAMsLimit(t *testing.T) {
	text := permission.Policy(permission.Scope{
		Partition: "aws-us-gov", Region: "ap-southeast-2", Account: "123456789012",
		Site: strings.Repeat("s", 29), Pipeline: strings.Repeat("p", 20),
	})
	if !json.Valid([]byte(text)) {
		t.Error("the policy is not JSON")
	}
	n := 0
	for _, c := range text {
		if !unicode.IsSpace(c) {
			n++
		}
	}
	if n > permission.MaxPolicy {
		t.Errorf("the policy has %d characters, and IAM takes %d", n, permission.MaxPolicy)
	}
}

// A policy for one site names that site's resources, wherever the service can tell resources apart by name.
func TestPolicyIsNarrowed(t *testing.T) {
	wide := []string{"CloudFront", "Connection", "Domain", "Look"}
	for _, s := range permission.Statements(permission.Scope{Region: "eu-west-1", Account: "123456789012", Site: "hello-1a2b3c4d", Pipeline: "hello-1a2b3c4d"}) {
		for _, r := range s.Resources {
			if strings.Contains(r, "{") {
				t.Errorf("%s: %s has a name that is not filled in", s.Sid, r)
			}
			if r == "*" && slices.Contains(wide, s.Sid) || strings.Contains(r, ":oidc-provider/") {
				continue
			}
			if !strings.Contains(r, "hello-1a2b3c4d") {
				t.Errorf("%s: %s is of no site", s.Sid, r)
			}
		}
	}
	for _, action := range []string{"iam:AttachRolePolicy", "iam:CreateUser", "iam:PutUserPolicy", "s3:PutBucketAcl"} {
		if allows(action) {
			t.Errorf("the policy allows %s, which would let a deployer do more than deploy", action)
		}
	}
}

// notCalled are actions that handlers name for properties that hosting.yaml does not have, with the reason.
var notCalled = map[string]string{
	"s3:Put{AnalyticsConfiguration,BucketCORS,InventoryConfiguration,MetricsConfiguration,BucketReplication,BucketWebsite,AccelerateConfiguration,ReplicationConfiguration,BucketLogging,IntelligentTieringConfiguration}": "no such property",
	"s3:Put{BucketObjectLockConfiguration,ObjectLockConfiguration,ObjectAcl,BucketAcl}":                          "no object lock, and no ACLs: BucketOwnerEnforced",
	"s3:DeleteBucket{Website,AnalyticsConfiguration,Cors,MetricsConfiguration,Encryption,Lifecycle,Replication}": "no property that could be taken away",
	"s3:{Create,Delete,Update}BucketMetadata*":                                                                   "no metadata tables",
	"s3tables:*":                                     "no metadata tables",
	"s3:HeadObject":                                  "no such action in IAM; a store is not imported",
	"cloudfront:{Create,Get}ConnectionGroup":         "for multi-tenant distributions",
	"cloudfront:GetVpcOrigin":                        "no VPC origin",
	"cloudfront:UpdateDistributionWithStagingConfig": "no staging distribution",
	"logs:{PutDataProtectionPolicy,CreateLogDelivery,PutResourcePolicy,DescribeResourcePolicies}": "no such property",
	"logs:{Associate,Disassociate}KmsKey":          "no key of the user's own",
	"s3:REST.PUT.OBJECT":                           "no delivery of logs",
	"firehose:TagDeliveryStream":                   "no delivery of logs",
	"iam:{Attach,Detach}RolePolicy":                "roles have inline policies only; who may attach can become administrator",
	"iam:{Delete,Put}RolePermissionsBoundary":      "no permissions boundary",
	"iam:DeleteOpenIDConnectProvider":              "it stays when the stack goes: other roles may count on it",
	"iam:UpdateRoleDescription":                    "no description",
	"codepipeline:{Enable,Disable}StageTransition": "no disabled transitions",
}

// withoutHandlers are types whose public schema names no permissions: what they need is known from the actions' own pages.
var withoutHandlers = []string{"AWS::CodeBuild::Project", "AWS::Events::Rule"}

// The policy allows what CloudFormation calls for whoever deploys, by the public schemas of the template's resource types.
func TestPolicyAllowsWhatCloudFormationCalls(t *testing.T) {
	data, err := os.ReadFile("testdata/handlers.json")
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Types map[string]map[string][]string
	}
	if err := json.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, typ := range templateTypes(t) {
		handlers, known := table.Types[typ]
		if !known && !slices.Contains(withoutHandlers, typ) {
			t.Errorf("testdata/handlers.json does not have %s: add what its schema's handlers call", typ)
		}
		for handler, actions := range handlers {
			for _, action := range actions {
				pattern := needless(action)
				used[pattern] = true
				if pattern == "" && !allows(action) {
					t.Errorf("%s, %s: the policy does not allow %s", typ, handler, action)
				}
				if pattern != "" && allows(action) && !strings.HasPrefix(action, "s3:Get") {
					t.Errorf("%s, %s: the policy allows %s, which is said not to be called", typ, handler, action)
				}
			}
		}
	}
	for pattern := range notCalled {
		if !used[pattern] {
			t.Errorf("no handler calls %s any more", pattern)
		}
	}
}

// needless returns the pattern of notCalled that an action fits, or "".
func needless(action string) string {
	for pattern := range notCalled {
		for _, one := range alternatives(pattern) {
			if ok, err := path.Match(one, action); ok && err == nil {
				return pattern
			}
		}
	}
	return ""
}

// alternatives resolves one pair of braces.
func alternatives(pattern string) []string {
	before, rest, found := strings.Cut(pattern, "{")
	if !found {
		return []string{pattern}
	}
	inner, after, _ := strings.Cut(rest, "}")
	var all []string
	for _, one := range strings.Split(inner, ",") {
		all = append(all, before+one+after)
	}
	return all
}

// resourceLines are the resources of the template, whatever their conditions: name and type.
var resourceLines = regexp.MustCompile(`(?m)^  (\w+):\n    Type: (AWS::\S+)`)

func templateResources(t *testing.T) map[string]string {
	t.Helper()
	text, err := template.Render(template.Input{FunctionCode: "function handler(event) { return event.request; }"})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, m := range resourceLines.FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = m[2]
	}
	if len(found) < 15 {
		t.Fatalf("only %d resources were found in the template", len(found))
	}
	return found
}

func templateTypes(t *testing.T) []string {
	t.Helper()
	return slices.Compact(slices.Sorted(maps.Values(templateResources(t))))
}

// Of the types whose resources CloudFormation names after the stack and the resource, each resource of the template is in the
// policy by its name.
func TestPolicyNamesEachResource(t *testing.T) {
	var all []string
	for _, s := range permission.Statements(permission.Scope{Site: "hello-1a2b3c4d"}) {
		all = append(all, s.Resources...)
	}
	for name, typ := range templateResources(t) {
		physical := map[string]string{
			"AWS::S3::Bucket":           "arn:aws:s3:::hello-1a2b3c4d-" + strings.ToLower(name) + "-x1y2z3",
			"AWS::IAM::Role":            "arn:aws:iam::*:role/hello-1a2b3c4d-" + name + "-X1Y2Z3",
			"AWS::Logs::LogGroup":       "arn:aws:logs:*:*:log-group:hello-1a2b3c4d-" + name + "-X1Y2Z3",
			"AWS::Events::Rule":         "arn:aws:events:*:*:rule/hello-1a2b3c4d-" + name + "-X1Y2Z3",
			"AWS::CodeBuild::Project":   "arn:aws:codebuild:*:*:project/hello-1a2b3c4d-build",
			"AWS::CloudFront::Function": "arn:aws:cloudfront::*:function/hello-1a2b3c4d-eu-west-1",
		}[typ]
		if physical == "" {
			continue
		}
		if !slices.ContainsFunc(all, func(pattern string) bool {
			prefix, wild := strings.CutSuffix(pattern, "*")
			return pattern == physical || wild && strings.HasPrefix(physical, prefix)
		}) {
			t.Errorf("%s: the policy names no resource like %s", name, physical)
		}
	}
}

// allows reports whether the policy allows an action, such as "s3:PutObject", on some resource.
func allows(action string) bool {
	return slices.ContainsFunc(permission.Statements(permission.Scope{}), func(s permission.Statement) bool {
		return slices.ContainsFunc(s.Actions, func(pattern string) bool {
			ok, err := path.Match(pattern, action)
			return ok && err == nil
		})
	})
}

// checkPolicy finds requests that the policy does not allow.
func checkPolicy(t *testing.T, requests map[string]int) {
	t.Helper()
	for request := range requests {
		service, operation, _ := strings.Cut(request, " ")
		if service == "sts" {
			continue // nobody needs a permission to ask who they are
		}
		if action := service + ":" + operation; !allows(action) {
			t.Errorf("the policy of internal/awstarget/permission/deployer.json does not allow %s", action)
		}
	}
}
