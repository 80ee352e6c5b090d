package stack

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Wanted is what a stack is to become.
type Wanted struct {
	// Template has at most 51,200 bytes.
	Template   []byte
	Parameters map[string]string
	Tags       map[string]string
	// Full waits until every resource is ready to serve (CloudFormation's STANDARD mode). Otherwise CloudFormation is done
	// when the configuration of every resource is applied (EXPRESS), and readiness is for the caller to see to.
	Full bool
}

// discardPatience is how long giving up a plan may take: somebody may have pressed Ctrl-C.
const discardPatience = 5 * time.Second

// Plan is a change set: what an operation would do. It is carried out by Apply or given up by Discard.
type Plan struct {
	// Changes are in the order add, change, replace, remove, and by name. None means that there is nothing to do.
	Changes []Change
	// Creates is true if there is no stack yet.
	Creates bool

	id, stackID string
}

// Kind says what becomes of a resource.
type Kind string

// The kinds of changes.
const (
	Add    Kind = "add"
	Modify Kind = "change"
	// Replace makes a new resource in place of the old one.
	Replace Kind = "REPLACE"
	// MayReplace is what CloudFormation can only decide while it works.
	MayReplace Kind = "MAY REPLACE"
	Remove     Kind = "REMOVE"
)

// Change is what becomes of one resource.
type Change struct {
	Kind Kind
	// Resource is the name in the template, Type its type, Physical what it is called in the account, if it exists.
	Resource, Type, Physical string
	// Causes are the properties that change.
	Causes []string
}

// Loses reports whether the resource that is there now would be gone.
func (c Change) Loses() bool { return c.Kind == Replace || c.Kind == MayReplace || c.Kind == Remove }

// Plan works out what has to be done to make the stack what is wanted. A shell of a change set that was never carried out
// is used again. state is what Settle returned.
func (s *Stack) Plan(ctx context.Context, state State, want Wanted) (*Plan, error) {
	plan := &Plan{Creates: !state.Exists()}
	in := &cloudformation.CreateChangeSetInput{
		StackName:        &s.Name,
		ChangeSetName:    token("deploy"),
		ChangeSetType:    types.ChangeSetTypeUpdate,
		TemplateBody:     aws.String(string(want.Template)),
		Capabilities:     []types.Capability{types.CapabilityCapabilityIam},
		DeploymentConfig: &types.DeploymentConfig{Mode: types.DeploymentConfigModeExpress, DisableRollback: aws.Bool(false)},
		Description:      aws.String("cloudfront-hosting-toolkit deploy"),
	}
	in.ClientToken = in.ChangeSetName
	if want.Full {
		in.DeploymentConfig.Mode = types.DeploymentConfigModeStandard
	}
	if plan.Creates {
		in.ChangeSetType = types.ChangeSetTypeCreate
	}
	for _, name := range sortedKeys(want.Parameters) {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(want.Parameters[name])})
	}
	for _, name := range sortedKeys(want.Tags) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(name), Value: aws.String(want.Tags[name])})
	}
	out, err := s.API.CreateChangeSet(ctx, in)
	if ctx.Err() != nil { // whether it was made or not
		plan.id, plan.stackID = *in.ChangeSetName, s.Name
		s.Discard(ctx, plan)
		return nil, s.unplanned(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("plan change of stack %s: %w", s.Name, s.refused(err))
	}
	plan.id, plan.stackID = aws.ToString(out.Id), aws.ToString(out.StackId)
	err = s.awaitPlan(ctx, plan)
	if err != nil {
		s.Discard(ctx, plan)
	}
	if ctx.Err() != nil {
		err = s.unplanned(ctx)
	}
	return plan, err
}

// unplanned is the error of a change that is not worked out any more.
func (s *Stack) unplanned(ctx context.Context) error {
	return fault.New(fault.Other, "nothing was changed; run it again", "stopped planning the change of stack %s: %w", s.Name, context.Cause(ctx))
}

// overtaken recognises what CloudFormation says when something else has changed the stack since it was looked at.
var overtaken = regexp.MustCompile(`is in \w+ state and can ?not be updated|already exists and cannot be created again|Stack \[\S+\] does not exist`)

// refused explains the refusal of a change. An invalid template or parameter gets its own kind: it is the configuration that has to
// change.
func (s *Stack) refused(err error) error {
	code, message := reason.Code(err), reason.Message(err)
	switch {
	case code == "ChangeSetNotFound", code == "InvalidChangeSetStatus", code == "ValidationError" && overtaken.MatchString(message):
		return fault.New(fault.Other, "is another deployment at work? run deploy again: it waits for that one, and goes on from there",
			"something else has changed the stack %s meanwhile: %s", s.Name, message)
	case code == "ValidationError" && !strings.Contains(message, "IN_PROGRESS"):
		return fault.New(fault.Usage, "see what synth prints; if you have not changed the template yourself, this is a fault of the toolkit",
			"CloudFormation refuses the template: %s", message)
	}
	return reason.Of(err)
}

