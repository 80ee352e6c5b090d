package double

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
)

// pipeline is a pipeline, with the stack that it is of.
type pipeline struct {
	name       string
	stack      *stack
	executions []*execution // newest first
	// running is held by the execution that is between Source and its end: the others wait.
	running sync.Mutex
}

// execution is one run.
type execution struct {
	id, status, trigger, commit, message string
	started, updated                     time.Time
	actions                              []*action // oldest first
	stop                                 context.CancelFunc
	told                                 revision
}

// action is one action of an execution.
type action struct {
	id, stage, provider, status, build, failure string
	variables                                   map[string]any
	started, updated                            time.Time
}

// madePipeline is what CodePipeline does with a new or a changed pipeline: a new one begins to run.
func (a *Account) madePipeline(s *stack, r *resource, first bool) {
	p := a.pipelines[r.physical]
	if p == nil {
		p = &pipeline{name: r.physical}
		a.pipelines[r.physical] = p
	}
	p.stack = s
	if first {
		a.start(p, "CreatePipeline")
	}
}

// Push tells the account that a repository has a new commit: pipelines that watch its branch begin to run.
func (a *Account) Push(repository string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.pipelines {
		if p.source()["FullRepositoryId"] == repository {
			a.start(p, "WebhookV2")
		}
	}
}

func (p *pipeline) properties() map[string]any { return p.stack.resources["Pipeline"].properties }

// stageAction is the first action of a stage, as the template has it.
func (p *pipeline) stageAction(stage string) map[string]any {
	for _, s := range p.properties()["Stages"].([]any) {
		if s := s.(map[string]any); s["Name"] == stage {
			return s["Actions"].([]any)[0].(map[string]any)
		}
	}
	return nil
}

func (p *pipeline) source() map[string]any {
	return p.stageAction("Source")["Configuration"].(map[string]any)
}

// start begins an execution, with the lock held.
func (a *Account) start(p *pipeline, trigger string) *execution {
	return a.startWith(p, trigger, revision{})
}

// startWith begins an execution that takes a revision of its own.
func (a *Account) startWith(p *pipeline, trigger string, told revision) *execution {
	ctx, cancel := context.WithCancel(context.Background())
	e := &execution{id: a.id(), status: "InProgress", trigger: trigger, started: a.tick(), stop: cancel, told: told}
	e.updated = e.started
	p.executions = append([]*execution{e}, p.executions...)
	a.work.Add(1)
	go func() {
		defer a.work.Done()
		defer cancel()
		a.run(ctx, p, e)
	}()
	return e
}

func (a *Account) stopExecutions() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.pipelines {
		for _, e := range p.executions {
			e.stop()
		}
	}
}

// run takes an execution through its stages. A newer one supersedes one that waits.
func (a *Account) run(ctx context.Context, p *pipeline, e *execution) {
	p.running.Lock()
	defer p.running.Unlock()
	a.mu.Lock()
	superseded := p.executions[0] != e
	a.mu.Unlock()
	if superseded {
		a.finish(e, "Superseded")
		return
	}
	work := filepath.Join(a.scratch, e.id)
	source, site := filepath.Join(work, "source"), filepath.Join(work, "site")
	if a.stopping(e) {
		a.finish(e, "Stopped")
		return
	}
	provider := p.stageAction("Source")["ActionTypeId"].(map[string]any)["Provider"].(string)
	err := a.act(e, "Source", provider, func(act *action) error {
		if provider == "S3" {
			return a.fetchZip(p, e, act, source)
		}
		return a.fetch(ctx, p, e, act, source)
	})
	if err == nil && !a.stopping(e) {
		err = a.act(e, "Build", "CodeBuild", func(act *action) error {
			return a.runBuild(ctx, p, act, "Build", source, site, nil)
		})
	}
	if err == nil && !a.stopping(e) {
		err = a.act(e, "Release", "CodeBuild", func(act *action) error {
			return a.runBuild(ctx, p, act, "Release", site, filepath.Join(work, "out"), a.releaseEnvironment(p, e))
		})
	}
	if a.stopping(e) {
		a.finish(e, "Stopped")
		return
	}
	if err != nil {
		a.finish(e, "Failed")
		return
	}
	a.finish(e, "Succeeded")
}

// stopping reports whether somebody has asked for the end of the execution.
func (a *Account) stopping(e *execution) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return e.status == "Stopping"
}

func (a *Account) finish(e *execution, status string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.status, e.updated = status, a.tick()
	a.tell()
}

// act runs the one action of a stage.
func (a *Account) act(e *execution, stage, provider string, do func(*action) error) error {
	a.mu.Lock()
	act := &action{id: a.id(), stage: stage, provider: provider, status: "InProgress", started: a.tick()}
	act.updated = act.started
	e.actions = append(e.actions, act)
	a.tell()
	a.mu.Unlock()
	err := do(act)
	a.mu.Lock()
	defer a.mu.Unlock()
	act.status, act.updated = "Succeeded", a.tick()
	if err != nil {
		act.status, act.failure = "Failed", err.Error()
	}
	a.tell()
	return err
}

