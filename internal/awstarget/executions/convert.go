package executions

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// newExecution puts what CodePipeline tells in the words of every target.
func newExecution(s *types.PipelineExecutionSummary, actions []types.ActionExecutionDetail) hosting.Execution {
	e := hosting.Execution{
		ID: aws.ToString(s.PipelineExecutionId), Status: executionStatus(s.Status), StartedAt: aws.ToTime(s.StartTime).UTC(),
		Trigger: triggerPush,
		Stages:  []hosting.Stage{{Name: hosting.StageSource}, {Name: hosting.StageBuild}, {Name: hosting.StageRelease}},
	}
	if s.Trigger != nil && (s.Trigger.TriggerType == types.TriggerTypeCreatePipeline || s.Trigger.TriggerType == types.TriggerTypeStartPipelineExecution) {
		e.Trigger = triggerDeploy
	} else if s.Trigger != nil && s.Trigger.TriggerType == types.TriggerTypeCloudWatchEvent {
		e.Trigger = TriggerUpload
	}
	for _, r := range s.SourceRevisions {
		e.Revision = aws.ToString(r.RevisionId)
		e.Message = firstLine(message(aws.ToString(r.RevisionSummary)))
	}
	for _, a := range actions {
		if stage := stageNamed(&e, aws.ToString(a.StageName)); stage != nil {
			fillStage(stage, a)
		}
		if key := objectKey(a); key != "" {
			e.Message = key
		}
		if foundNoZip(s, a) {
			e.Status, e.Stages[0].Status, e.Stages[0].Error = hosting.Stopped, hosting.Stopped, NoZip
		}
	}
	if e.Status.Done() {
		ended := aws.ToTime(s.LastUpdateTime).UTC()
		e.EndedAt = &ended
		closeStages(&e, s)
	}
	return e
}

// NoZip is why the first execution of a new pipeline of zip files stopped, where nobody had uploaded one yet.
const NoZip = "there was no zip file yet"

// foundNoZip reports whether an action is the Source of an execution that CodePipeline has begun with the pipeline itself, and
// that found no zip file. CodePipeline calls that failed, and there is nothing to mend.
func foundNoZip(s *types.PipelineExecutionSummary, a types.ActionExecutionDetail) bool {
	return s.Trigger != nil && s.Trigger.TriggerType == types.TriggerTypeCreatePipeline &&
		a.Status == types.ActionExecutionStatusFailed && a.Input != nil && a.Input.ActionTypeId != nil &&
		aws.ToString(a.Input.ActionTypeId.Provider) == "S3" && strings.Contains(failure(a), "does not exist")
}

// failure is what an action that has not succeeded says of it.
func failure(a types.ActionExecutionDetail) string {
	if a.Output == nil || a.Output.ExecutionResult == nil {
		return ""
	}
	result := a.Output.ExecutionResult
	switch {
	case result.ErrorDetails != nil:
		return aws.ToString(result.ErrorDetails.Message)
	case a.Status == types.ActionExecutionStatusFailed:
		return aws.ToString(result.ExternalExecutionSummary)
	}
	return ""
}

// objectKey is the key of the zip file that a source action took, or "".
func objectKey(a types.ActionExecutionDetail) string {
	if a.Output == nil {
		return ""
	}
	return a.Output.OutputVariables["ObjectKey"]
}

// executionStatus maps CodePipeline's statuses. A cancelled execution is one that an edit of the pipeline ended.
func executionStatus(s types.PipelineExecutionStatus) hosting.Status {
	switch s {
	case types.PipelineExecutionStatusSucceeded:
		return hosting.Succeeded
	case types.PipelineExecutionStatusFailed:
		return hosting.Failed
	case types.PipelineExecutionStatusSuperseded:
		return hosting.Superseded
	case types.PipelineExecutionStatusStopped, types.PipelineExecutionStatusCancelled:
		return hosting.Stopped
	}
	return hosting.InProgress
}

func actionStatus(s types.ActionExecutionStatus) hosting.Status {
	switch s {
	case types.ActionExecutionStatusSucceeded:
		return hosting.Succeeded
	case types.ActionExecutionStatusFailed:
		return hosting.Failed
	case types.ActionExecutionStatusAbandoned:
		return hosting.Stopped
	}
	return hosting.InProgress
}

func stageNamed(e *hosting.Execution, name string) *hosting.Stage {
	for i := range e.Stages {
		if e.Stages[i].Name == name {
			return &e.Stages[i]
		}
	}
	return nil
}

// fillStage takes a stage's state from its action: each stage of hosting.yaml has one. A retried action comes again.
func fillStage(stage *hosting.Stage, a types.ActionExecutionDetail) {
	started := aws.ToTime(a.StartTime).UTC()
	*stage = hosting.Stage{Name: stage.Name, Status: actionStatus(a.Status), StartedAt: &started}
	if stage.Status.Done() {
		ended := aws.ToTime(a.LastUpdateTime).UTC()
		stage.EndedAt = &ended
	}
	if stage.Status != hosting.Succeeded {
		stage.Error = failure(a)
	}
}

// closeStages says of an execution that ended between two stages, or without any, where it did.
func closeStages(e *hosting.Execution, s *types.PipelineExecutionSummary) {
	if e.Status == hosting.Succeeded || e.FailedStage() != nil {
		return
	}
	why := aws.ToString(s.StatusSummary)
	if s.StopTrigger != nil && aws.ToString(s.StopTrigger.Reason) != "" {
		why = aws.ToString(s.StopTrigger.Reason)
	}
	if why == "" {
		why = map[hosting.Status]string{
			hosting.Superseded: "a newer execution took its place",
			hosting.Stopped:    "it was stopped",
			hosting.Failed:     "CodePipeline does not say why",
		}[e.Status]
	}
	for i := range e.Stages {
		if stage := &e.Stages[i]; stage.Status != hosting.Succeeded {
			stage.Status, stage.Error = e.Status, why
			if stage.StartedAt != nil && stage.EndedAt == nil {
				stage.EndedAt = e.EndedAt
			}
			return
		}
	}
}

// message takes the commit's message out of a revision's summary: for a connection, it is JSON with the key CommitMessage
// beside the name of the provider; for other sources it is the message itself.
func message(summary string) string {
	if !strings.HasPrefix(summary, "{") {
		return summary
	}
	var parsed struct{ CommitMessage string }
	if json.Unmarshal([]byte(summary), &parsed) != nil {
		return summary
	}
	return parsed.CommitMessage
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}
