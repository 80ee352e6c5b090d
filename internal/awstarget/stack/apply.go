package stack

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// Apply carries a plan out and returns the stack as it is then. If it fails, CloudFormation takes the change back, and the
// error (a fault.Failed) names the resource that failed first and why.
func (s *Stack) Apply(ctx context.Context, plan *Plan, report hosting.Reporter) (State, error) {
	if plan.id == "" { // nothing to change; a change of nothing but outputs or tags has an id
		return s.Describe(ctx)
	}
	before, err := s.mark(ctx, plan.stackID)
	if ctx.Err() != nil {
		err = s.unplanned(ctx)
	}
	if err != nil {
		s.Discard(ctx, plan)
		return State{}, err
	}
	_, err = s.API.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{
		ChangeSetName: &plan.id, StackName: &plan.stackID, ClientRequestToken: token("change"),
	})
	if ctx.Err() != nil {
		s.Discard(ctx, plan) // unless it is carried out already
		return State{}, s.cutOff(ctx)
	}
	if err != nil {
		s.Discard(ctx, plan)
		return State{}, fmt.Errorf("change stack %s: %w", s.Name, s.refused(err))
	}
	state, err := s.follow(ctx, plan.stackID, before, len(plan.Changes), report)
	if err != nil {
		return state, err
	}
	switch state.Status {
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete:
		return state, nil
	}
	return state, s.failed(ctx, state)
}

// failed is the error of an operation that CloudFormation has taken back.
func (s *Stack) failed(ctx context.Context, state State) error {
	why := s.firstFailure(ctx, state)
	what := "was not changed"
	if strings.HasPrefix(string(state.Status), "ROLLBACK") || strings.HasPrefix(string(state.Status), "CREATE") || state.ID == "" {
		what = "was not created"
	}
	hint := "every event: " + s.Console(state.ID)
	if sentence, out := reason.Explain("", why); out != "" {
		return fault.New(fault.Failed, out+"\n"+hint, "stack %s %s: %s: %s", s.Name, what, sentence, why)
	}
	if exists(why) {
		return fault.New(fault.Failed, leftHint+"\n"+hint,
			"stack %s %s: something of that name is already in the account: %s", s.Name, what, why)
	}
	return fault.New(fault.Failed, "mend that, then run deploy again\n"+hint, "stack %s %s: %s", s.Name, what, why)
}

// leftHint is the way out where a name is taken.
const leftHint = "it may be left from a site that was deleted: remove it in the console, or give another --region, then run deploy again"

func exists(why string) bool {
	return strings.Contains(why, "already exist") || strings.Contains(why, "AlreadyExists")
}

// firstFailure is the resource that failed first in the last operation, and why: what failed after it was only cut short.
// Where taking a change back got stuck, it is the resource that failed last. Where CloudFormation stopped before it touched
// any resource, it is what its checks object to.
func (s *Stack) firstFailure(ctx context.Context, state State) string {
	why := cmp.Or(state.Reason, string(state.Status))
	events, err := s.stackEvents(ctx, state.ID, "")
	if err != nil {
		return why
	}
	if state.Status == types.StackStatusUpdateRollbackFailed || state.Status == types.StackStatusRollbackFailed {
		slices.Reverse(events)
	}
	operation := ""
	for _, e := range events {
		if e.ofStack() && strings.Contains(e.why, "DescribeEvents") {
			why, operation = e.why, e.operation
		}
		if !strings.HasSuffix(string(e.status), "_FAILED") || strings.Contains(e.why, "cancelled") || e.ofStack() {
			continue
		}
		return strings.TrimSuffix(fmt.Sprintf("%s: %s", e.resource, e.why), ": ")
	}
	if operation != "" {
		if found := s.objections(ctx, &cloudformation.DescribeEventsInput{OperationId: &operation}); len(found) > 0 {
			return strings.Join(found, "; ")
		}
	}
	return why
}