// fetch is the source action: the newest commit of the branch, without .git, as CODE_ZIP has it.
func (a *Account) fetch(ctx context.Context, p *pipeline, e *execution, act *action, dir string) error {
	a.mu.Lock()
	source := p.source()
	arn, _ := source["ConnectionArn"].(string)
	available := false
	for _, c := range a.connections {
		available = available || c.arn == arn && c.status == "AVAILABLE"
	}
	repository := a.Repositories[fmt.Sprint(source["FullRepositoryId"])]
	a.mu.Unlock()
	switch {
	case !available:
		return fmt.Errorf("[GitHub] Connection %s is not available", arn)
	case repository == "":
		return fmt.Errorf("[GitHub] No Repository found with Name: %s", source["FullRepositoryId"])
	}
	branch := fmt.Sprint(source["BranchName"])
	out, err := exec.CommandContext(ctx, "git", "-C", repository, "log", "-1", "--format=%H%n%B", "refs/heads/"+branch, "--").Output()
	if err != nil {
		return fmt.Errorf("[GitHub] No Branch [%s] found for FullRepositoryName [%s]", branch, source["FullRepositoryId"])
	}
	commit, message, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err := checkOut(ctx, repository, commit, dir); err != nil {
		return err
	}
	a.mu.Lock()
	e.commit, e.message = commit, message
	act.variables = map[string]any{"CommitId": commit, "BranchName": fmt.Sprint(source["BranchName"])}
	a.mu.Unlock()
	return nil
}

func (a *Account) codePipeline(name string, req *wire.Request) (map[string]any, *Fault) {
	pipelineName := req.Text("pipelineName") + req.Text("name")
	p := a.pipelines[pipelineName]
	if p == nil {
		return nil, refuse("PipelineNotFoundException", "Account '%s' does not have a pipeline with name '%s'", AccountID, pipelineName)
	}
	switch name {
	case "StopPipelineExecution":
		return p.stopExecution(req)
	case "StartPipelineExecution":
		told, fault := p.told(sourceRevisions(req))
		if fault != nil {
			return nil, fault
		}
		return map[string]any{"pipelineExecutionId": a.startWith(p, "StartPipelineExecution", told).id}, nil
	case "ListPipelineExecutions":
		list := []any{}
		for _, e := range p.executions {
			list = append(list, e.summary())
		}
		if n, ok := req.Input["maxResults"].(float64); ok {
			list = list[:min(len(list), int(n))]
		}
		return map[string]any{"pipelineExecutionSummaries": list}, nil
	}
	list := []any{}
	filter, _ := req.Input["filter"].(map[string]any)
	for _, e := range p.executions {
		if e.id != filter["pipelineExecutionId"] {
			continue
		}
		for i := len(e.actions) - 1; i >= 0; i-- {
			list = append(list, e.actions[i].describe(e))
		}
	}
	return map[string]any{"actionExecutionDetails": list}, nil
}

func (e *execution) summary() map[string]any {
	s := map[string]any{
		"pipelineExecutionId": e.id, "status": e.status, "startTime": e.started, "lastUpdateTime": e.updated,
		"trigger": map[string]any{"triggerType": e.trigger, "triggerDetail": "x"}, "executionMode": "SUPERSEDED",
	}
	if e.commit != "" {
		s["sourceRevisions"] = []any{map[string]any{
			"actionName": "Source", "revisionId": e.commit,
			"revisionSummary": e.revisionSummary(),
		}}
	}
	return s
}

// revisionSummary is JSON for a commit, and a sentence for an object.
func (e *execution) revisionSummary() string {
	if e.actions[0].provider == "S3" {
		return e.message
	}
	return asJSON(map[string]string{"ProviderType": "GitHub", "CommitMessage": e.message})
}

func (act *action) describe(e *execution) map[string]any {
	category, provider := "Source", act.provider
	if provider == "CodeBuild" {
		category = "Build"
	}
	result := map[string]any{}
	if act.build != "" {
		result["externalExecutionId"] = act.build
	}
	if act.failure != "" {
		result["errorDetails"] = map[string]any{"code": "JobFailed", "message": act.failure}
	}
	out := map[string]any{"executionResult": result}
	if act.variables != nil {
		out["outputVariables"] = act.variables
	}
	return map[string]any{
		"pipelineExecutionId": e.id, "actionExecutionId": act.id, "pipelineVersion": int64(1), "stageName": act.stage, "actionName": act.stage,
		"startTime": act.started, "lastUpdateTime": act.updated, "status": act.status,
		"input":  map[string]any{"actionTypeId": map[string]any{"category": category, "owner": "AWS", "provider": provider, "version": "1"}},
		"output": out,
	}
}
