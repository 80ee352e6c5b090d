package stack

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// Settle brings the stack into a state from which it can be changed, and returns it; a zero State if there is no stack
// (any more). It waits for an operation that is going on, removes a stack whose creation failed, since it holds nothing,
// and finishes a rollback that got stuck.
func (s *Stack) Settle(ctx context.Context, report hosting.Reporter) (State, error) {
	for range 5 { // each step leaves the state behind; more of them means that somebody else is at work
		state, err := s.Describe(ctx)
		if err != nil {
			return State{}, err
		}
		settled, err := s.settleOnce(ctx, state, report)
		if settled || err != nil {
			return state, err
		}
	}
	return State{}, fault.New(fault.Other, "look at it: "+s.Console(""), "stack %s does not come to rest: something else is changing it", s.Name)
}

// settleOnce does what the state asks for. It returns true if that is nothing.
func (s *Stack) settleOnce(ctx context.Context, state State, report hosting.Reporter) (bool, error) {
	switch state.Status {
	case "", types.StackStatusReviewInProgress,
		types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete,
		types.StackStatusImportComplete, types.StackStatusImportRollbackComplete, types.StackStatusUpdateFailed:
		return true, nil
	case types.StackStatusRollbackComplete, types.StackStatusCreateFailed, types.StackStatusRollbackFailed:
		// CloudFormation cannot update such a stack. It was never complete, so there is no release in it.
		report.Warn("the last attempt to create the stack %s failed (%s), and what is left of it holds no release: it is removed and made again",
			s.Name, s.firstFailure(ctx, state))
		return false, s.remove(ctx, state, report)
	case types.StackStatusUpdateRollbackFailed:
		report.Warn("the last change of the stack %s failed, and taking it back got stuck (%s): that is finished first", s.Name, s.firstFailure(ctx, state))
		return false, s.continueRollback(ctx, state, report)
	case types.StackStatusDeleteFailed:
		return false, fault.New(fault.Other, "run delete: it says what keeps it from being deleted, and goes on from there; then run deploy again\nevery event: "+s.Console(state.ID),
			"stack %s was being deleted, and that failed: %s", s.Name, s.firstFailure(ctx, state))
	}
	if !state.Busy() {
		return false, fault.New(fault.Other, "look at it: "+s.Console(state.ID), "stack %s is in a state that is not known here: %s", s.Name, state.Status)
	}
	report.Detail("an earlier operation is still going on (%s)", state.Status)
	_, err := s.follow(ctx, state.ID, mark{}, 0, report)
	// How that operation ended is for the next look to judge.
	if ctx.Err() == nil && fault.KindOf(err) == fault.Failed {
		err = nil
	}
	return false, err
}

// remove deletes what is left of a stack whose creation failed.
func (s *Stack) remove(ctx context.Context, state State, report hosting.Reporter) error {
	before, err := s.mark(ctx, state.ID)
	if err != nil {
		return err
	}
	if _, err := s.API.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &state.ID, ClientRequestToken: token("delete")}); err != nil {
		return fmt.Errorf("remove failed stack %s: %w", s.Name, reason.Of(err))
	}
	after, err := s.follow(ctx, state.ID, before, 0, report)
	if err != nil {
		return err
	}
	if after.Status != types.StackStatusDeleteComplete && after.ID != "" {
		return fault.New(fault.Other, "delete it in the console: "+s.Console(state.ID), "failed stack %s cannot be removed: %s", s.Name, after.Status)
	}
	return nil
}

// continueRollback takes the stuck rollback of an update up again.
func (s *Stack) continueRollback(ctx context.Context, state State, report hosting.Reporter) error {
	before, err := s.mark(ctx, state.ID)
	if err != nil {
		return err
	}
	in := &cloudformation.ContinueUpdateRollbackInput{StackName: &state.ID, ClientRequestToken: token("continue")}
	if _, err := s.API.ContinueUpdateRollback(ctx, in); err != nil {
		return fmt.Errorf("continue rollback of stack %s: %w", s.Name, reason.Of(err))
	}
	after, err := s.follow(ctx, state.ID, before, 0, report)
	if err != nil && fault.KindOf(err) != fault.Failed {
		return err
	}
	if after.Status != types.StackStatusUpdateRollbackComplete {
		return fault.New(fault.Other,
			"mend or skip the resource that is named, then run deploy again: "+s.Console(state.ID)+" (Stack actions, Continue update rollback)",
			"the rollback of stack %s is stuck: %s", s.Name, s.firstFailure(ctx, after))
	}
	return nil
}
