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
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// slow says what CloudFormation waits for with the resources that take long.
var slow = map[string]string{
	"AWS::CloudFront::Distribution":    "CloudFront is spreading it to its edge locations, which takes minutes",
	"AWS::CloudFront::Function":        "CloudFront is publishing it",
	"AWS::CloudFront::KeyValueStore":   "CloudFront is making it available",
	"AWS::IAM::Role":                   "IAM is spreading it",
	"AWS::CodePipeline::Pipeline":      "the pipeline is being made",
	"AWS::CodeConnections::Connection": "the connection is being made",
}

// follow reports on the operation that is going on until it has ended, and returns the stack as it is then. after is the
// id of the newest event before the operation; empty for an operation that was found going on. total is how many resources
// it is about; 0 if that is not known.
func (s *Stack) follow(ctx context.Context, id, after string, total int, report hosting.Reporter) (State, error) {
	begun := s.now()
	seen := false
	for {
		state, err := s.describe(ctx, id)
		if err != nil {
			if ctx.Err() != nil {
				return state, s.cutOff(ctx)
			}
			return state, err
		}
		events, err := s.events(ctx, id, after)
		if err != nil && !isMissing(err) {
			if ctx.Err() != nil {
				return state, s.cutOff(ctx)
			}
			return state, err
		}
		seen = seen || len(events) > 0
		// Right after the request the stack may still show the status it had before.
		if !state.Busy() && state.Status != types.StackStatusReviewInProgress && (seen || after == "" || s.now().Sub(begun) > time.Minute) {
			return state, nil
		}
		if words := progress(events, total, s.now()); words != "" {
			report.Detail("%s", words)
		}
		if err := s.pause(ctx); err != nil {
			return state, err
		}
	}
}

// progress says how many resources are done, and what is being waited for.
func progress(events []types.StackEvent, total int, now time.Time) string {
	type item struct {
		name, typ string
		since     time.Time
	}
	var working []item
	done, all := 0, map[string]types.StackEvent{}
	began := map[string]time.Time{}
	for _, e := range events { // oldest first
		if isStack(e) {
			continue
		}
		name := aws.ToString(e.LogicalResourceId)
		if _, ok := began[name]; !ok {
			began[name] = aws.ToTime(e.Timestamp)
		}
		all[name] = e
	}
	for name, e := range all {
		if strings.HasSuffix(string(e.ResourceStatus), "_IN_PROGRESS") {
			working = append(working, item{name, aws.ToString(e.ResourceType), began[name]})
		} else {
			done++
		}
	}
	if len(all) == 0 {
		return ""
	}
	words := fmt.Sprintf("%d of %d resources done", done, max(total, len(all)))
	if len(working) == 0 {
		return words
	}
	slices.SortFunc(working, func(a, b item) int {
		return cmp.Or(a.since.Compare(b.since), strings.Compare(a.name, b.name))
	})
	first := working[0]
	words += "; waiting for " + first.name
	if n := len(working) - 1; n > 0 {
		words += fmt.Sprintf(" and %d more", n)
	}
	if took := now.Sub(first.since).Round(time.Second); took >= 10*time.Second {
		words += " for " + took.String()
	}
	if why := slow[first.typ]; why != "" {
		words += " (" + why + ")"
	}
	return words
}

func isStack(e types.StackEvent) bool {
	return aws.ToString(e.ResourceType) == "AWS::CloudFormation::Stack" && aws.ToString(e.PhysicalResourceId) == aws.ToString(e.StackId)
}

// begins reports whether an event is the first of an operation.
func begins(e types.StackEvent) bool {
	if !isStack(e) {
		return false
	}
	switch e.ResourceStatus {
	case types.ResourceStatusCreateInProgress, types.ResourceStatusUpdateInProgress, types.ResourceStatusDeleteInProgress,
		types.ResourceStatusImportInProgress:
		return true
	}
	return false
}

// events returns the stack's events after the one with the given id, oldest first; with an empty id, those of the last
// operation.
func (s *Stack) events(ctx context.Context, id, after string) ([]types.StackEvent, error) {
	var events []types.StackEvent
	// Not the SDK's paginator: it takes the client as an interface, and the linker would then keep all of its operations.
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
			events = append(events, e)
			if after == "" && begins(e) {
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
