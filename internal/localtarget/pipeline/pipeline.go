// Package pipeline runs the executions of one site: three stages (source, build, release) with the semantics of
// CodePipeline's SUPERSEDED mode, records on disk, and recovery of what a crash left behind.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/watch"
)

const (
	// keepRecords is how many executions stay on record.
	keepRecords = 50
	// glance is how often the folder is looked at even if the file system reports nothing.
	glance = 500 * time.Millisecond
)

// errStopped is the cause of a stage's context when the pipeline ends.
var errStopped = errors.New("the server was stopped while it ran")

// Superseded is what a stage returns when a newer run has made its work pointless. The text says which.
type Superseded struct{ By string }

func (s Superseded) Error() string { return s.By }

// Job is one execution on its way through the stages. It belongs to the stage that works on it.
type Job struct {
	Execution hosting.Execution
	// Output is what `logs` shows.
	Output io.Writer
	// Progress says what the stage is at; it may be called often.
	Progress func(format string, args ...any)

	log *logFile
	// inputs is what its build was made from, besides the commit; empty until it begins.
	inputs string
}

// Work is what the stages do. Each stage is called for one job at a time, stages of different jobs at the same time.
// An error fails the execution, Superseded ends it as superseded, and the end of ctx stops it.
type Work interface {
	// Source finds the commit, if the job has none yet, and fetches its files.
	Source(ctx context.Context, j *Job) error
	// Build makes the artifacts.
	Build(ctx context.Context, j *Job) error
	// Release makes them live.
	Release(ctx context.Context, j *Job) error
	// Finish is called once for each job when nothing works on it any more.
	Finish(j *Job)
}

// Pipeline runs the executions of one site. No other process may run the same site's at the same time.
type Pipeline struct {
	Records Records
	Work    Work
	// Concerns, if it is set, tells whether commit can lead to another site than revision, which the newest execution was
	// for. One that cannot is not run by itself.
	Concerns func(ctx context.Context, revision string, commit source.Commit) bool
	// Inputs, if it is set, tells what a job's build is made from besides its commit, if it begins now: a text that is another one
	// when that has changed, and "" if it cannot be told.
	Inputs func(j *Job) string
	// Log is for what no execution's record can hold.
	Log *slog.Logger

	pushes chan source.Commit
}

// New returns a pipeline that is not running yet.
func New(records Records, work Work, log *slog.Logger) *Pipeline {
	return &Pipeline{Records: records, Work: work, Log: log, pushes: make(chan source.Commit, 1)}
}

// Push tells that the branch points at commit. It runs unless the newest execution was for the same commit, however
// that one ended: a commit that fails is not tried again until someone asks for it. One that was stopped is.
// Push does not wait; of several commits in a row only the last may run. It is called from one goroutine.
func (p *Pipeline) Push(commit source.Commit) {
	select {
	case <-p.pushes: // what was not taken up yet is older
	default:
	}
	p.pushes <- commit
}

// Run works until ctx ends; then it stops what runs, waits for that, and returns. Records that a process left in the
// middle are marked as stopped, and requests that nobody took up are run.
func (p *Pipeline) Run(ctx context.Context) error {
	r := &runner{Pipeline: p, known: map[string]bool{}, done: make(chan finished), unsaved: map[string]hosting.Execution{}}
	if err := r.recover(); err != nil {
		return err
	}
	changes := watch.New(nil)
	defer changes.Close()
	changes.Add(p.Records.Dir)
	glances := time.NewTicker(glance)
	defer glances.Stop()
	stages, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.takeRequests()
	for {
		r.considerPush(ctx)
		r.advance(stages)
		select {
		case <-ctx.Done():
			stop(errStopped)
			r.drain()
			return nil
		case f := <-r.done:
			r.finish(f)
		case c := <-p.pushes:
			r.pending = &c
		case <-changes.C:
			r.takeRequests()
		case <-glances.C:
			r.takeRequests()
			r.saveAgain()
		}
	}
}

// finished is the end of one stage of one job.
type finished struct {
	stage int
	job   *Job
	err   error
}

