// Package stack creates and changes one CloudFormation stack: it plans a change, shows it, carries it out, and reports on
// it by resource. It knows CloudFormation's states, and nothing of what the stack holds.
//
// Every operation may be cut off at any time and run again: Settle waits for what is still going on, or mends what a
// failure left, before anything new is planned.
package stack

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pace"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// DefaultPace is the time between two looks at an operation. CloudFormation allows few requests a second in an account.
const DefaultPace = 2 * time.Second

// TagSite is the tag that says which site a stack is of. It is how a stack of the toolkit is told from another one that
// happens to have the name.
const TagSite = "cloudfront-hosting-toolkit:site"

// ownDescription is how the description of the toolkit's template begins: it tells a stack that was deployed by hand.
const ownDescription = "cloudfront-hosting-toolkit:"

// Stack is one stack of an account and region, which need not exist.
type Stack struct {
	API *cloudformation.Client
	// Name is the stack's name. CloudFormation takes 128 letters, digits and hyphens, beginning with a letter.
	Name   string
	Region string
	// Pace is the time between two looks at an operation; DefaultPace if it is 0.
	Pace time.Duration
	// Now is the clock; time.Now if it is nil.
	Now func() time.Time

	// byStack is set when DescribeEvents was refused: the stack's events are asked for from then on.
	byStack bool
}

// State is what CloudFormation says of a stack.
type State struct {
	// ID is the stack's ARN; empty if there is no stack.
	ID string
	// Status is empty if there is no stack.
	Status types.StackStatus
	// Reason is why the stack has this status, if CloudFormation says so.
	Reason                    string
	Description               string
	Parameters, Outputs, Tags map[string]string
	CreatedAt, UpdatedAt      time.Time
	// Role is the ARN of the role in whose name CloudFormation changes resources; empty if it does so with the credentials of
	// whoever asks it to.
	Role string
	// Protected is CloudFormation's termination protection.
	Protected bool

	operations []types.OperationEntry
}

// Exists reports whether there is a stack with resources, or one that is being made. A stack in REVIEW_IN_PROGRESS is the
// shell that a change set was made for: it holds nothing.
func (s State) Exists() bool { return s.ID != "" && s.Status != types.StackStatusReviewInProgress }

// Busy reports whether an operation is going on.
func (s State) Busy() bool {
	return strings.HasSuffix(string(s.Status), "_IN_PROGRESS") && s.Status != types.StackStatusReviewInProgress
}

// Describe returns the state of the stack; a zero State if there is none. A stack that is not the toolkit's, for this
// site, is an error.
func (s *Stack) Describe(ctx context.Context) (State, error) {
	state, err := s.describe(ctx, s.Name)
	if err != nil || state.ID == "" {
		return State{}, err
	}
	return state, s.owned(state)
}

func (s *Stack) describe(ctx context.Context, nameOrID string) (State, error) {
	out, err := s.API.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &nameOrID})
	if isMissing(err) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("describe stack %s: %w", s.Name, reason.Of(err))
	}
	if len(out.Stacks) != 1 {
		return State{}, fmt.Errorf("describe stack %s: CloudFormation answered with %d stacks", s.Name, len(out.Stacks))
	}
	return newState(out.Stacks[0]), nil
}

func newState(st types.Stack) State {
	state := State{
		ID: aws.ToString(st.StackId), Status: st.StackStatus, Reason: aws.ToString(st.StackStatusReason),
		Description: aws.ToString(st.Description), CreatedAt: aws.ToTime(st.CreationTime), UpdatedAt: aws.ToTime(st.LastUpdatedTime),
		operations: st.LastOperations, Role: aws.ToString(st.RoleARN), Protected: aws.ToBool(st.EnableTerminationProtection),
		Parameters: map[string]string{}, Outputs: map[string]string{}, Tags: map[string]string{},
	}
	for _, p := range st.Parameters {
		state.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, o := range st.Outputs {
		state.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	for _, t := range st.Tags {
		state.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return state
}

// isMissing recognises CloudFormation's answer for a stack that does not exist: a ValidationError with these words.
func isMissing(err error) bool {
	return reason.Code(err) == "ValidationError" && strings.Contains(reason.Message(err), "does not exist")
}

// owned refuses a stack that is somebody else's.
func (s *Stack) owned(state State) error {
	tag, tagged := state.Tags[TagSite]
	switch {
	case tagged && tag == s.Name:
		return nil
	case !tagged && strings.HasPrefix(state.Description, ownDescription):
		return nil // deployed by hand
	case !tagged && state.Status == types.StackStatusReviewInProgress && len(state.Tags) == 0 && state.Description == "":
		return nil // a shell without a mark of anybody
	case tagged:
		return fault.New(fault.Other, "look at it: "+s.Console(state.ID),
			"the stack %s in %s is of the site %s: it is left alone", s.Name, s.Region, tag)
	}
	return fault.New(fault.Other,
		"look at it: "+s.Console(state.ID)+"\nthen delete or rename that stack, give another --region, or, if it is this site's, tag it "+TagSite+"="+s.Name,
		"another tool owns the stack %s in %s (it has no tag %s): it is left alone", s.Name, s.Region, TagSite)
}

// Console is the address of the stack's page in AWS's console.
func (s *Stack) Console(id string) string {
	if id == "" {
		id = s.Name
	}
	return "https://" + s.Region + ".console.aws.amazon.com/cloudformation/home?region=" + s.Region + "#/stacks/events?stackId=" + id
}

// Template returns the template that the stack was made from, as it was sent.
func (s *Stack) Template(ctx context.Context) ([]byte, error) {
	out, err := s.API.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &s.Name, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return nil, fmt.Errorf("read template of stack %s: %w", s.Name, reason.Of(err))
	}
	return []byte(aws.ToString(out.TemplateBody)), nil
}

// pause waits until the next look. Its error is the context's.
func (s *Stack) pause(ctx context.Context) error {
	if pace.Wait(ctx, cmp.Or(s.Pace, DefaultPace)) != nil {
		return s.cutOff(ctx)
	}
	return nil
}

// cutOff is the error of an operation that nobody waits for any longer.
func (s *Stack) cutOff(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) {
		cause = context.Canceled
	}
	return fault.New(fault.Other, "CloudFormation goes on by itself; run deploy again and it continues from there", "stopped waiting for stack %s: %w", s.Name, cause)
}

// token is a name that no other request has. CloudFormation knows by it a request that the SDK sends again because its answer was
// lost; without one, the second is refused for what the first has done (CloudFormation API Reference, "ClientRequestToken").
func token(what string) *string {
	return aws.String(what + "-" + strings.ToLower(rand.Text()))
}

func (s *Stack) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
