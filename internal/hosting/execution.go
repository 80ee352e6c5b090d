package hosting

import "time"

// Status is the state of an execution or of one of its stages. The values are CodePipeline's PipelineExecutionStatus.
type Status string

// The statuses. A stage that has not started has the empty status.
const (
	InProgress Status = "InProgress"
	Succeeded  Status = "Succeeded"
	Failed     Status = "Failed"
	Superseded Status = "Superseded"
	Stopped    Status = "Stopped"
)

// Done reports whether the status is final.
func (s Status) Done() bool { return s != "" && s != InProgress }

// The stages of every pipeline, in order.
const (
	StageSource  = "Source"
	StageBuild   = "Build"
	StageRelease = "Release"
)

// Stage is one stage of an execution.
type Stage struct {
	Name      string     `json:"name"`
	Status    Status     `json:"status"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
	EndedAt   *time.Time `json:"endedAt,omitempty"`
	// Error says why the stage failed, was stopped or superseded; empty otherwise.
	Error string `json:"error,omitempty"`
	// Hint says what to do about the error, in one or more lines; empty if that is not known.
	Hint string `json:"hint,omitempty"`
}

// Execution is one run of the pipeline. The words are CodePipeline's: an execution, its stages, their status.
type Execution struct {
	ID     string `json:"execution"`
	Status Status `json:"status"`
	// Revision is the commit id (or, for a zip, its version); empty until the Source stage knows it.
	Revision string `json:"revision"`
	// Message is the first line of the commit's message.
	Message string `json:"message,omitempty"`
	// Trigger says what started the run: "deploy", "push" or "upload".
	Trigger string `json:"trigger,omitempty"`
	// Release is the id of the release that the execution published; it differs from Revision after a rebuild.
	Release   string     `json:"release,omitempty"`
	StartedAt time.Time  `json:"startedAt"`
	EndedAt   *time.Time `json:"endedAt,omitempty"`
	// SupersededBy is the execution that does the work of one that is Superseded; empty where that is not known.
	SupersededBy string  `json:"supersededBy,omitempty"`
	Stages       []Stage `json:"stages"`
}

// FailedStage returns the first stage that did not succeed although it ended, or nil.
func (e *Execution) FailedStage() *Stage {
	for i := range e.Stages {
		if s := &e.Stages[i]; s.Status.Done() && s.Status != Succeeded {
			return s
		}
	}
	return nil
}
