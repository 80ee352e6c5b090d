package executions

import (
	"cmp"
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pace"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// Watcher is told how an execution goes on. Its functions may be nil.
type Watcher struct {
	// Output gets the builds' output as it comes.
	Output io.Writer
	// Changed is called with each state of the execution that differs from the one before.
	Changed func(hosting.Execution)
	// Waiting is told what the execution is waiting for.
	Waiting func(text string)
}

// Follow watches an execution until it is done, and returns it. It ends early only with an error.
func (p *Pipeline) Follow(ctx context.Context, id string, w Watcher) (hosting.Execution, error) {
	copied := map[string]*output{}
	var shown hosting.Execution
	for {
		e, actions, err := p.look(ctx, id)
		if err != nil {
			return shown, err
		}
		id = e.ID
		// What a build has written last comes before the news that the next stage has begun.
		if err := p.copyActions(ctx, actions, copied, w, true); err != nil {
			return e, err
		}
		if w.Changed != nil && !same(shown, e) {
			w.Changed(e)
		}
		shown = e
		if err := p.copyActions(ctx, actions, copied, w, false); err != nil {
			return e, err
		}
		if e.Status.Done() {
			return e, nil
		}
		if err := pace.Wait(ctx, cmp.Or(p.Pace, DefaultPace)); err != nil {
			return e, err
		}
	}
}

// copyActions copies what is new of the builds that have been seen before, or of the others.
func (p *Pipeline) copyActions(ctx context.Context, actions []types.ActionExecutionDetail, copied map[string]*output, w Watcher, known bool) error {
	for _, a := range actions {
		if build := buildOf(a); build == "" || (copied[build] != nil) != known {
			continue
		}
		if err := p.copyAction(ctx, a, copied, w); err != nil {
			return err
		}
	}
	return nil
}

// copyAction copies what is new of an action's build, and says what the build waits for before it has any output.
func (p *Pipeline) copyAction(ctx context.Context, a types.ActionExecutionDetail, copied map[string]*output, w Watcher) error {
	build := buildOf(a)
	o := copied[build]
	if o == nil {
		o = &output{pipeline: p, build: build}
		copied[build] = o
	}
	if o.done {
		return nil
	}
	ended := a.Status != types.ActionExecutionStatusInProgress
	phase, err := o.copy(ctx, w.Output, ended)
	if err == nil && phase != "" && !ended && w.Waiting != nil {
		w.Waiting(phase)
	}
	return err
}

// buildOf is the id of the CodeBuild build that an action runs; "" for other actions, and before the build has begun.
func buildOf(a types.ActionExecutionDetail) string {
	if a.Input == nil || a.Input.ActionTypeId == nil || aws.ToString(a.Input.ActionTypeId.Provider) != "CodeBuild" {
		return ""
	}
	if a.Output == nil || a.Output.ExecutionResult == nil {
		return ""
	}
	return aws.ToString(a.Output.ExecutionResult.ExternalExecutionId)
}

// same reports whether nothing that is shown has changed between two looks.
func same(a, b hosting.Execution) bool {
	if a.ID != b.ID || a.Status != b.Status || a.Revision != b.Revision || len(a.Stages) != len(b.Stages) {
		return false
	}
	for i := range a.Stages {
		if a.Stages[i].Status != b.Stages[i].Status || a.Stages[i].Error != b.Stages[i].Error {
			return false
		}
	}
	return true
}