// runner is the state of Run; only its goroutine uses it.
type runner struct {
	*Pipeline
	schedule schedule
	known    map[string]bool
	pending  *source.Commit
	done     chan finished
	// unsaved are the records of executions that are done and that could not be written.
	unsaved map[string]hosting.Execution
	// unlisted is why the records cannot be listed at present; empty if they can.
	unlisted string
}

// recover marks what a dead process left behind. Its work is not resumed: a stage may have done any part of it.
func (r *runner) recover() error {
	ids, err := r.Records.IDs()
	if err != nil {
		return err
	}
	for _, id := range ids {
		e, err := r.Records.Load(id)
		if err != nil {
			r.Log.Warn("an execution's record cannot be read", "execution", id, "error", err)
			r.known[id] = true
			continue
		}
		if e.Status.Done() {
			r.known[id] = true
		} else if started(e) {
			r.known[id] = true
			end(&e, hosting.Stopped, "the server ended while it ran", "", r.Records.now())
			r.Records.SetProgress(id, "")
			if err := r.Records.Save(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func started(e hosting.Execution) bool { return e.Stages[0].Status != "" }

// end gives an execution its final status. A stage that ran ends with it; one that would have been next says why it
// never began.
func end(e *hosting.Execution, status hosting.Status, why, hint string, at time.Time) {
	e.Status, e.EndedAt = status, &at
	for i := range e.Stages {
		s := &e.Stages[i]
		if s.Status.Done() {
			continue
		}
		if s.Status == hosting.InProgress {
			s.EndedAt = &at
		}
		s.Status, s.Error, s.Hint = status, why, hint
		return
	}
}

// takeRequests queues new records, the oldest first.
func (r *runner) takeRequests() {
	ids, err := r.Records.IDs()
	if err != nil {
		if err.Error() != r.unlisted {
			r.Log.Error("executions cannot be listed", "error", err)
		}
		r.unlisted = err.Error()
		return
	}
	r.unlisted = ""
	for i := len(ids) - 1; i >= 0; i-- {
		if r.known[ids[i]] {
			continue
		}
		r.known[ids[i]] = true
		e, err := r.Records.Load(ids[i])
		if err != nil {
			r.Log.Warn("an execution's record cannot be read", "execution", ids[i], "error", err)
			continue
		}
		if !e.Status.Done() {
			r.arrive(stageSource, &Job{Execution: e})
		}
	}
}

func (r *runner) arrive(stage int, j *Job) {
	superseded, by := r.schedule.arrive(stage, j)
	if superseded != nil {
		superseded.Execution.SupersededBy = by.Execution.ID
		r.conclude(superseded, hosting.Superseded, fmt.Sprintf("execution %s, which is newer, took its place", by.Execution.ID), "")
	}
}

// advance starts what can start. The last stage goes first, so that a stage is free for who comes next.
func (r *runner) advance(ctx context.Context) {
	for stage := stageCount - 1; stage >= 0; stage-- {
		if j := r.schedule.next(stage); j != nil {
			r.begin(ctx, stage, j)
		}
	}
}

func (r *runner) begin(ctx context.Context, stage int, j *Job) {
	if j.log == nil {
		j.log = openLog(r.Records.Log(j.Execution.ID))
		j.Output = j.log
	}
	r.Records.SetProgress(j.Execution.ID, "")
	throttle := newThrottle(func(text string) { r.Records.SetProgress(j.Execution.ID, text) })
	j.Progress = throttle.say
	if stage == stageBuild && r.Inputs != nil {
		j.inputs = r.Inputs(j)
	}
	now := r.Records.now()
	j.Execution.Stages[stage].Status, j.Execution.Stages[stage].StartedAt = hosting.InProgress, &now
	r.save(j)
	work := [stageCount]func(context.Context, *Job) error{r.Work.Source, r.Work.Build, r.Work.Release}[stage]
	go func() {
		err := guard(work)(ctx, j)
		throttle.close()
		if ctx.Err() != nil && err != nil {
			err = errStopped
		}
		r.done <- finished{stage, j, err}
	}()
}

// guard makes an error of a panic: a defect in one site's stage must not end the server for all sites.
func guard(work func(context.Context, *Job) error) func(context.Context, *Job) error {
	return func(ctx context.Context, j *Job) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("a defect of the toolkit ended the stage: %v", p)
			}
		}()
		return work(ctx, j)
	}
}

// finish takes a job out of its stage, and on to the next one.
func (r *runner) finish(f finished) {
	r.schedule.leave(f.stage)
	var superseded Superseded
	switch {
	case f.err == nil:
		now := r.Records.now()
		s := &f.job.Execution.Stages[f.stage]
		s.Status, s.EndedAt = hosting.Succeeded, &now
		if f.stage == stageRelease {
			f.job.Execution.Status, f.job.Execution.EndedAt = hosting.Succeeded, &now
			r.close(f.job)
			return
		}
		if twin := r.twin(f); twin != nil {
			r.join(f.job, twin)
			return
		}
		r.save(f.job)
		r.arrive(f.stage+1, f.job)
	case errors.Is(f.err, errStopped):
		r.conclude(f.job, hosting.Stopped, errStopped.Error(), "")
	case errors.As(f.err, &superseded):
		r.conclude(f.job, hosting.Superseded, superseded.By, "")
	default:
		r.conclude(f.job, hosting.Failed, f.err.Error(), fault.HintOf(f.err))
	}
}

// conclude ends a job before its last stage has succeeded.
func (r *runner) conclude(j *Job, status hosting.Status, why, hint string) {
	end(&j.Execution, status, why, hint, r.Records.now())
	if j.log != nil {
		fmt.Fprintf(j.log, "%s: %s\n", status, why)
		if hint != "" {
			fmt.Fprintf(j.log, "Hint: %s\n", hint)
		}
	}
	r.close(j)
}

// close lets go of a job. Its record is saved last, so that whoever waits for it finds everything else done.
func (r *runner) close(j *Job) {
	r.Work.Finish(j)
	if j.log != nil {
		if err := j.log.Close(); err != nil {
			r.Log.Error("an execution's log is incomplete", "execution", j.Execution.ID, "error", err)
		}
	}
	r.Records.SetProgress(j.Execution.ID, "")
	r.tell(j.Execution)
	r.save(j)
	if err := r.Records.prune(keepRecords, r.schedule.has); err != nil {
		r.Log.Warn("old executions cannot be removed", "error", err)
	}
}

// tell logs how an execution ended.
func (r *runner) tell(e hosting.Execution) {
	log := r.Log.With("execution", e.ID, "commit", e.Revision, "subject", e.Message)
	stage := e.FailedStage()
	switch {
	case stage == nil:
		log.Info("a release is live", "release", e.Release, "took", e.EndedAt.Sub(e.StartedAt).Round(time.Millisecond))
	case e.Status == hosting.Failed:
		log.Error("an execution failed; what was live before still is", "stage", stage.Name, "error", stage.Error)
	default:
		log.Info("an execution ended before its end", "status", e.Status, "why", stage.Error)
	}
}

// save writes the record. If that is impossible (a full disk, a site that is being deleted) the execution goes on: what
// it makes live matters more than the record.
func (r *runner) save(j *Job) {
	err := r.Records.Save(j.Execution)
	if err == nil || errors.Is(err, os.ErrNotExist) {
		return
	}
	r.Log.Error("an execution's record cannot be written", "execution", j.Execution.ID, "error", err)
	if j.Execution.Status.Done() {
		r.unsaved[j.Execution.ID] = j.Execution
	}
}

// saveAgain writes the records that could not be written: someone may be waiting for them.
func (r *runner) saveAgain() {
	for id, e := range r.unsaved {
		if err := r.Records.Save(e); err == nil || errors.Is(err, os.ErrNotExist) {
			delete(r.unsaved, id)
		}
	}
}

// drain waits for the stages that run, and ends all executions.
func (r *runner) drain() {
	for r.schedule.running() > 0 {
		r.finish(<-r.done)
	}
	for i := range r.schedule.slots {
		slot := &r.schedule.slots[i]
		if slot.waiting != nil && started(slot.waiting.Execution) {
			r.conclude(slot.waiting, hosting.Stopped, errStopped.Error(), "")
		}
		slot.waiting = nil
	}
}
