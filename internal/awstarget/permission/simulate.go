package permission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// ErrRoot is what Simulate returns for the root user: IAM does not judge it, since nothing is denied to it.
var ErrRoot = errors.New("the root user of the account is allowed everything")

// Simulator is the method of IAM's client that simulates. It is no interface: the linker would keep all of the client's
// operations then.
type Simulator func(ctx context.Context, in *iam.SimulatePrincipalPolicyInput, opts ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error)

// chunk is how many actions a request simulates.
const chunk = 50

// Simulate asks IAM which actions of the policy are denied to whoever has the ARN that GetCallerIdentity told, and returns
// them sorted. Actions with a wildcard are left out: IAM simulates none. What an organisation or a resource's own policy denies is
// not seen, nor what depends on the request itself. (IAM API Reference, "SimulatePrincipalPolicy".)
func Simulate(ctx context.Context, api Simulator, who string, s Scope) ([]string, error) {
	return judge(ctx, api, who, questions(s))
}

// Act is an action on a resource, which is named by its ARN.
type Act struct{ Action, Resource string }

// Refused asks IAM which of some acts are denied to whoever has the ARN that GetCallerIdentity told, and returns their actions
// sorted. It sees no more than Simulate does, and takes one request for each resource.
func Refused(ctx context.Context, api Simulator, who string, acts []Act) ([]string, error) {
	var all []question
	for _, act := range acts {
		all = put(all, act.Resource, act.Action)
	}
	return judge(ctx, api, who, all)
}

// judge asks the questions, and returns the actions that are denied, sorted.
func judge(ctx context.Context, api Simulator, who string, questions []question) ([]string, error) {
	principal, err := principalOf(who)
	if err != nil {
		return nil, err
	}
	var denied []string
	for _, q := range questions {
		for actions := range slices.Chunk(q.actions, chunk) {
			more, err := ask(ctx, api, principal, actions, q.resource)
			if err != nil {
				return nil, err
			}
			denied = append(denied, more...)
		}
	}
	slices.Sort(denied)
	return slices.Compact(denied), nil
}

func ask(ctx context.Context, api Simulator, principal string, actions []string, resource string) ([]string, error) {
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &principal, ActionNames: actions}
	if resource != "*" {
		in.ResourceArns = []string{resource}
	}
	var denied []string
	for {
		out, err := api(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("simulate the permissions of %s: %w", principal, err)
		}
		for _, r := range out.EvaluationResults {
			if r.EvalDecision != types.PolicyEvaluationDecisionTypeAllowed && !undecided(r) {
				denied = append(denied, aws.ToString(r.EvalActionName))
			}
		}
		if in.Marker = out.Marker; !out.IsTruncated || in.Marker == nil {
			return denied, nil
		}
	}
}

// undecided reports whether a policy asks for what only a real request has, such as the caller's address: what was said then is
// not what IAM would say.
func undecided(r types.EvaluationResult) bool {
	return len(r.MissingContextValues) > 0 || slices.ContainsFunc(r.ResourceSpecificResults, func(one types.ResourceSpecificResult) bool {
		return len(one.MissingContextValues) > 0
	})
}

// principalOf is the user or role whose policies count: of an assumed role's session, the role. A role's path is not in the
// session's ARN; roles of IAM Identity Center have one that is known but for the region, and cannot be found by it.
func principalOf(who string) (string, error) {
	parsed, err := arn.Parse(who)
	if err != nil {
		return "", fmt.Errorf("simulate the permissions of %q: %w", who, err)
	}
	kind, name, _ := strings.Cut(parsed.Resource, "/")
	switch {
	case parsed.Resource == "root":
		return "", ErrRoot
	case kind == "user" || kind == "role":
		return who, nil
	case kind == "assumed-role" && !strings.HasPrefix(name, "AWSReservedSSO_"):
		role, _, _ := strings.Cut(name, "/")
		return "arn:" + parsed.Partition + ":iam::" + parsed.AccountID + ":role/" + role, nil
	case kind == "assumed-role":
		return "", errors.New("IAM does not tell the path of a role of IAM Identity Center")
	}
	return "", fmt.Errorf("IAM cannot judge %s", who)
}

// question is what may be asked at once: actions on one resource, which is made up with the names that the real one will have.
type question struct {
	resource string
	actions  []string
}

// put adds an action to the question about its resource.
func put(all []question, resource, action string) []question {
	i := slices.IndexFunc(all, func(q question) bool { return q.resource == resource })
	if i < 0 {
		i = len(all)
		all = append(all, question{resource: resource})
	}
	all[i].actions = append(all[i].actions, action)
	return all
}

// questions pairs each action of the policy with a resource of its own service.
func questions(s Scope) []question {
	var all []question
	for _, statement := range Statements(s) {
		for _, action := range statement.Actions {
			service, operation, _ := strings.Cut(action, ":")
			if strings.Contains(action, "*") {
				continue
			}
			resource := "*"
			for _, r := range statement.Resources {
				if strings.HasPrefix(r, "arn:") && strings.Split(r, ":")[2] == service {
					resource = sample(r)
					break
				}
			}
			if service == "s3" && (strings.HasSuffix(operation, "Object") || operation == "AbortMultipartUpload") {
				resource += "/x"
			}
			all = put(all, resource, action)
		}
	}
	return all
}

// sample is a resource that a pattern stands for.
func sample(pattern string) string { return strings.ReplaceAll(pattern, "*", "x") }
