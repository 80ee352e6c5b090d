package stack

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
)

// event is a step of an operation, from either of the two calls that tell of it.
type event struct {
	// resource is the name in the template, or the stack's own; physical is what it is called in the account.
	resource, typ, physical, stack string
	status                         types.ResourceStatus
	why                            string
	at                             time.Time
	// operation is the id of the operation that it is of; empty if CloudFormation does not say.
	operation string
}

// ofStack reports whether the event is about the stack itself.
func (e event) ofStack() bool {
	return e.typ == "AWS::CloudFormation::Stack" && e.physical == e.stack
}

// begins reports whether an event is the first of an operation.
func (e event) begins() bool {
	if !e.ofStack() {
		return false
	}
	switch e.status {
	case types.ResourceStatusCreateInProgress, types.ResourceStatusUpdateInProgress, types.ResourceStatusDeleteInProgress,
		types.ResourceStatusImportInProgress:
		return true
	}
	return false
}

// mark is how far the history of a stack went when an operation was asked for: none of the calls that begin one returns its
// id. It is zero for an operation that was found going on.
type mark struct {
	// event is the id of the newest event, operations are the ids of the operations that CloudFormation told of.
	event      string
	operations []string
}

// mark returns how far the stack's history goes now.
func (s *Stack) mark(ctx context.Context, id string) (mark, error) {
	state, err := s.describe(ctx, id)
	if err != nil {
		return mark{}, err
	}
	newest, err := s.newestEvent(ctx, id)
	m := mark{event: newest}
	for _, o := range state.operations {
		m.operations = append(m.operations, aws.ToString(o.OperationId))
	}
	return m, err
}

// since returns the ids of the operations that have changed the stack since a mark: the one that was asked for, and the
// rollback that CloudFormation adds to it. None after a zero mark.
func (s State) since(before mark) (ids []string) {
	for _, o := range s.operations {
		id := aws.ToString(o.OperationId)
		if before.event != "" && o.OperationType != types.OperationTypeCreateChangeset && !slices.Contains(before.operations, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// history returns the events since a mark, oldest first; those of the last operation after a zero mark. It asks by operation
// (DescribeEvents), and where that is not allowed, not known or not possible, for the stack's events.
func (s *Stack) history(ctx context.Context, id string, state State, before mark) ([]event, error) {
	var events []event
	for _, operation := range state.since(before) {
		if s.byStack {
			break
		}
		some, err := s.operationEvents(ctx, &cloudformation.DescribeEventsInput{OperationId: &operation})
		if ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			events, s.byStack = nil, true
			break
		}
		for _, e := range some {
			if e.ResourceStatus != "" {
				events = append(events, event{
					resource: aws.ToString(e.LogicalResourceId), typ: aws.ToString(e.ResourceType), physical: aws.ToString(e.PhysicalResourceId),
					stack: aws.ToString(e.StackId), status: e.ResourceStatus, why: aws.ToString(e.ResourceStatusReason),
					at: aws.ToTime(e.Timestamp), operation: operation,
				})
			}
		}
	}
	if len(events) == 0 {
		return s.stackEvents(ctx, id, before.event)
	}
	slices.SortStableFunc(events, func(a, b event) int { return a.at.Compare(b.at) })
	return events, nil
}

// operationEvents returns what DescribeEvents answers, in its order.
func (s *Stack) operationEvents(ctx context.Context, in *cloudformation.DescribeEventsInput) ([]types.OperationEvent, error) {
	var events []types.OperationEvent
	// Not the SDK's paginator: it takes the client as an interface, and the linker would then keep all of its operations.
	for {
		page, err := s.API.DescribeEvents(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("read events of stack %s: %w", s.Name, reason.Of(err))
		}
		events = append(events, page.OperationEvents...)
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return events, nil
		}
	}
}

// objections are what CloudFormation's own checks and the account's hooks have against a change: only DescribeEvents tells
// them, and the status of the change set or of the stack says no more than that there are some ("Validate stack
// deployments", CloudFormation User Guide). None if they cannot be read: the status has to do then.
func (s *Stack) objections(ctx context.Context, in *cloudformation.DescribeEventsInput) []string {
	in.Filters = &types.EventFilter{FailedEvents: aws.Bool(true)}
	events, err := s.operationEvents(ctx, in)
	if err != nil {
		return nil
	}
	slices.SortStableFunc(events, func(a, b types.OperationEvent) int { return aws.ToTime(a.Timestamp).Compare(aws.ToTime(b.Timestamp)) })
	var found []string
	for _, e := range events {
		why := ""
		switch {
		case e.EventType == types.EventTypeValidationError && e.ValidationFailureMode != types.HookFailureModeWarn:
			why = cmp.Or(aws.ToString(e.ValidationStatusReason), aws.ToString(e.ValidationName))
		case e.EventType == types.EventTypeHookInvocationError && e.HookFailureMode != types.HookFailureModeWarn:
			why = "the hook " + aws.ToString(e.HookType) + " refuses it: " + aws.ToString(e.HookStatusReason)
		default:
			continue
		}
		found = append(found, strings.TrimPrefix(fmt.Sprintf("%s: %s", aws.ToString(e.LogicalResourceId), why), ": "))
	}
	return found
}

// stackEvents returns the stack's events after the one with the given id, oldest first; with an empty id, those of the last
// operation.
func (s *Stack) stackEvents(ctx context.Context, id, after string) ([]event, error) {
	var events []event
	for in := (&cloudformation.DescribeStackEventsInput{StackName: &id}); ; {
		page, err := s.API.DescribeStackEvents(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("read events of stack %s: %w", s.Name, reason.Of(err))
		}
		for _, e := range page.StackEvents { // newest first
			if after != "" && aws.ToString(e.EventId) == after {
				slices.Reverse(events)
				return events, nil
			}
			events = append(events, event{
				resource: aws.ToString(e.LogicalResourceId), typ: aws.ToString(e.ResourceType), physical: aws.ToString(e.PhysicalResourceId),
				stack: aws.ToString(e.StackId), status: e.ResourceStatus, why: aws.ToString(e.ResourceStatusReason),
				at: aws.ToTime(e.Timestamp), operation: aws.ToString(e.OperationId),
			})
			if after == "" && events[len(events)-1].begins() {
				slices.Reverse(events)
				return events, nil
			}
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			slices.Reverse(events)
			return events, nil
		}
	}
}

// newestEvent returns the id of the newest event; empty if there is none.
func (s *Stack) newestEvent(ctx context.Context, id string) (string, error) {
	out, err := s.API.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &id})
	if isMissing(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read events of stack %s: %w", s.Name, reason.Of(err))
	}
	if len(out.StackEvents) == 0 {
		return "", nil
	}
	return aws.ToString(out.StackEvents[0].EventId), nil
}
