package executions

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pace"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
)

// stopPatience is how long an execution may take to end by itself after its builds were ended; after that its actions are
// abandoned.
const stopPatience = 2 * time.Minute

// StopAll stops every execution that is going on, those included that begin meanwhile: no further action begins, and the
// builds that run are ended. It returns how many there were, once the last one has ended. why is shown in the console; told
// hears what is being waited for. A pipeline that does not exist has none.
//
// An execution is stopped the way that waits for its actions (CodePipeline User Guide, "Stop a pipeline execution"), and a
// build is stopped by itself: abandoning the action would leave the build running, and writing.
func (p *Pipeline) StopAll(ctx context.Context, why string, told func(words string)) (int, error) {
	asked := map[string]time.Time{} // executions, by when
	ended := map[string]bool{}      // builds that were asked to end
	for {
		running, err := p.running(ctx)
		if err != nil || len(running) == 0 {
			return len(asked), err
		}
		for _, s := range running {
			id := aws.ToString(s.PipelineExecutionId)
			since, known := asked[id]
			if !known {
				since, asked[id] = time.Now(), time.Now()
			}
			if abandon := time.Since(since) > stopPatience; !known || abandon {
				if err := p.stop(ctx, id, why, abandon); err != nil {
					return len(asked), err
				}
			}
			if err := p.stopBuilds(ctx, id, ended); err != nil {
				return len(asked), err
			}
		}
		if told != nil {
			told(fmt.Sprintf("waiting until %s of pipeline %s has stopped", aws.ToString(running[0].PipelineExecutionId), p.Name))
		}
		if err := pace.Wait(ctx, cmp.Or(p.Pace, DefaultPace)); err != nil {
			return len(asked), err
		}
	}
}

// running are the executions that have not ended. CodePipeline runs at most one in each stage, and waiting ones beside it:
// they are among the newest hundred.
func (p *Pipeline) running(ctx context.Context) ([]types.PipelineExecutionSummary, error) {
	out, err := p.API.ListPipelineExecutions(ctx, &codepipeline.ListPipelineExecutionsInput{PipelineName: &p.Name, MaxResults: aws.Int32(100)})
	if reason.Code(err) == "PipelineNotFoundException" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list executions of pipeline %s: %w", p.Name, reason.Of(err))
	}
	var running []types.PipelineExecutionSummary
	for _, s := range out.PipelineExecutionSummaries {
		if s.Status == types.PipelineExecutionStatusInProgress || s.Status == types.PipelineExecutionStatusStopping {
			running = append(running, s)
		}
	}
	return running, nil
}

// stop asks for one execution's end. One that ends just now, or is being stopped already, is as well.
func (p *Pipeline) stop(ctx context.Context, id, why string, abandon bool) error {
	_, err := p.API.StopPipelineExecution(ctx, &codepipeline.StopPipelineExecutionInput{
		PipelineName: &p.Name, PipelineExecutionId: &id, Reason: &why, Abandon: abandon,
	})
	switch reason.Code(err) {
	case "PipelineExecutionNotStoppableException", "DuplicatedStopRequestException", "PipelineNotFoundException":
		return nil
	}
	if err != nil {
		return fmt.Errorf("stop execution %s of pipeline %s: %w", id, p.Name, reason.Of(err))
	}
	return nil
}

// stopBuilds ends the builds of an execution that run.
func (p *Pipeline) stopBuilds(ctx context.Context, id string, ended map[string]bool) error {
	actions, err := p.actions(ctx, id)
	if err != nil {
		return err
	}
	for _, a := range actions {
		build := buildOf(a)
		if build == "" || ended[build] || a.Status != types.ActionExecutionStatusInProgress {
			continue
		}
		ended[build] = true
		if _, err := p.Builds.StopBuild(ctx, &codebuild.StopBuildInput{Id: &build}); err != nil && reason.Code(err) != "ResourceNotFoundException" {
			return fmt.Errorf("stop build %s: %w", build, reason.Of(err))
		}
	}
	return nil
}