// awaitPlan waits until CloudFormation has worked the change set out, and reads it.
func (s *Stack) awaitPlan(ctx context.Context, plan *Plan) error {
	for {
		out, err := s.API.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{ChangeSetName: &plan.id, StackName: &plan.stackID})
		if err != nil {
			return fmt.Errorf("read planned change of stack %s: %w", s.Name, reason.Of(err))
		}
		switch out.Status {
		case types.ChangeSetStatusCreateComplete:
			return s.readPlan(ctx, plan, out)
		case types.ChangeSetStatusFailed:
			why := aws.ToString(out.StatusReason)
			if isEmpty(why) {
				s.Discard(ctx, plan)
				plan.id = ""
				return nil
			}
			return s.planFailed(why, s.objections(ctx, &cloudformation.DescribeEventsInput{ChangeSetName: &plan.id}))
		}
		if err := s.pause(ctx); err != nil {
			return err
		}
	}
}

// isEmpty recognises what CloudFormation says of a change set without a change.
func isEmpty(why string) bool {
	return strings.Contains(why, "didn't contain changes") || strings.Contains(why, "No updates are to be performed")
}

// planFailed is the error of a change that CloudFormation refuses before it begins.
func (s *Stack) planFailed(why string, objections []string) error {
	if len(objections) > 0 {
		why = strings.Join(objections, "; ")
	}
	if exists(why) {
		return fault.New(fault.Other, leftHint, "stack %s stays as it is: something of that name is already in the account: %s", s.Name, why)
	}
	if sentence, hint := reason.Explain("", why); hint != "" {
		return fault.New(fault.Other, hint, "plan change of stack %s: %s: %s", s.Name, sentence, why)
	}
	hint := "nothing was changed; mend what is named, then run deploy again"
	if len(objections) == 0 && strings.Contains(why, "DescribeEvents") {
		hint = "nothing was changed; what the checks object to stands in the console (to read it here, allow cloudformation:DescribeEvents): " + s.Console("")
	}
	return fault.New(fault.Other, hint,
		"CloudFormation cannot carry out the change of stack %s: %s", s.Name, why)
}

func (s *Stack) readPlan(ctx context.Context, plan *Plan, out *cloudformation.DescribeChangeSetOutput) error {
	for {
		for _, c := range out.Changes {
			if c.ResourceChange != nil {
				plan.Changes = append(plan.Changes, newChange(c.ResourceChange))
			}
		}
		if out.NextToken == nil {
			break
		}
		var err error
		out, err = s.API.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{
			ChangeSetName: &plan.id, StackName: &plan.stackID, NextToken: out.NextToken,
		})
		if err != nil {
			return fmt.Errorf("read planned change of stack %s: %w", s.Name, reason.Of(err))
		}
	}
	order := []Kind{Add, Modify, MayReplace, Replace, Remove}
	slices.SortFunc(plan.Changes, func(a, b Change) int {
		if by := slices.Index(order, a.Kind) - slices.Index(order, b.Kind); by != 0 {
			return by
		}
		return strings.Compare(a.Resource, b.Resource)
	})
	return nil
}

func newChange(c *types.ResourceChange) Change {
	change := Change{Kind: Modify, Resource: aws.ToString(c.LogicalResourceId), Type: aws.ToString(c.ResourceType), Physical: aws.ToString(c.PhysicalResourceId)}
	switch {
	case c.Action == types.ChangeActionAdd || c.Action == types.ChangeActionImport:
		change.Kind = Add
	case c.Action == types.ChangeActionRemove:
		change.Kind = Remove
	case c.Replacement == types.ReplacementTrue:
		change.Kind = Replace
	case c.Replacement == types.ReplacementConditional:
		change.Kind = MayReplace
	}
	for _, d := range c.Details {
		if d.Target == nil {
			continue
		}
		cause := aws.ToString(d.Target.Name)
		if cause == "" {
			cause = strings.ToLower(string(d.Target.Attribute))
		}
		if !slices.Contains(change.Causes, cause) {
			change.Causes = append(change.Causes, cause)
		}
	}
	slices.Sort(change.Causes)
	return change
}

// Discard gives a plan up. It is tidying: what cannot be removed is removed by CloudFormation with the next change.
func (s *Stack) Discard(ctx context.Context, plan *Plan) {
	if plan.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardPatience)
	defer cancel()
	_, _ = s.API.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{ChangeSetName: &plan.id, StackName: &plan.stackID})
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
