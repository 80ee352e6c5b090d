package permission_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/permission"
)

// judge denies some actions, one result a page.
type judge struct {
	denied []string
	// lacks are actions about which a policy asks for what only a real request has; on what is told of a resource, or of them all.
	lacks    map[string]bool
	asked    map[string][]string // actions by resource
	requests int
	who      string
}

func (j *judge) SimulatePrincipalPolicy(_ context.Context, in *iam.SimulatePrincipalPolicyInput, _ ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error) {
	j.requests++
	j.who = aws.ToString(in.PolicySourceArn)
	if len(in.ActionNames) > 50 {
		return nil, errors.New("too many actions")
	}
	at := 0
	if in.Marker != nil {
		at = slices.Index(in.ActionNames, *in.Marker)
	}
	name := in.ActionNames[at]
	resource := strings.Join(in.ResourceArns, " ")
	j.asked[resource] = append(j.asked[resource], name)
	decision := types.PolicyEvaluationDecisionTypeAllowed
	if slices.Contains(j.denied, name) {
		decision = types.PolicyEvaluationDecisionTypeExplicitDeny
	}
	result := types.EvaluationResult{EvalActionName: &name, EvalDecision: decision}
	if ofResource, lacks := j.lacks[name]; lacks && ofResource {
		result.ResourceSpecificResults = []types.ResourceSpecificResult{{MissingContextValues: []string{"aws:SourceIp"}}}
	} else if lacks {
		result.MissingContextValues = []string{"aws:SourceIp"}
	}
	out := &iam.SimulatePrincipalPolicyOutput{EvaluationResults: []types.EvaluationResult{result}}
	if at+1 < len(in.ActionNames) {
		out.IsTruncated, out.Marker = true, &in.ActionNames[at+1]
	}
	return out, nil
}

var scope = permission.Scope{Partition: "aws", Region: "eu-west-1", Account: "123456789012", Site: "hello-1a2b3c4d", Pipeline: "hello-1a2b3c4d"}

// Every action is asked about once, on a resource of its own service, as the real one will be named.
func TestSimulate(t *testing.T) {
	j := &judge{denied: []string{"iam:PassRole", "cloudfront:CreateFunction"}, asked: map[string][]string{}}
	denied, err := permission.Simulate(t.Context(), j.SimulatePrincipalPolicy, "arn:aws:sts::123456789012:assumed-role/deployer/dana", scope)
	if err != nil || strings.Join(denied, " ") != "cloudfront:CreateFunction iam:PassRole" {
		t.Errorf("denied %q, %v", denied, err)
	}
	if j.who != "arn:aws:iam::123456789012:role/deployer" {
		t.Errorf("asked about %s", j.who)
	}
	seen := map[string]int{}
	for resource, actions := range j.asked {
		if strings.Contains(resource, "*") || strings.Contains(resource, "{") {
			t.Errorf("resource %s is a pattern", resource)
		}
		for _, a := range actions {
			seen[a]++
			service, operation, _ := strings.Cut(a, ":")
			if resource != "" && strings.Split(resource, ":")[2] != service {
				t.Errorf("%s was asked about on %s", a, resource)
			}
			if object := strings.HasSuffix(operation, "Object") && service == "s3"; object != strings.HasSuffix(resource, "-hostingbucket-x/x") && operation != "AbortMultipartUpload" {
				t.Errorf("%s was asked about on %s", a, resource)
			}
		}
	}
	for _, s := range permission.Statements(scope) {
		for _, a := range s.Actions {
			if want := 1; !strings.Contains(a, "*") && seen[a] != want {
				t.Errorf("%s was asked about %d times", a, seen[a])
			}
		}
	}
}

// What a deletion asks for is asked about on the very resources; a policy that depends on the request denies nothing yet.
func TestRefused(t *testing.T) {
	const bucket, role = "arn:aws:s3:::hello", "arn:aws:iam::123456789012:role/hello"
	j := &judge{denied: []string{"s3:DeleteBucket", "iam:DeleteRole", "iam:DeleteRolePolicy"}, asked: map[string][]string{},
		lacks: map[string]bool{"iam:DeleteRole": true, "iam:DeleteRolePolicy": false}}
	refused, err := permission.Refused(t.Context(), j.SimulatePrincipalPolicy, "arn:aws:iam::123456789012:user/dana", []permission.Act{
		{Action: "s3:DeleteBucket", Resource: bucket}, {Action: "iam:DeleteRole", Resource: role}, {Action: "iam:DeleteRolePolicy", Resource: role},
	})
	if err != nil || strings.Join(refused, " ") != "s3:DeleteBucket" {
		t.Errorf("refused %q, %v", refused, err)
	}
	if got := strings.Join(j.asked[bucket], " ") + "; " + strings.Join(j.asked[role], " "); got != "s3:DeleteBucket; iam:DeleteRole iam:DeleteRolePolicy" {
		t.Errorf("asked %s", got)
	}
}

func TestWhoCannotBeSimulated(t *testing.T) {
	tests := map[string]struct {
		who, asked string
		root, fine bool
	}{
		"root":            {who: "arn:aws:iam::123456789012:root", root: true},
		"user":            {who: "arn:aws:iam::123456789012:user/team/dana", asked: "arn:aws:iam::123456789012:user/team/dana", fine: true},
		"identity center": {who: "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123/dana"},
		"federated":       {who: "arn:aws:sts::123456789012:federated-user/dana"},
		"nonsense":        {who: "dana"},
		"govcloud":        {who: "arn:aws-us-gov:sts::123456789012:assumed-role/deployer/i-1", asked: "arn:aws-us-gov:iam::123456789012:role/deployer", fine: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			j := &judge{asked: map[string][]string{}}
			_, err := permission.Simulate(t.Context(), j.SimulatePrincipalPolicy, tc.who, scope)
			if (err == nil) != tc.fine || errors.Is(err, permission.ErrRoot) != tc.root || j.who != tc.asked {
				t.Errorf("%v, asked about %q", err, j.who)
			}
		})
	}
}
