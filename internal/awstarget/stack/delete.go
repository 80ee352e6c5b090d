package stack

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// Resource is a resource of a stack.
type Resource struct {
	// Name is the one in the template, ID the one in the account; ID is empty for what was never made.
	Name, Type, ID string
	Status         types.ResourceStatus
	// Why is CloudFormation's reason for the status, most often of a failure; it may be empty.
	Why string
}

// Resources returns what a stack holds, by its ID: also after a failed creation or deletion, when it has no outputs. What is
// deleted, or was left in the account by an earlier deletion, is not among them.
func (s *Stack) Resources(ctx context.Context, id string) ([]Resource, error) {
	var list []Resource
	for in := (&cloudformation.ListStackResourcesInput{StackName: &id}); ; {
		page, err := s.API.ListStackResources(ctx, in)
		if isMissing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list resources of stack %s: %w", s.Name, reason.Of(err))
		}
		for _, r := range page.StackResourceSummaries {
			if r.ResourceStatus == types.ResourceStatusDeleteComplete || r.ResourceStatus == types.ResourceStatusDeleteSkipped {
				continue
			}
			list = append(list, Resource{
				Name: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType), ID: aws.ToString(r.PhysicalResourceId),
				Status: r.ResourceStatus, Why: aws.ToString(r.ResourceStatusReason),
			})
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return list, nil
		}
	}
}

// Stuck is the error of a deletion that left resources, because they could not be deleted. The stack is DELETE_FAILED then.
type Stuck struct {
	Stack  string
	Failed []Resource
}

// Error names the resources with CloudFormation's reasons.
func (e *Stuck) Error() string {
	var parts []string
	for _, r := range e.Failed {
		parts = append(parts, strings.TrimSuffix(r.Name+": "+r.Why, ": "))
	}
	return "stack " + e.Stack + " cannot be deleted: " + strings.Join(parts, "; ")
}

// errProtected is what CloudFormation says of a stack that is protected.
const errProtected = "TerminationProtection is enabled"

// CheckProtection is an error, with the command that switches it off, if the stack is protected against its deletion.
func (s *Stack) CheckProtection(state State) error {
	if !state.Protected {
		return nil
	}
	return s.protected()
}

func (s *Stack) protected() error {
	return fault.New(fault.Other,
		fmt.Sprintf("if it may go, run: aws cloudformation update-termination-protection --no-enable-termination-protection --region %s --stack-name %s\nthen run delete again", s.Region, s.Name),
		"stack %s is protected against its deletion (termination protection): nothing was deleted", s.Name)
}

// Delete deletes the stack and reports by resource until it is gone. It waits for an operation that is going on, first; a
// deletion is taken for this one. What could not be deleted is a *Stuck, and Delete may be called again. retain names
// resources to leave in the account: CloudFormation takes it for those only that failed to be deleted before.
func (s *Stack) Delete(ctx context.Context, retain []string, report hosting.Reporter) error {
	err := s.delete(ctx, retain, report)
	if ctx.Err() != nil {
		return fault.New(fault.Other, "CloudFormation goes on by itself; run delete again and it continues from there", "stopped waiting for stack %s: %w", s.Name, context.Cause(ctx))
	}
	return err
}

func (s *Stack) delete(ctx context.Context, retain []string, report hosting.Reporter) error {
	state, err := s.Rest(ctx, report)
	if err != nil || state.ID == "" {
		return err
	}
	if err := s.CheckProtection(state); err != nil {
		return err
	}
	resources, err := s.Resources(ctx, state.ID)
	if err != nil {
		return err
	}
	before, err := s.mark(ctx, state.ID)
	if err != nil {
		return err
	}
	_, err = s.API.DeleteStack(ctx, &cloudformation.DeleteStackInput{
		StackName: &state.ID, RetainResources: retain, ClientRequestToken: token("delete"),
	})
	if err != nil && strings.Contains(reason.Message(err), errProtected) {
		return s.protected()
	}
	if err != nil {
		return fmt.Errorf("delete stack %s: %w", s.Name, reason.Of(err))
	}
	after, err := s.follow(ctx, state.ID, before, len(resources), report)
	if err != nil {
		return err
	}
	return s.deleted(ctx, after)
}

// deleted judges how a deletion ended.
func (s *Stack) deleted(ctx context.Context, after State) error {
	if after.ID == "" || after.Status == types.StackStatusDeleteComplete {
		return nil
	}
	if after.Status != types.StackStatusDeleteFailed {
		return fault.New(fault.Other, "look at it: "+s.Console(after.ID), "stack %s is not being deleted: %s %s", s.Name, after.Status, after.Reason)
	}
	resources, err := s.Resources(ctx, after.ID)
	if err != nil {
		return err
	}
	stuck := &Stuck{Stack: s.Name}
	for _, r := range resources {
		if r.Status == types.ResourceStatusDeleteFailed {
			stuck.Failed = append(stuck.Failed, r)
		}
	}
	if len(stuck.Failed) == 0 {
		stuck.Failed = []Resource{{Name: s.Name, Why: after.Reason}}
	}
	return stuck
}

// Rest waits until no operation is going on, and returns the stack as it is then; a zero State if there is none any more. It
// mends nothing: every state at rest can be deleted from.
func (s *Stack) Rest(ctx context.Context, report hosting.Reporter) (State, error) {
	for {
		state, err := s.Describe(ctx)
		if err != nil || !state.Busy() {
			return state, err
		}
		report.Detail("an earlier operation is still going on (%s)", state.Status)
		if _, err := s.follow(ctx, state.ID, mark{}, 0, report); err != nil && !isMissing(err) {
			return state, err
		}
	}
}

// IsStuck returns the error of a deletion that left resources; nil for every other error.
func IsStuck(err error) *Stuck {
	var stuck *Stuck
	errors.As(err, &stuck)
	return stuck
}
