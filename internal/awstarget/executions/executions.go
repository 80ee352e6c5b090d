// Package executions reads the executions of a site's pipeline from CodePipeline, follows them stage by stage, and copies
// the output of their builds from CloudWatch Logs.
package executions

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// DefaultPace is the time between two looks at an execution. CodePipeline allows a few requests a second in an account.
const DefaultPace = 2 * time.Second

// The triggers of an execution, in the words of the local target.
const (
	triggerDeploy = "deploy"
	triggerPush   = "push"
	// TriggerUpload is that of a zip file.
	TriggerUpload = "upload"
)

// Pipeline is a site's pipeline on AWS.
type Pipeline struct {
	API    *codepipeline.Client
	Builds *codebuild.Client
	Output *cloudwatchlogs.Client
	// Name is the pipeline's name.
	Name   string
	Region string
	// Pace is the time between two looks; DefaultPace if it is 0.
	Pace time.Duration
}

// Start runs the pipeline for the newest commit and returns the execution's id.
func (p *Pipeline) Start(ctx context.Context) (string, error) {
	out, err := p.API.StartPipelineExecution(ctx, &codepipeline.StartPipelineExecutionInput{Name: &p.Name})
	if err != nil {
		return "", fmt.Errorf("run pipeline %s: %w", p.Name, reason.Of(err))
	}
	return aws.ToString(out.PipelineExecutionId), nil
}

// StartZip runs the pipeline of a site that is fed by zip files for one version of a file, whatever its source action names
// (CodePipeline User Guide, "Start a pipeline with a source revision override"). Without a version it is the current one.
func (p *Pipeline) StartZip(ctx context.Context, key, version string) (string, error) {
	told := []types.SourceRevisionOverride{{ActionName: aws.String(sourceAction), RevisionType: types.SourceRevisionTypeS3ObjectKey, RevisionValue: &key}}
	if version != "" {
		told = append(told, types.SourceRevisionOverride{ActionName: aws.String(sourceAction), RevisionType: types.SourceRevisionTypeS3ObjectVersionId, RevisionValue: &version})
	}
	out, err := p.API.StartPipelineExecution(ctx, &codepipeline.StartPipelineExecutionInput{Name: &p.Name, SourceRevisions: told})
	if err != nil {
		return "", fmt.Errorf("run pipeline %s for %s: %w", p.Name, key, reason.Of(err))
	}
	return aws.ToString(out.PipelineExecutionId), nil
}

// sourceAction is the name of the source action in hosting.yaml.
const sourceAction = "Source"

// Newest returns the id of the newest execution; "" if the pipeline has had none.
func (p *Pipeline) Newest(ctx context.Context) (string, error) {
	s, err := p.newest(ctx)
	if s == nil {
		return "", err
	}
	return aws.ToString(s.PipelineExecutionId), err
}

func (p *Pipeline) newest(ctx context.Context) (*types.PipelineExecutionSummary, error) {
	out, err := p.API.ListPipelineExecutions(ctx, &codepipeline.ListPipelineExecutionsInput{PipelineName: &p.Name, MaxResults: aws.Int32(1)})
	if err != nil {
		return nil, fmt.Errorf("list executions of pipeline %s: %w", p.Name, reason.Of(err))
	}
	if len(out.PipelineExecutionSummaries) == 0 {
		return nil, nil
	}
	return &out.PipelineExecutionSummaries[0], nil
}

// summary finds an execution by its id, or by the beginning of one. CodePipeline keeps twelve months of them; only the
// hundred newest are looked at.
func (p *Pipeline) summary(ctx context.Context, id string) (*types.PipelineExecutionSummary, error) {
	if id == "" {
		s, err := p.newest(ctx)
		if err == nil && s == nil {
			err = fault.New(fault.NotDeployed, "run deploy", "pipeline %s has had no execution yet", p.Name)
		}
		return s, err
	}
	out, err := p.API.ListPipelineExecutions(ctx, &codepipeline.ListPipelineExecutionsInput{PipelineName: &p.Name, MaxResults: aws.Int32(100)})
	if err != nil {
		return nil, fmt.Errorf("list executions of pipeline %s: %w", p.Name, reason.Of(err))
	}
	var found *types.PipelineExecutionSummary
	for i := range out.PipelineExecutionSummaries {
		s := &out.PipelineExecutionSummaries[i]
		if !strings.HasPrefix(aws.ToString(s.PipelineExecutionId), id) {
			continue
		}
		if found != nil {
			return nil, fault.New(fault.Usage, "give more of its id", "more than one execution begins with %s", id)
		}
		found = s
	}
	if found == nil {
		return nil, fault.New(fault.Usage, "run status without an id to see the newest one", "pipeline %s has no execution %s", p.Name, id)
	}
	return found, nil
}

// Get returns an execution, the newest if id is empty. Release is left empty.
func (p *Pipeline) Get(ctx context.Context, id string) (hosting.Execution, error) {
	e, _, err := p.look(ctx, id)
	return e, err
}

// look reads an execution and its actions, oldest first.
func (p *Pipeline) look(ctx context.Context, id string) (hosting.Execution, []types.ActionExecutionDetail, error) {
	s, err := p.summary(ctx, id)
	if err != nil {
		return hosting.Execution{}, nil, err
	}
	actions, err := p.actions(ctx, aws.ToString(s.PipelineExecutionId))
	if err != nil {
		return hosting.Execution{}, nil, err
	}
	return newExecution(s, actions), actions, nil
}

func (p *Pipeline) actions(ctx context.Context, id string) ([]types.ActionExecutionDetail, error) {
	var all []types.ActionExecutionDetail
	// Not the SDK's paginator: it takes the client as an interface, and the linker would then keep all of its operations.
	for in := (&codepipeline.ListActionExecutionsInput{
		PipelineName: &p.Name, Filter: &types.ActionExecutionFilter{PipelineExecutionId: &id},
	}); ; {
		page, err := p.API.ListActionExecutions(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("read execution %s: %w", id, reason.Of(err))
		}
		for _, a := range page.ActionExecutionDetails { // newest first
			all = append([]types.ActionExecutionDetail{a}, all...)
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return all, nil
		}
	}
}

// Console is the address of an execution's page in AWS's console.
func (p *Pipeline) Console(id string) string {
	return "https://" + p.Region + ".console.aws.amazon.com/codesuite/codepipeline/pipelines/" + p.Name + "/executions/" + id + "/visualization?region=" + p.Region
}
