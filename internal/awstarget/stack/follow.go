package stack

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

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

// follow reports on the operation that is going on until it has ended, and returns the stack as it is then. before is what
// was known when the operation was asked for; zero for an operation that was found going on. total is how many resources it
// is about; 0 if that is not known.
func (s *Stack) follow(ctx context.Context, id string, before mark, total int, report hosting.Reporter) (State, error) {
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
		events, err := s.history(ctx, id, state, before)
		if err != nil && !isMissing(err) {
			if ctx.Err() != nil {
				return state, s.cutOff(ctx)
			}
			return state, err
		}
		seen = seen || len(events) > 0
		// Right after the request the stack may still show the status it had before.
		if !state.Busy() && state.Status != types.StackStatusReviewInProgress && (seen || before.event == "" || s.now().Sub(begun) > time.Minute) {
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
func progress(events []event, total int, now time.Time) string {
	type item struct {
		name, typ string
		since     time.Time
	}
	var working []item
	done, all := 0, map[string]event{}
	began := map[string]time.Time{}
	for _, e := range events { // oldest first
		if e.ofStack() {
			continue
		}
		if _, ok := began[e.resource]; !ok {
			began[e.resource] = e.at
		}
		all[e.resource] = e
	}
	for name, e := range all {
		if strings.HasSuffix(string(e.status), "_IN_PROGRESS") {
			working = append(working, item{name, e.typ, began[name]})
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
